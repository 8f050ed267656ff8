import { scan } from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  return scan({ filter: { title: { eq: ctx.args.title } } });
}

export function response(ctx) {
  return ctx.result.items;
}

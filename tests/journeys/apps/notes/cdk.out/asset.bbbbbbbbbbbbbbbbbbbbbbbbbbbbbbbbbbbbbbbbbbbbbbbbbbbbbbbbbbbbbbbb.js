import { util } from '@aws-appsync/utils';
import { update } from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  const { id, title, slug } = ctx.args;
  return update({ key: { id }, update: { title, slug }, condition: { id: { attributeExists: true } } });
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return ctx.result;
}

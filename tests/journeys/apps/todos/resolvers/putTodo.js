import * as ddb from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  const { text, due } = ctx.args;
  return ddb.put({ key: { id: ctx.stash.id }, item: { text, due, done: false } });
}

export function response(ctx) {
  return ctx.result;
}

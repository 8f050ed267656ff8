import { util } from '@aws-appsync/utils';

// RequestResponse: the caller waits until the function has written to the queue.
export function request(ctx) {
  const { prompt, storyId } = ctx.args;
  return { operation: 'Invoke', payload: { prompt, storyId } };
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return ctx.result;
}

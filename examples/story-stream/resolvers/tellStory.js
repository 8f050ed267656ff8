import { util } from '@aws-appsync/utils';

// Event: AppSync hands the work over and does not wait for it.
export function request(ctx) {
  const { prompt, storyId } = ctx.args;
  return { operation: 'Invoke', invocationType: 'Event', payload: { prompt, storyId } };
}

// ctx.error is set only when the work could not be handed over; what the function does later never gets here.
export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return 'OK';
}

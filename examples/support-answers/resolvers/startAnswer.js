import { util } from '@aws-appsync/utils';

// Event: AppSync hands the work over and does not wait for it.
export function request(ctx) {
  const { questionId, question } = ctx.args;
  const { customer, parcels, passages } = ctx.stash;
  return {
    operation: 'Invoke',
    invocationType: 'Event',
    payload: { questionId, question, customer, parcels: parcels || [], passages },
  };
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return null;
}

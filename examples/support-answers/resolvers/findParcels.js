import { runtime, util } from '@aws-appsync/utils';

export function request(ctx) {
  if (!ctx.stash.customer) {
    runtime.earlyReturn([]);
  }
  return {
    method: 'GET',
    resourcePath: '/parcels',
    params: { query: { customer: ctx.args.customerId }, headers: { accept: 'application/json' } },
  };
}

export function response(ctx) {
  if (ctx.error || ctx.result.statusCode !== 200) {
    util.appendError('The parcels cannot be looked up now.', 'ParcelsUnavailable');
    return null;
  }
  ctx.stash.parcels = JSON.parse(ctx.result.body);
  return ctx.stash.parcels;
}

import { runtime, util } from '@aws-appsync/utils';

export function request(ctx) {
  if (ctx.args.text === '') {
    util.error('There is nothing to do', 'Invalid');
  }
  if (ctx.args.text === 'nothing') {
    runtime.earlyReturn(null);
  }
  ctx.stash.id = util.autoId();
  return {};
}

export function response(ctx) {
  return ctx.result;
}

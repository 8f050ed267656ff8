import { util } from '@aws-appsync/utils';

export function request(ctx) {
  if (ctx.args.title.trim() === '') {
    util.error('A note needs a title', 'Invalid');
  }
  ctx.args.slug = ctx.args.title.toLowerCase().replaceAll(' ', '-');
  return {};
}

export function response(ctx) {
  return ctx.prev.result;
}

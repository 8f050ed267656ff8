import { util } from '@aws-appsync/utils';

export function onPublish(ctx) {
  return ctx.events
    .filter(({ payload }) => payload.text !== 'shut up')
    .map(({ id, payload }) => ({ id, payload: { ...payload, text: `${payload.text}, please` } }));
}

export function onSubscribe(ctx) {
  if (ctx.info.channel.segments.includes('staff')) util.unauthorized();
}

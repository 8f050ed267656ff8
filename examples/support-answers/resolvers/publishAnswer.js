// No data source: what comes in goes out, to the caller and to every subscriber of onAnswer.
export function request(ctx) {
  return { payload: ctx.args };
}

export function response(ctx) {
  return ctx.result;
}

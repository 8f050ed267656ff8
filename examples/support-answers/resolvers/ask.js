// One request, four sources: what each finds is kept in the stash for the next and for the answer.
export function request(ctx) {
  return {};
}

export function response(ctx) {
  const { customer, parcels, passages } = ctx.stash;
  return { questionId: ctx.args.questionId, customer, parcels, passages };
}

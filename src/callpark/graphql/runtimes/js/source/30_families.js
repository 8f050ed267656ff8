// util.str, util.math, util.http, and the families that are refused by name.
// https://docs.aws.amazon.com/appsync/latest/devguide/built-in-util-js.html
const nativeNormalize = String.prototype.normalize;
util.str = {
  normalize: (value, form) => apply(nativeNormalize, text(value, 'util.str.normalize'), [`${form}`.toUpperCase()]),
};
util.math = {
  roundNum: (value) => Math.round(value),
  minVal: (a, b) => Math.min(a, b),
  maxVal: (a, b) => Math.max(a, b),
  randomDouble: () => fraction(),
  randomWithinRange: (from, to) => from + floor(fraction() * (to - from)),
};
const NOT_COPIED = [
  'transfer-encoding', 'connection', 'host', 'expect', 'keep-alive', 'upgrade', 'proxy-authenticate',
  'proxy-authorization', 'te', 'content-length',
];
util.http = {
  copyHeaders: (headers) => {
    const out = {};
    for (const name of keys(headers || {})) if (!NOT_COPIED.includes(name.toLowerCase())) out[name] = headers[name];
    return out;
  },
};
for (const [family, names] of [
  ['http', ['addResponseHeader', 'addResponseHeaders']],
  ['transform', ['toDynamoDBFilterExpression', 'toDynamoDBConditionExpression', 'toElasticsearchQueryDSL']],
  ['xml', ['toMap', 'toJsonString']],
  ['rds', ['toJsonObject']],
]) {
  util[family] = util[family] || {};
  for (const name of names) util[family][name] = unbuilt(`util.${family}.${name}`);
}

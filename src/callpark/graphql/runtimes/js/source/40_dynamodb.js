// util.dynamodb: plain values to typed ones.
// https://docs.aws.amazon.com/appsync/latest/devguide/dynamodb-helpers-in-util-dynamodb-js.html
function toDynamoDB(value) {
  if (value === null || value === undefined) return { NULL: null };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (isArray(value)) return { L: toListValues(value) };
  if (typeof value === 'object') return { M: toMapValues(value) };
  return misuse(`util.dynamodb.toDynamoDB cannot convert a ${typeof value}`);
}
function toListValues(list) {
  const out = [];
  for (let i = 0; i < list.length; i++) out[i] = toDynamoDB(list[i]);
  return out;
}
function toMapValues(map) {
  const out = {};
  for (const name of keys(map || {})) out[name] = toDynamoDB(map[name]);
  return out;
}
function orNull(wrap) {
  return (value) => (value === null || value === undefined ? null : wrap(value));
}
util.dynamodb = {
  toDynamoDB,
  toMapValues,
  toString: orNull((value) => ({ S: value })),
  toStringSet: orNull((value) => ({ SS: value })),
  toNumber: orNull((value) => ({ N: value })),
  toNumberSet: orNull((value) => ({ NS: value })),
  toBinary: orNull((value) => ({ B: value })),
  toBinarySet: orNull((value) => ({ BS: value })),
  toBoolean: orNull((value) => ({ BOOL: value })),
  toNull: () => ({ NULL: null }),
  toList: orNull((value) => ({ L: toListValues(value) })),
  toMap: orNull((value) => ({ M: toMapValues(value) })),
  toS3Object: (key, bucket, region, version) => ({
    S: stringify({ s3: version === undefined ? { key, bucket, region } : { key, bucket, region, version } }),
  }),
  fromS3ObjectJson: (value) => {
    const object = JSON.parse(text(value, 'util.dynamodb.fromS3ObjectJson'));
    return object && object.s3 ? object.s3 : misuse('util.dynamodb.fromS3ObjectJson expects an S3 object');
  },
};

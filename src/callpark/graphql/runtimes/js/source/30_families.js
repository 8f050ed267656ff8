// util.str, util.math, util.http, util.rds.
// https://docs.aws.amazon.com/appsync/latest/devguide/built-in-util-js.html
const FORMS = { nfc: 'NFC', nfd: 'NFD', nfkc: 'NFKC', nfkd: 'NFKD' };
util.str = {
  normalize: (value, form) => {
    const name = FORMS[`${form}`.toLowerCase()];
    if (name === undefined) misuse("util.str.normalize expects one of 'nfc', 'nfd', 'nfkc' and 'nfkd'");
    return apply(nativeNormalize, text(value, 'util.str.normalize'), [name]);
  },
};
function number(value, name) {
  if (typeof value !== 'number') misuse(`${name} expects a number`);
  return value;
}
const { round, min, max } = Math;
util.math = {
  roundNum: (value) => round(number(value, 'util.math.roundNum')),
  minVal: (a, b) => min(number(a, 'util.math.minVal'), number(b, 'util.math.minVal')),
  maxVal: (a, b) => max(number(a, 'util.math.maxVal'), number(b, 'util.math.maxVal')),
  randomDouble: () => fraction(),
  randomWithinRange: (from, to) => {
    number(from, 'util.math.randomWithinRange');
    return from + floor(fraction() * (number(to, 'util.math.randomWithinRange') - from));
  },
};

const NOT_COPIED = [
  'transfer-encoding', 'connection', 'host', 'expect', 'keep-alive', 'upgrade', 'proxy-authenticate',
  'proxy-authorization', 'te', 'content-length',
];
const NOT_ADDED = [
  ...NOT_COPIED, 'access-control-allow-credentials', 'access-control-allow-origin', 'access-control-expose-headers',
  'access-control-max-age', 'access-control-allow-methods', 'access-control-allow-headers', 'vary', 'content-type',
];
// A header that cannot be added is left out, and the answer's errors say so.
function addHeader(name, value) {
  const lower = typeof name === 'string' ? name.toLowerCase() : '';
  let why = null;
  if (!apply(nativeTest, /^[!#$%&'*+.^_`|~0-9A-Za-z\-]+$/, [lower])) why = 'The name of a response header is empty or invalid.';
  else if (NOT_ADDED.includes(lower) || lower.startsWith('x-amzn-') || lower.startsWith('x-amz-')) why = `The response header '${name}' is restricted.`;
  else if (value === null || value === undefined) why = `The response header '${name}' has no value.`;
  const shown = typeof value === 'string' ? value : why === null ? safeStringify(value) : '';
  if (why === null && apply(nativeTest, /[\r\n\0]/, [`${shown}`])) why = `The value of the response header '${name}' is invalid.`;
  if (why !== null) left.errors.push({ message: why, type: 'ResponseHeaderError', data: null, errorInfo: null });
  else left.effects.push({ name: 'addResponseHeader', parameters: [name, shown] });
}
util.http = {
  copyHeaders: (headers) => {
    const out = {};
    for (const name of keys(headers || {})) if (!NOT_COPIED.includes(name.toLowerCase())) out[name] = headers[name];
    return out;
  },
  addResponseHeader: (name, value) => addHeader(name, value),
  addResponseHeaders: (headers) => {
    if (headers === null || typeof headers !== 'object') misuse('util.http.addResponseHeaders expects a map');
    for (const name of keys(headers)) addHeader(name, headers[name]);
  },
};

// A field of the Data API as a plain value. https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_Field.html
function fieldValue(field) {
  if (field === null || typeof field !== 'object' || field.isNull === true) return null;
  if (field.arrayValue) {
    const array = field.arrayValue;
    return array.arrayValues ? array.arrayValues.map((each) => fieldValue({ arrayValue: each })) : firstValue(array) || [];
  }
  return firstValue(field);
}
function firstValue(object) {
  for (const name of keys(object)) return object[name];
  return null;
}
// One list of rows for each statement; null when the input is not what the Data API answers. A statement without
// records has one empty row, fields that are null are left out (both recorded).
function rowsOf(result) {
  const rows = [];
  for (const record of result.records) {
    const row = {};
    for (let i = 0; i < record.length; i++) {
      const column = (result.columnMetadata || [])[i] || {};
      const value = fieldValue(record[i]);
      if (value !== null) row[column.label || column.name || `${i}`] = value;
    }
    rows.push(row);
  }
  return rows;
}
function toJsonObject(input) {
  let read = input;
  if (typeof input === 'string') {
    try {
      read = parse(input);
    } catch (error) {
      return null;
    }
  }
  if (read === null || typeof read !== 'object' || !isArray(read.sqlStatementResults)) return null;
  return read.sqlStatementResults.map((result) => (isArray(result.records) ? rowsOf(result) : [{}]));
}
util.rds = { toJsonObject };

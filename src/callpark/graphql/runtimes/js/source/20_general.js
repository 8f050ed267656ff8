// util: errors, ids, encodings, matching.
// https://docs.aws.amazon.com/appsync/latest/devguide/built-in-util-js.html
function nothing(value) {
  return value === null || value === undefined;
}
function optional(value) {
  return value === undefined ? null : value;
}
function entry(message, type, data, errorInfo) {
  return { message: message === null || message === undefined ? null : `${message}`, type: optional(type),
           data: optional(data), errorInfo: optional(errorInfo) };
}
util.error = (message, type, data, errorInfo) => {
  pending = { kind: 'error', ...entry(message, type, data, errorInfo), at: null };
  throw pending;
};
util.appendError = (message, type, data, errorInfo) => {
  left.errors.push(entry(message, type, data, errorInfo));
};
util.unauthorized = () => {
  pending = { kind: 'error', ...entry('Unauthorized', 'Unauthorized'), at: null };
  throw pending;
};
util.authType = () => host.authType;

function digits(count, base, alphabet) {
  let text = '';
  for (let i = 0; i < count; i++) text += alphabet[floor(fraction() * base)];
  return text;
}
const HEX = '0123456789abcdef';
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
util.autoId = () => {
  const h = digits(32, 16, HEX);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${HEX[8 + floor(fraction() * 4)]}${h.slice(17, 20)}-${h.slice(20)}`;
};
util.autoUlid = () => {
  let time = floor(host.now);
  let text = '';
  for (let i = 0; i < 10; i++) {
    text = CROCKFORD[time % 32] + text;
    time = floor(time / 32);
  }
  return text + digits(16, 32, CROCKFORD);
};
util.autoKsuid = () => {
  let bytes = [];
  let seconds = floor(host.now / 1000) - 1400000000;
  for (let i = 3; i >= 0; i--) {
    bytes[i] = seconds % 256;
    seconds = floor(seconds / 256);
  }
  for (let i = 4; i < 20; i++) bytes[i] = floor(fraction() * 256);
  let text = '';
  for (let n = 0; n < 27; n++) {
    let rest = 0;
    for (let i = 0; i < 20; i++) {
      const value = rest * 256 + bytes[i];
      bytes[i] = floor(value / 62);
      rest = value % 62;
    }
    text = BASE62[rest] + text;
  }
  return text;
};

function text(value, name) {
  if (typeof value !== 'string') misuse(`${name} expects a string`);
  return value;
}
const HEX_DIGITS = {};
for (let i = 0; i < 16; i++) HEX_DIGITS[HEX[i].toUpperCase()] = i;
function utf8(string) {
  const escaped = encodeURIComponent(string);
  const bytes = [];
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] === '%') {
      bytes[bytes.length] = HEX_DIGITS[escaped[i + 1]] * 16 + HEX_DIGITS[escaped[i + 2]];
      i += 2;
    } else bytes[bytes.length] = codeAt(escaped, i);
  }
  return bytes;
}
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const SIXTY_FOUR = { '-': 62, _: 63 };
for (let i = 0; i < 64; i++) SIXTY_FOUR[BASE64[i]] = i;
util.base64Encode = (value) => {
  const bytes = utf8(text(value, 'util.base64Encode'));
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const triple = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
    out += BASE64[(triple >> 18) & 63] + BASE64[(triple >> 12) & 63];
    out += i + 1 < bytes.length ? BASE64[(triple >> 6) & 63] : '=';
    out += i + 2 < bytes.length ? BASE64[triple & 63] : '=';
  }
  return out;
};
util.base64Decode = (value) => {
  let escaped = '';
  let bits = 0;
  let held = 0;
  for (const each of text(value, 'util.base64Decode')) {
    if (each === '=') break;
    const at = SIXTY_FOUR[each];
    if (at === undefined) misuse('util.base64Decode expects base64 text');
    held = (held << 6) | at;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      const byte = (held >> bits) & 255;
      escaped += `%${HEX[byte >> 4]}${HEX[byte & 15]}`;
    }
  }
  try {
    return decodeURIComponent(escaped);
  } catch (error) {
    return misuse('util.base64Decode expects UTF-8');
  }
};
const encodeReserved = { '!': '%21', "'": '%27', '(': '%28', ')': '%29', '~': '%7E', '%20': '+' };
util.urlEncode = (value) => {
  let out = text(value, 'util.urlEncode');
  try {
    out = encodeURIComponent(out);
  } catch (error) {
    return misuse('util.urlEncode expects text without halves of surrogate pairs');
  }
  for (const each of keys(encodeReserved)) out = swapped(out, each, encodeReserved[each]);
  return out;
};
util.urlDecode = (value) => {
  const spaced = swapped(text(value, 'util.urlDecode'), '+', '%20');
  try {
    return decodeURIComponent(spaced);
  } catch (error) {
    return misuse('util.urlDecode expects URL-encoded text');
  }
};
const ESCAPES = { '"': '\\"', "'": "\\'", '\\': '\\\\', '/': '\\/', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };
util.escapeJavaScript = (value) => {
  let out = '';
  for (const each of text(value, 'util.escapeJavaScript')) {
    const code = codeAt(each, 0);
    if (ESCAPES[each] !== undefined) out += ESCAPES[each];
    else if (code < 32 || code > 126) {
      for (let i = 0; i < each.length; i++) {
        out += `\\u${padStart(codeAt(each, i).toString(16).toUpperCase(), 4, '0')}`;
      }
    } else out += each;
  }
  return out;
};
util.matches = (pattern, data) => {
  text(pattern, 'util.matches');
  text(data, 'util.matches');
  let compiled;
  try {
    compiled = javaPattern(pattern, '', true);
  } catch (error) {
    return misuse(`util.matches: ${error.message}`);
  }
  return apply(nativeTest, compiled, [data]);
};

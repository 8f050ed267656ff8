// The engine as APPSYNC_JS offers it: natives that could run for minutes without the engine's interrupt are bounded,
// globals that AppSync lacks are gone, time and chance come from the host.
// Evaluated first in every context, inside one function scope with the files that follow.
const { stringify, parse } = JSON;
const { defineProperty, keys, getPrototypeOf } = Object;
const { apply } = Reflect;
const NativeRegExp = RegExp;
const NativeProxy = Proxy;
const functionPrototype = Function.prototype;
const NativeDate = Date;
const NativeError = Error;
const NativeTypeError = TypeError;
const NativeRangeError = RangeError;
const isArray = Array.isArray;
const isInteger = Number.isInteger;
const floor = Math.floor;
const nativeTest = RegExp.prototype.test;
const nativeExec = RegExp.prototype.exec;

const LONGEST_ARRAY = 100000;
const MOST_VALUES = 1000000;
const MOST_COMPARISONS = 100000000;

function hidden(target, name, value) {
  defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}

for (const name of Object.getOwnPropertyNames(Array.prototype)) {
  const native = Array.prototype[name];
  if (typeof native !== 'function' || name === 'constructor') continue;
  hidden(Array.prototype, name, function (...parameters) {
    if (this.length > LONGEST_ARRAY) throw new NativeRangeError(`an array of more than ${LONGEST_ARRAY} items`);
    return apply(native, this, parameters);
  });
}
for (const name of ['indexOf', 'lastIndexOf', 'includes', 'split']) {
  const native = String.prototype[name];
  hidden(String.prototype, name, function (sought, ...parameters) {
    if (typeof sought === 'string' && this.length * sought.length > MOST_COMPARISONS) {
      throw new NativeRangeError('strings too long to search');
    }
    return apply(native, this, [sought, ...parameters]);
  });
}

// Patterns are Java regular expressions given as strings.
function javaPattern(text, flags) {
  let pattern = `${text}`;
  const inline = apply(nativeExec, /^\(\?([imsu]+)\)/, [pattern]);
  if (inline) {
    pattern = pattern.slice(inline[0].length);
    for (const flag of inline[1]) if (!flags.includes(flag)) flags += flag;
  }
  return new NativeRegExp(pattern, flags);
}
for (const [name, flags] of [['replace', ''], ['replaceAll', 'g']]) {
  const native = String.prototype[name];
  hidden(String.prototype, name, function (pattern, replacement) {
    return apply(native, this, [javaPattern(pattern, flags), replacement]);
  });
}

function countValues(value, left) {
  if (value === null || typeof value !== 'object') return left - 1;
  if (typeof value.toJSON === 'function' && !(value instanceof NativeDate)) {
    throw new NativeTypeError('toJSON is not supported');
  }
  if (isArray(value)) {
    for (let i = 0; i < value.length && left > 0; i++) left = countValues(value[i], left - 1);
  } else {
    for (const name in value) {
      left = countValues(value[name], left - 1);
      if (left <= 0) break;
    }
  }
  if (left <= 0) throw new NativeRangeError(`more than ${MOST_VALUES} values`);
  return left;
}
function safeStringify(value, replacer, space) {
  countValues(value, MOST_VALUES);
  return stringify(value, replacer, space);
}
hidden(JSON, 'stringify', safeStringify);
// AppSync answers invalid text with an empty string.
hidden(JSON, 'parse', (text) => {
  try {
    return parse(text);
  } catch (error) {
    return '';
  }
});

const KEPT = [
  'Object', 'Array', 'String', 'Number', 'Boolean', 'Math', 'JSON', 'NaN', 'Infinity', 'undefined', 'isNaN',
  'isFinite', 'parseInt', 'parseFloat', 'encodeURIComponent', 'decodeURIComponent', 'encodeURI', 'decodeURI',
];
const kept = {};
for (const name of KEPT) kept[name] = true;
for (const name of Object.getOwnPropertyNames(globalThis)) {
  if (!kept[name] && name !== 'globalThis') delete globalThis[name];
}
for (const name of ['call', 'apply', 'bind', 'constructor']) delete functionPrototype[name];

// What the host hands to one evaluation, and what that evaluation leaves for the host.
let host = { now: 0, seed: '', authType: null };
let left = { errors: [], logs: [], effects: [] };
let pending = null;

function Now(...parameters) {
  return parameters.length === 0 ? new NativeDate(host.now) : new NativeDate(...parameters);
}
Now.now = () => host.now;
Now.parse = NativeDate.parse;
Now.UTC = NativeDate.UTC;
Now.prototype = NativeDate.prototype;
hidden(NativeDate.prototype, 'constructor', Now);
hidden(globalThis, 'Date', Now);

// Mulberry32 over the host's seed: repeatable when the host's ids are.
let state = 0;
function reseed(seed) {
  state = 0;
  for (let i = 0; i < seed.length; i++) state = (state * 31 + seed.charCodeAt(i)) | 0;
}
function fraction() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
hidden(Math, 'random', fraction);

// Where user code stands: lines past this offset are ours.
const OURS = 40000;
function position(stack) {
  const frame = new NativeRegExp('<input>:(\\d+):(\\d+)', 'g');
  for (let match = apply(nativeExec, frame, [stack]); match; match = apply(nativeExec, frame, [stack])) {
    const line = +match[1] - 1;
    if (line > 0 && line < OURS) return `code.js:${line}:${match[2]}`;
  }
  return '';
}
// A util misused: an error of type Code with the place it happened at.
function misuse(message) {
  const place = position(new NativeError().stack);
  pending = { kind: 'error', message: place ? `${place}: ${message}` : message, type: 'Code' };
  throw pending;
}
function unbuilt(name) {
  return () => misuse(`callpark does not have ${name} yet`);
}
const util = {};

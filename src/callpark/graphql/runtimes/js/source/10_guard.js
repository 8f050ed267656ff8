// The engine as APPSYNC_JS offers it: natives that could run for minutes without the engine's interrupt are bounded,
// methods that AppSync lacks say so, time and chance come from the host. What is left is frozen in 80_seal.js.
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
const nativeNormalize = String.prototype.normalize;

const LONGEST_ARRAY = 100000;
const LONGEST_SEARCHED = 2000000;
const MOST_VALUES = 1000000;
const MOST_COMPARISONS = 100000000;

function hidden(target, name, value) {
  defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}
const nativePadStart = String.prototype.padStart;
const nativePadEnd = String.prototype.padEnd;
const nativeCharCodeAt = String.prototype.charCodeAt;
const nativeFromCodePoint = String.fromCodePoint;
function padStart(string, width, filler) {
  return apply(nativePadStart, string, [width, filler]);
}
function padEnd(string, width, filler) {
  return apply(nativePadEnd, string, [width, filler]);
}
const nativeReplaceAll = String.prototype.replaceAll;
function swapped(string, from, to) {
  return apply(nativeReplaceAll, string, [from, to]);
}
function codeAt(string, at) {
  return apply(nativeCharCodeAt, string, [at]);
}

// The engine looks at the clock once in ten thousand turns and calls, however long each of them takes. So whatever is
// repeated - loops, callbacks, natives - comes by here, and makes the engine look when it has been a while.
const { now: nativeNow } = Date;
const OFTEN = 5; // milliseconds
let looked = 0;
function tick() {
  if (nativeNow() - looked < OFTEN) return;
  for (let i = 0; i < 10001; i++);
  looked = nativeNow();
}
const nativeRaw = String.raw;
hidden(String, 'raw', (strings, ...parameters) => {
  checkLength(strings.raw);
  return apply(nativeRaw, String, [strings, ...parameters]);
});
const CALL_BACK = [
  'every', 'some', 'forEach', 'map', 'filter', 'reduce', 'reduceRight', 'find', 'findIndex', 'findLast', 'findLastIndex', 'flatMap',
];
function checkLength(array) {
  if (array.length > LONGEST_ARRAY) throw new NativeRangeError(`an array of more than ${LONGEST_ARRAY} items`);
  tick();
}
for (const name of Object.getOwnPropertyNames(Array.prototype)) {
  const native = Array.prototype[name];
  if (typeof native !== 'function' || name === 'constructor') continue;
  hidden(Array.prototype, name, CALL_BACK.includes(name)
    ? function (callback, ...parameters) {
        checkLength(this);
        if (typeof callback !== 'function') return apply(native, this, [callback, ...parameters]);
        const called = (a, b, c, d) => {
          tick();
          return callback(a, b, c, d);
        };
        return apply(native, this, [called, ...parameters]);
      }
    : function (...parameters) {
        checkLength(this);
        for (const each of parameters) if (isArray(each)) checkLength(each);
        return apply(native, this, parameters);
      });
}
for (const name of ['charAt', 'concat', 'slice', 'substring', 'substr', 'toLowerCase', 'toUpperCase', 'trim', 'trimStart', 'trimEnd']) {
  const native = String.prototype[name];
  hidden(String.prototype, name, function (...parameters) {
    tick();
    return apply(native, this, parameters);
  });
}
for (const name of ['assign', 'entries', 'keys', 'values', 'fromEntries']) {
  const native = Object[name];
  hidden(Object, name, (...parameters) => {
    tick();
    return apply(native, Object, parameters);
  });
}
// The native flat visits shared arrays again and again without ever looking at the clock.
function flattened(into, items, depth, left) {
  for (let i = 0; i < items.length; i++) {
    if (left.visits <= 0) throw new NativeRangeError(`more than ${MOST_VALUES} values`);
    left.visits -= 1;
    if (depth > 0 && isArray(items[i])) flattened(into, items[i], depth - 1, left);
    else if (Object.hasOwn(items, i)) into[into.length] = items[i];
  }
  return into;
}
hidden(Array.prototype, 'flat', function (depth = 1) {
  if (this.length > LONGEST_ARRAY) throw new NativeRangeError(`an array of more than ${LONGEST_ARRAY} items`);
  return flattened([], this, +depth || 0, { visits: MOST_VALUES });
});
// Comparators are not for APPSYNC_JS, and the engine does not look at the clock between two native comparisons.
for (const name of ['sort', 'toSorted']) {
  const native = Array.prototype[name];
  hidden(Array.prototype, name, function (comparator) {
    if (comparator !== undefined) misuse(`Array.${name} takes no comparator`);
    return apply(native, this, []);
  });
}
for (const name of ['indexOf', 'lastIndexOf', 'includes', 'split', 'startsWith', 'endsWith']) {
  const native = String.prototype[name];
  hidden(String.prototype, name, function (sought, ...parameters) {
    tick();
    if (typeof sought === 'string' && this.length * sought.length > MOST_COMPARISONS) {
      throw new NativeRangeError('strings too long to search');
    }
    return apply(native, this, [sought, ...parameters]);
  });
}
for (const [type, names] of [
  [Array, ['copyWithin', 'entries', 'keys', 'toLocaleString', 'values']],
  [String, ['charCodeAt', 'localeCompare', 'matchAll', 'padEnd', 'padStart', 'repeat', 'search', 'toLocaleLowerCase', 'toLocaleUpperCase']],
]) {
  for (const name of names) {
    hidden(type.prototype, name, () => misuse(`Method ${type.name}.${name} is not implemented`));
  }
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
  if (isArray(replacer)) checkLength(replacer);
  countValues(value, MOST_VALUES);
  return stringify(value, replacer, space);
}
hidden(JSON, 'stringify', safeStringify);
// AppSync answers invalid text with an empty string.
hidden(JSON, 'parse', (text) => {
  tick();
  try {
    return parse(text);
  } catch (error) {
    return '';
  }
});

// What follows from its key alone may outlive an evaluation: nobody can tell, or change it. Long keys are not worth it.
const { get: mapGet, set: mapSet, clear: mapClear } = Map.prototype;
const nativeSize = Object.getOwnPropertyDescriptor(Map.prototype, 'size').get;
const MOST_REMEMBERED = 200;
const LONGEST_REMEMBERED = 200;
function remembered(map, key, make) {
  if (key.length > LONGEST_REMEMBERED) return make();
  const known = apply(mapGet, map, [key]);
  if (known !== undefined) return known;
  const made = make();
  if (apply(nativeSize, map, []) >= MOST_REMEMBERED) apply(mapClear, map, []);
  apply(mapSet, map, [key, made]);
  return made;
}

// What the host hands to one evaluation, and what that evaluation leaves for the host.
let host = { now: 0, seed: '', authType: null };
let left = { errors: [], logs: [], effects: [], turns: 0 };
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

// sfc32, begun with the host's 128 bits when chance is first asked for: repeatable when the host's ids are, and wide
// enough for ids that must not meet.
const chance = { fresh: false, a: 0, b: 0, c: 0, count: 0 };
function seedWord(at) {
  let word = 0;
  for (let i = at; i < at + 8; i++) word = (word << 4) | +`0x${host.seed[i]}`;
  return word;
}
function drawn() {
  const word = (((chance.a + chance.b) | 0) + chance.count) | 0;
  chance.count = (chance.count + 1) | 0;
  chance.a = chance.b ^ (chance.b >>> 9);
  chance.b = (chance.c + (chance.c << 3)) | 0;
  chance.c = (((chance.c << 21) | (chance.c >>> 11)) + word) | 0;
  return word;
}
function fraction() {
  if (chance.fresh) {
    chance.fresh = false;
    [chance.a, chance.b, chance.c, chance.count] = [0, 8, 16, 24].map(seedWord);
    for (let i = 0; i < 12; i++) drawn();
  }
  return (drawn() >>> 0) / 4294967296;
}
hidden(Math, 'random', fraction);

// Where user code stands: lines past this offset are ours, and they may be many.
NativeError.stackTraceLimit = 100;
const OURS = 40000;
const FIRST_FRAME = /<input>:(\d+):(\d+)/g;
// [line, column in bytes] of the innermost frame of user code, or null.
function position(stack) {
  FIRST_FRAME.lastIndex = 0;
  for (let match = apply(nativeExec, FIRST_FRAME, [stack]); match; match = apply(nativeExec, FIRST_FRAME, [stack])) {
    if (+match[1] > 1 && +match[1] < OURS) return [+match[1], +match[2]];
  }
  return null;
}
// A util misused: an error of type Code with the place it happened at.
function misuse(message) {
  pending = { kind: 'error', message, type: 'Code', data: null, errorInfo: null, at: position(new NativeError().stack), called: true };
  throw pending;
}
const util = {};

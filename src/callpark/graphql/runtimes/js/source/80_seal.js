// What code may reach, and nothing of it can be changed: a context serves many evaluations, and none may leave
// anything for the next. Members that AppSync lacks are gone.
const KEPT = [
  'Object', 'Array', 'String', 'Number', 'Boolean', 'Math', 'JSON', 'NaN', 'Infinity', 'undefined', 'isNaN',
  'isFinite', 'parseInt', 'parseFloat', 'encodeURIComponent', 'decodeURIComponent', 'encodeURI', 'decodeURI', 'Date',
  'globalThis', 'util', 'runtime', 'extensions', 'console',
];
const { getOwnPropertyNames, getOwnPropertyDescriptor, freeze } = Object;
const { ownKeys } = Reflect;
const NativeSet = Set;
const iterators = [[][Symbol.iterator](), ''[Symbol.iterator]()].map(getPrototypeOf);
const functions = [function* () {}, async () => {}, async function* () {}].map(getPrototypeOf);
for (const name of getOwnPropertyNames(globalThis)) if (!KEPT.includes(name)) delete globalThis[name];
for (const prototype of [functionPrototype, ...functions]) {
  for (const name of ['call', 'apply', 'bind', 'constructor']) delete prototype[name];
}
for (const name of [
  'create', 'defineProperties', 'defineProperty', 'freeze', 'getOwnPropertyDescriptor', 'getOwnPropertyDescriptors',
  'getOwnPropertyNames', 'getOwnPropertySymbols', 'getPrototypeOf', 'is', 'isExtensible', 'isFrozen', 'isSealed',
  'preventExtensions', 'seal', 'setPrototypeOf',
]) delete Object[name];
for (const name of ['__proto__', '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__']) delete Object.prototype[name];
delete Array.from;
delete Array.of;
delete Array.fromAsync;
delete String.fromCharCode;
delete String.fromCodePoint;

// A frozen member of Object.prototype would refuse an object's own member of the same name: setters make it.
for (const name of getOwnPropertyNames(Object.prototype)) {
  const value = Object.prototype[name];
  defineProperty(Object.prototype, name, {
    get: () => value,
    set: function (own) {
      if (this === Object.prototype) throw new NativeTypeError(`'${name}' is read-only`);
      defineProperty(this, name, { value: own, writable: true, enumerable: true, configurable: true });
    },
    enumerable: false,
    configurable: true,
  });
}
function frozen(roots) {
  const seen = new NativeSet();
  const waiting = [...roots];
  while (waiting.length) {
    const value = waiting.pop();
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    seen.add(value);
    freeze(value);
    waiting.push(getPrototypeOf(value));
    for (const key of ownKeys(value)) {
      const descriptor = getOwnPropertyDescriptor(value, key);
      waiting.push(descriptor.value, descriptor.get, descriptor.set);
    }
  }
}

// runtime, extensions, console, and the door through which the host evaluates a handler.
// https://docs.aws.amazon.com/appsync/latest/devguide/runtime-utils-js.html, …/extensions-js.html
const runtime = {
  earlyReturn: (value, options) => {
    const skipTo = options && options.skipTo ? options.skipTo : 'END';
    if (skipTo !== 'END' && skipTo !== 'NEXT') misuse("runtime.earlyReturn: skipTo is 'END' or 'NEXT'");
    pending = { kind: 'return', value: optional(value), skipTo: options && options.skipTo ? skipTo : null };
    throw pending;
  },
};
const extensions = {};
for (const name of ['evictFromApiCache', 'setSubscriptionFilter', 'setSubscriptionInvalidationFilter', 'invalidateSubscriptions']) {
  extensions[name] = (...parameters) => {
    left.effects.push({ name, parameters });
    return null;
  };
}
function logger(level) {
  return (...parameters) => {
    const words = parameters.map((each) => (each === undefined ? 'undefined' : stringify(each)));
    left.logs.push(`${level} - ${position(new NativeError().stack)}: ${words.join(' ')}`);
  };
}
const console = { log: logger('INFO'), info: logger('INFO'), warn: logger('WARN'), error: logger('ERROR') };
for (const [name, value] of [['util', util], ['runtime', runtime], ['extensions', extensions], ['console', console]]) {
  hidden(globalThis, name, value);
}

const modules = { '@aws-appsync/utils': { util, runtime, extensions } };
function importModule(name) {
  return modules[name] || new NativeProxy({}, { get: (target, member) => importName(name, `${member}`) });
}
// Members of a module that is not built: each call says so.
function importName(moduleName, name) {
  const module = modules[moduleName];
  if (!module) return unbuilt(`${name} of the module ${moduleName}`);
  return module[name];
}

function context(text) {
  const ctx = parse(text);
  ctx.args = ctx.arguments;
  if (ctx.info) {
    for (const name of ['selectionSetList', 'selectionSetGraphQL']) {
      const value = ctx.info[name];
      delete ctx.info[name];
      hidden(ctx.info, name, value);
    }
  }
  return ctx;
}

return (factory) => (handler, contextText, hostText) => {
  host = parse(hostText);
  reseed(host.seed);
  left = { errors: [], logs: [], effects: [] };
  pending = null;
  let ctx = null;
  const out = { errors: left.errors, logs: left.logs, effects: left.effects };
  try {
    ctx = context(contextText);
    const unit = factory(importModule, importName);
    if (handler) out.value = optional(unit[handler](ctx)); // none: the host only asks whether the code loads
  } catch (error) {
    if (error !== null && error === pending) out.halt = error;
    else {
      const place = position(`${error && error.stack}`);
      const message = error && error.message !== undefined ? `${error.name}: ${error.message}` : `${error}`;
      out.halt = { kind: 'error', type: 'Code', message: place ? `${place}: ${message}` : message };
    }
  }
  if (ctx) {
    out.args = ctx.args;
    out.stash = ctx.stash;
  }
  return safeStringify(out);
};

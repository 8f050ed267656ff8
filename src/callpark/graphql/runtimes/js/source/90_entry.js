// runtime, console, and the door through which the host evaluates a handler.
// https://docs.aws.amazon.com/appsync/latest/devguide/runtime-utils-js.html
const runtime = {
  earlyReturn: (value, options) => {
    const skipTo = options && options.skipTo ? options.skipTo : null;
    if (skipTo !== null && skipTo !== 'END' && skipTo !== 'NEXT') misuse("runtime.earlyReturn: skipTo is 'END' or 'NEXT'");
    pending = { kind: 'return', value: optional(value), skipTo };
    throw pending;
  },
};
// One entry of the log: [level, place or null, text]; together no longer than LONGEST_LOG characters.
const LONGEST_LOG = 262144;
function log(level, words) {
  if (left.logged > LONGEST_LOG) return;
  left.logged += words.length;
  left.logs.push([level, position(new NativeError().stack), left.logged > LONGEST_LOG ? 'the rest of this log is left out' : words]);
}
function logger(level) {
  return (...parameters) => {
    log(level, parameters.map((each) => (each === undefined ? 'undefined' : `${safeStringify(each)}`)).join(' '));
  };
}
const console = { log: logger('INFO'), info: logger('INFO'), warn: logger('WARN'), error: logger('ERROR') };
for (const [name, value] of [['util', util], ['runtime', runtime], ['extensions', extensions], ['console', console]]) {
  hidden(globalThis, name, value);
}

const modules = {
  '@aws-appsync/utils': { util, runtime, extensions },
  '@aws-appsync/utils/dynamodb': dynamodbModule,
  '@aws-appsync/utils/rds': rdsModule,
  '@aws-appsync/utils/ai': aiModule,
};
const importModule = (name) => modules[name];
const importName = (name, member) => modules[name][member];
// Called at each turn of a loop.
function turn() {
  tick();
  left.turns += 1;
  if (left.turns === host.turns + 1) log('WARN', `loops made more than ${host.turns} turns, which AppSync may not allow`);
}

function context(contextText) {
  const ctx = parse(contextText);
  if (nothing(ctx.arguments)) ctx.arguments = {};
  if (nothing(ctx.stash)) ctx.stash = {};
  ctx.args = ctx.arguments;
  if (isMap(ctx.info)) {
    for (const name of ['selectionSetList', 'selectionSetGraphQL']) {
      const value = ctx.info[name];
      delete ctx.info[name];
      hidden(ctx.info, name, value);
    }
  }
  return ctx;
}
function shown(error) {
  // The engine throws null, or what has no value yet, when it has no memory left for an error.
  const exhausted = error === null || `${error}` === '[uninitialized]' || (error && error.message === 'out of memory');
  const message = exhausted
    ? 'The handler used too much memory.'
    : error && error.message !== undefined ? `${error.name}: ${error.message}` : `${error}`;
  return { kind: 'error', type: 'Code', message, data: null, errorInfo: null, at: position(`${error && error.stack}`) };
}
// Names of exported functions, and of functions one level within exported objects: `onPublish.request`.
function handlersOf(unit) {
  const found = [];
  for (const name of keys(unit)) {
    const exported = unit[name];
    if (typeof exported === 'function') found.push(name);
    else if (isMap(exported)) {
      for (const member of keys(exported)) {
        if (typeof exported[member] === 'function') found.push(`${name}.${member}`);
      }
    }
  }
  return found;
}
frozen([globalThis, ...functions, ...iterators, modules]);

return (factory) => (handler, contextText, hostText) => {
  if (handler === '$zone') {
    zones[contextText] = parse(hostText);
    return '';
  }
  looked = nativeNow();
  host = parse(hostText);
  chance.fresh = true;
  left = { errors: [], logs: [], effects: [], turns: 0, logged: 0 };
  pending = null;
  let ctx = null;
  const out = { errors: left.errors, logs: left.logs, effects: left.effects };
  try {
    ctx = context(contextText);
    const unit = factory(importModule, importName, turn);
    if (handler) {
      const dot = handler.indexOf('.');
      out.value = optional(dot < 0 ? unit[handler](ctx) : unit[handler.slice(0, dot)][handler.slice(dot + 1)](ctx));
    } else {
      out.value = handlersOf(unit); // the host asks whether the code loads, and what can be called in it
    }
  } catch (error) {
    out.halt = error !== null && error === pending ? error : shown(error);
  }
  if (ctx) {
    out.args = ctx.args;
    out.stash = ctx.stash;
  }
  return safeStringify(out);
};

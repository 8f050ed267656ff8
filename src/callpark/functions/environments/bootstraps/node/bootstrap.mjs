// The Lambda runtime client for Node.js handlers: six calls, a console in Lambda's format, and the handler's
// contract (async, callback or streaming, CommonJS or ESM). Started by callpark as `node bootstrap.mjs HANDLER` in the code's directory.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html

import { existsSync, readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { format, inspect } from "node:util";
import { RuntimeClient } from "./client.mjs";
import { isStreaming, openResponse, provideStreaming } from "./streaming.mjs";

const address = process.env.AWS_LAMBDA_RUNTIME_API;
const client = new RuntimeClient(address);
const jsonLogs = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const leastLevel = jsonLogs ? LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL) : 0;
const telemetry = Number(process.env._LAMBDA_TELEMETRY_LOG_FD || 1);
delete process.env._LAMBDA_TELEMETRY_LOG_FD;
const root = process.env.LAMBDA_TASK_ROOT;
provideStreaming();

let requestId; // undefined during init, and shown so, as on AWS

// Log records.

const FRAME_TYPES = { TRACE: 0x07, DEBUG: 0x0b, INFO: 0x0f, WARN: 0x13, ERROR: 0x17, FATAL: 0x1b };

function write(buffer) {
  for (let at = 0; at < buffer.length; ) {
    try {
      at += writeSync(telemetry, buffer, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function record(level, text) {
  const message = Buffer.from(text);
  const frame = Buffer.alloc(16 + message.length);
  frame.writeUInt32BE(0xa55a0000 + FRAME_TYPES[level] - (jsonLogs ? 1 : 0), 0);
  frame.writeUInt32BE(message.length, 4);
  frame.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  message.copy(frame, 16);
  write(frame);
}

function log(level, values) {
  if (LEVELS.indexOf(level) < leastLevel) return;
  const timestamp = new Date().toISOString();
  if (!jsonLogs) return record(level, `${timestamp}\t${requestId}\t${level}\t${format(...values)}\n`);
  const entry = { timestamp, level, requestId };
  const failure = values.find((value) => value instanceof Error);
  if (values.length === 1 && !failure) entry.message = values[0];
  else entry.message = format(...values);
  if (failure) {
    Object.assign(entry, { errorType: failure.name, errorMessage: failure.message });
    entry.stackTrace = String(failure.stack).split("\n");
  }
  let text;
  try {
    text = JSON.stringify(entry);
  } catch {
    text = JSON.stringify({ ...entry, message: format(...values) });
  }
  record(level, `${text}\n`);
}

for (const [method, level] of Object.entries({
  log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", debug: "DEBUG", trace: "TRACE", fatal: "FATAL",
})) {
  console[method] = (...values) => log(level, values);
}

class RuntimeFault extends Error {
  constructor(type, message) {
    super(message);
    this.name = type;
    this.stack = `${type}: ${message}`;
  }
}

function errorObject(error) {
  if (error instanceof Error || (error && typeof error === "object" && "message" in error && "stack" in error)) {
    return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split("\n") };
  }
  const text = typeof error === "object" ? inspect(error) : String(error);
  return { errorType: error === null ? "null" : typeof error, errorMessage: text, trace: [] };
}

// The handler.

function findModule(name) {
  const base = resolve(root, name);
  for (const extension of [".js", ".mjs", ".cjs"]) if (existsSync(base + extension)) return base + extension;
  if (existsSync(join(base, "index.js"))) return join(base, "index.js");
  return null;
}

function isModule(file) {
  if (file.endsWith(".mjs")) return true;
  if (file.endsWith(".cjs")) return false;
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    const description = join(directory, "package.json");
    if (existsSync(description)) return JSON.parse(readFileSync(description, "utf8")).type === "module";
    if (directory === dirname(directory)) return false;
  }
}

async function loadHandler(handler) {
  const slash = handler.lastIndexOf("/") + 1;
  const match = /^([^.]+)\.(.+)$/.exec(handler.slice(slash));
  if (!match || handler.includes("..")) throw new RuntimeFault("Runtime.MalformedHandlerName", `Bad handler '${handler}'`);
  const moduleName = handler.slice(0, slash) + match[1];
  const file = findModule(moduleName);
  if (file === null) throw new RuntimeFault("Runtime.ImportModuleError", `Error: Cannot find module '${moduleName}'`);
  let loaded;
  try {
    loaded = isModule(file) ? await import(pathToFileURL(file)) : createRequire(join(root, "/"))(file);
  } catch (error) {
    const type =
      error instanceof SyntaxError ? "Runtime.UserCodeSyntaxError"
      : error && ["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error.code) ? "Runtime.ImportModuleError"
      : null;
    if (type === null) throw error;
    const fault = new RuntimeFault(type, `${error.name}: ${error.message}`);
    fault.stack = `${type}: ${error.stack}`;
    throw fault;
  }
  const path = match[2].split(".");
  const find = (from) => path.reduce((found, part) => (found === undefined || found === null ? undefined : found[part]), from);
  const found = find(loaded) ?? find(loaded.default);
  if (found === undefined) throw new RuntimeFault("Runtime.HandlerNotFound", `${handler} is undefined or not exported`);
  if (typeof found !== "function") throw new RuntimeFault("Runtime.HandlerNotFound", `${handler} is not a function`);
  return found;
}

function makeContext(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: undefined,
    identity: undefined,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  const sent = headers["lambda-runtime-client-context"];
  if (sent) context.clientContext = JSON.parse(Buffer.from(sent, "latin1").toString("utf8"));
  return context;
}

let whenLoopIsEmpty = null; // what remains to be done once nothing else can happen

function invoke(handler, event, context) {
  return new Promise((done, failed) => {
    let settled = false;
    const settle = (how, value) => {
      if (settled) return;
      settled = true;
      whenLoopIsEmpty = null;
      how(value);
    };
    const callback = (error, value) => {
      const end = () => (error === undefined || error === null ? settle(done, value) : settle(failed, error));
      if (context.callbackWaitsForEmptyEventLoop === false) setImmediate(end);
      else whenLoopIsEmpty = end;
    };
    context.done = callback;
    context.succeed = (value) => settle(done, value);
    context.fail = (error) => settle(failed, error ?? "handled");
    whenLoopIsEmpty = () => settle(done, null);
    let returned;
    try {
      returned = handler(event, context, callback);
    } catch (error) {
      settle(failed, error);
      return;
    }
    if (typeof returned?.then === "function") {
      whenLoopIsEmpty = () =>
        settle(failed, new RuntimeFault("Runtime.NodeJsExit", "the handler's promise can no longer settle: nothing is left to wait for"));
      returned.then((value) => settle(done, value), (error) => settle(failed, error));
    }
  });
}

process.on("beforeExit", () => {
  const pending = whenLoopIsEmpty;
  whenLoopIsEmpty = null;
  if (pending !== null) pending();
});

let reportFatal = null; // set while an invocation is on

function fatal(error, status) {
  log("ERROR", [status === 128 ? "Unhandled Promise Rejection " : "Uncaught Exception ", JSON.stringify(errorObject(error))]);
  if (reportFatal === null) process.exit(status);
  const report = reportFatal;
  reportFatal = null;
  report(error).finally(() => process.exit(status));
}

process.on("uncaughtException", (error) => fatal(error, 129));
process.on("unhandledRejection", (reason) => {
  const fault = new RuntimeFault("Runtime.UnhandledPromiseRejection", String(reason));
  fault.stack = `${fault.stack}\n${reason instanceof Error ? reason.stack : inspect(reason)}`;
  fatal(fault, 128);
});

function serialise(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch (error) {
    throw new RuntimeFault("Runtime.MarshalError", `Unable to stringify response body as json: ${error.message}`);
  }
}

const JOINED_LENGTH = 4096;

async function serve(handler) {
  for (;;) {
    const { headers, body } = await client.next();
    requestId = headers["lambda-runtime-aws-request-id"];
    const trace = headers["lambda-runtime-trace-id"];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    const echo = { "Lambda-Runtime-Invocation-Id": headers["lambda-runtime-invocation-id"] };
    const answer = (path, text, more = {}) => client.call("POST", `invocation/${requestId}/${path}`, text, { ...echo, ...more });
    const report = (error) => {
      const object = errorObject(error);
      const type = /^(Runtime|Function)\.[A-Z][a-zA-Z]+$/.test(object.errorType) ? object.errorType : "Runtime.Unknown";
      return answer("error", JSON.stringify(object), { "Lambda-Runtime-Function-Error-Type": type });
    };
    reportFatal = report;
    let response = null;
    try {
      let event;
      try {
        event = JSON.parse(body.toString("utf8"));
      } catch (error) {
        throw new RuntimeFault("Runtime.UnmarshalError", `Unable to unmarshal input: ${error.message}`);
      }
      const context = makeContext(headers);
      if (isStreaming(handler)) {
        response = openResponse({ address, path: `/2018-06-01/runtime/invocation/${requestId}/response`, headers: echo });
        const body = response;
        reportFatal = (error) => (body.begun ? body.fail(errorObject(error)) : report(error));
        await invoke((event, context) => handler(event, body.stream, context), event, context);
        reportFatal = null;
        await body.finish();
      } else {
        const text = serialise(await invoke(handler, event, context));
        reportFatal = null;
        const confirmed = answer("response", text);
        if (text.length > JOINED_LENGTH) await confirmed;
        else confirmed.catch(() => {}); // what becomes of it shows at `next`, which goes out together with it
      }
    } catch (error) {
      reportFatal = null;
      log("ERROR", ["Invoke Error ", JSON.stringify(errorObject(error))]);
      if (response?.begun) await response.fail(errorObject(error));
      else await report(error);
    }
  }
}

async function main() {
  let handler;
  try {
    handler = await loadHandler(process.argv[2] ?? "");
  } catch (error) {
    log("ERROR", ["Uncaught Exception ", JSON.stringify(errorObject(error))]);
    const object = errorObject(error);
    await client.call("POST", "init/error", JSON.stringify(object), { "Lambda-Runtime-Function-Error-Type": object.errorType });
    process.exit(1);
  }
  await serve(handler);
}

main().catch((error) => {
  log("ERROR", ["the runtime client failed ", JSON.stringify(errorObject(error))]);
  process.exit(1);
});

// Response streaming for Node.js handlers: `awslambda.streamifyResponse` and what its handlers write to.
// Imported by bootstrap.mjs. https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html

import { Agent, request } from "node:http";
import { Writable } from "node:stream";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const BEFORE_FIRST_WRITE = Symbol("before first write");
const ERROR_TYPE = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY = "Lambda-Runtime-Function-Error-Body";
const INTEGRATION = "application/vnd.awslambda.http-integration-response";

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

export function provideStreaming() {
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = options?.highWaterMark ?? true;
      return handler;
    },
    HttpResponseStream: {
      // Status, headers and cookies go before the body: JSON, then eight NUL bytes.
      from(stream, prelude) {
        stream.setContentType(INTEGRATION);
        stream[BEFORE_FIRST_WRITE] = (write) => {
          write(JSON.stringify(prelude));
          write(Buffer.alloc(8));
        };
        return stream;
      },
    },
  };
}

export const isStreaming = (handler) => handler[STREAMING] !== undefined;

// The response of one invocation. Nothing is sent before the first write, so a handler that fails before it has an
// ordinary error; `begun` says whether that has passed.
export function openResponse({ address, path, headers }) {
  const [host, port] = address.split(":");
  let sent = null;
  let contentType = "application/octet-stream";
  let answered;
  const done = new Promise((settle) => (answered = settle));

  function begin() {
    sent = request(
      { host, port, agent, method: "POST", path, headers: {
        ...headers,
        "Content-Type": contentType,
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        "Transfer-Encoding": "chunked",
        Trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
      } },
      (response) => {
        response.resume();
        response.on("end", answered);
        response.on("error", answered);
      },
    );
    sent.on("error", answered);
    sent.setNoDelay(true);
    stream[BEFORE_FIRST_WRITE]?.((bytes) => sent.write(bytes));
  }

  const stream = new Writable({
    write(chunk, encoding, taken) {
      if (sent === null) begin();
      if (sent.write(chunk)) taken();
      else sent.once("drain", taken);
    },
    final(ended) {
      if (sent === null) begin();
      if (!sent.writableEnded) sent.end();
      done.then(() => ended());
    },
  });
  stream.setContentType = (type) => {
    contentType = type;
  };

  const bytesOf = (chunk) =>
    typeof chunk === "string" || Buffer.isBuffer(chunk) || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk);
  const { write, end } = stream;
  stream.write = (chunk, ...rest) => write.call(stream, bytesOf(chunk), ...rest);
  stream.end = (chunk, ...rest) =>
    chunk === undefined || chunk === null || typeof chunk === "function"
      ? end.call(stream, chunk, ...rest)
      : end.call(stream, bytesOf(chunk), ...rest);

  return {
    stream,
    get begun() {
      return sent !== null;
    },
    // The handler is done: what it left open is closed, and the platform has everything.
    async finish() {
      if (!stream.writableEnded && !stream.destroyed) stream.end();
      if (stream.destroyed && sent === null) begin();
      if (stream.destroyed && !sent.writableEnded) sent.end();
      await done;
    },
    // The body ends here, and trailers say why.
    async fail(error) {
      const type = /^(Runtime|Function)\.[A-Z][a-zA-Z]+$/.test(error.errorType) ? error.errorType : "Runtime.Unknown";
      if (!sent.writableEnded) {
        sent.addTrailers({ [ERROR_TYPE]: type, [ERROR_BODY]: Buffer.from(JSON.stringify(error)).toString("base64") });
        sent.end();
      }
      await done;
    },
  };
}

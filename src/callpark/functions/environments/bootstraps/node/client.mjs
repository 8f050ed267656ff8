// One keep-alive connection to the Runtime API, for bootstrap.mjs. Node's own HTTP client costs 100 µs a request, and
// handlers patch it and mean their own requests. Replies come in the order of the requests, so the next event can be asked
// for while an answer is still being confirmed; the process stays alive for a reply and for nothing else.

import { connect } from "node:net";

const PREFIX = "/2018-06-01/runtime/";
const END = Buffer.from("\r\n\r\n");

export class RuntimeClient {
  #address;
  #socket = null;
  #awaited = [];
  #parts = [];
  #size = 0;
  #wanted = 0;

  constructor(address) {
    this.#address = address;
  }

  // The next event. A connection that was closed before it came, as behind an answer that was refused, is made again.
  async next() {
    for (;;) {
      const reply = await this.call("GET", "invocation/next");
      if (reply !== null) return reply;
    }
  }

  // Resolves with status, headers (by their names in lower case) and body; with null when the connection was closed
  // instead; rejects when there is none to be had.
  call(method, path, body, headers = {}) {
    let head = `${method} ${PREFIX}${path} HTTP/1.1\r\nHost: ${this.#address}\r\n`;
    for (const name in headers) {
      if (headers[name] !== undefined) head += `${name}: ${String(headers[name]).replace(/[\r\n]+/g, " ")}\r\n`;
    }
    if (body !== undefined) head += `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    return new Promise((done, failed) => {
      this.#awaited.push({ done, failed });
      const socket = this.#connected();
      socket.ref();
      if (!socket.writableCorked) {
        socket.cork();
        process.nextTick(() => socket.uncork());
      }
      socket.write(`${head}\r\n${body ?? ""}`);
    });
  }

  #connected() {
    if (this.#socket !== null) return this.#socket;
    const [host, port] = this.#address.split(":");
    const socket = (this.#socket = connect({ host, port, noDelay: true }));
    let open = false;
    let error = null;
    socket.on("connect", () => (open = true));
    socket.on("data", (data) => this.#take(data));
    socket.on("error", (found) => (error = found));
    socket.on("close", () => {
      const awaited = this.#awaited;
      this.#socket = null;
      this.#awaited = [];
      this.#keep(Buffer.alloc(0), 0);
      for (const { done, failed } of awaited) open ? done(null) : failed(error);
    });
    return socket;
  }

  #keep(received, wanted) {
    this.#parts = [received];
    this.#size = received.length;
    this.#wanted = wanted;
  }

  #take(data) {
    this.#parts.push(data);
    this.#size += data.length;
    if (this.#size < this.#wanted) return;
    let received = Buffer.concat(this.#parts);
    for (;;) {
      const end = received.indexOf(END);
      if (end < 0) return this.#keep(received, 0);
      const [status, ...lines] = received.latin1Slice(0, end).split("\r\n");
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(":");
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const start = end + END.length;
      const stop = start + Number(headers["content-length"]);
      if (received.length < stop) return this.#keep(received, stop);
      const { done } = this.#awaited.shift();
      if (this.#awaited.length === 0) this.#socket.unref();
      done({ status: Number(status.slice(9, 12)), headers, body: received.subarray(start, stop) });
      received = received.subarray(stop);
    }
  }
}

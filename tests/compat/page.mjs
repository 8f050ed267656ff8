// amazon-connect-chatjs, unmodified, as a customer's page has it: a session with the chat that CHAT holds, at ENDPOINT.
import { createRequire } from 'node:module';
import WebSocket from 'ws';

// A line that can be cut: the socket drops, and new ones reach nobody until it is mended.
export const line = { cut: false };
export const sockets = [];
class Tracked extends WebSocket {
  constructor(url) {
    super(line.cut ? 'ws://127.0.0.1:1' : url);
    sockets.push(this);
  }
}

// What a page has and Node.js 20 has not.
Object.assign(globalThis, { WebSocket: Tracked, window: globalThis, self: globalThis });
globalThis.navigator ??= { userAgent: 'node', onLine: true };
globalThis.addEventListener ??= () => {};
createRequire(import.meta.url)('amazon-connect-chatjs');

const { ENDPOINT, CHAT } = process.env;
const details = JSON.parse(CHAT);
export const say = (what, value) => console.log(JSON.stringify([what, value ?? null]));

const { ChatSession, LogLevel } = globalThis.connect;
ChatSession.setGlobalConfig({
  region: 'us-east-1',
  endpoint: ENDPOINT,
  loggerConfig: { useDefaultLogger: false, level: LogLevel.ERROR },
  features: { messageReceipts: { shouldSendMessageReceipts: true, throttleTime: 100 } },
});
export const session = ChatSession.create({ chatDetails: details, type: 'CUSTOMER', options: { region: 'us-east-1' } });

export const heard = [];
const waiting = [];
const note = (item) => {
  heard.push(item);
  waiting.splice(0).forEach((wake) => wake());
};
export const until = async (wanted) => {
  while (!heard.some(wanted)) await new Promise((wake) => waiting.push(wake));
};
session.onMessage(({ data }) => note(data));
session.onTyping(({ data }) => note(data));
session.onConnectionLost(() => note({ lost: true }));
let established = 0;
export const connections = () => established;
session.onConnectionEstablished(() => note({ established: ++established }));
session.onChatRehydrated(({ data }) => note(data));
let over;
export const ended = new Promise((resolve) => (over = resolve));
session.onEnded(over);

export const contents = (items) => items.filter((item) => item.Content).map((item) => item.Content);

// amazon-connect-chatjs, unmodified, as a customer's page uses it: connects, talks, loses its socket, comes back, leaves.
// Prints what happens as lines of JSON; waits for a line on standard input before it goes on after the loss.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

// A line that can be cut: the socket drops, and new ones reach nobody until it is mended.
let cut = false;
const sockets = [];
class Tracked extends WebSocket {
  constructor(url) {
    super(cut ? 'ws://127.0.0.1:1' : url);
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
const say = (what, value) => console.log(JSON.stringify([what, value ?? null]));
const go = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const { ChatSession, LogLevel } = globalThis.connect;
ChatSession.setGlobalConfig({
  region: 'us-east-1',
  endpoint: ENDPOINT,
  loggerConfig: { useDefaultLogger: false, level: LogLevel.ERROR },
  features: { messageReceipts: { shouldSendMessageReceipts: true, throttleTime: 100 } },
});
const session = ChatSession.create({ chatDetails: details, type: 'CUSTOMER', options: { region: 'us-east-1' } });

const heard = [];
const waiting = [];
const note = (item) => {
  heard.push(item);
  waiting.splice(0).forEach((wake) => wake());
};
const until = async (wanted) => {
  while (!heard.some(wanted)) await new Promise((wake) => waiting.push(wake));
};
session.onMessage(({ data }) => note(data));
session.onTyping(({ data }) => note(data));
session.onConnectionLost(() => note({ lost: true }));
let established = 0;
session.onConnectionEstablished(() => note({ established: ++established }));
let over;
const ended = new Promise((resolve) => (over = resolve));
session.onEnded(over);

const contents = (items) => items.filter((item) => item.Content).map((item) => item.Content);

const answer = await session.connect();
say('connected', answer.connectSuccess);
await until((item) => item.Content === 'Hello.');
const sent = await session.sendMessage({ contentType: 'text/plain', message: 'one' });
await until((item) => item.Id === sent.data.Id);
await until((item) => item.Content === 'Answer.');
await session.sendEvent({ contentType: 'application/vnd.amazonaws.connect.event.typing' });
await until((item) => item.ContentType?.endsWith('event.typing'));
await session.sendEvent({
  contentType: 'application/vnd.amazonaws.connect.event.message.read',
  content: JSON.stringify({ messageId: heard.find((item) => item.Content === 'Hello.').Id }),
});
const transcript = async () => (await session.getTranscript({ maxResults: 100, sortOrder: 'ASCENDING' })).data.Transcript;
say('transcript', contents(await transcript()));

cut = true;
const before = established;
sockets.at(-1).terminate();
await until((item) => item.lost);
say('lost');
await go.next();
cut = false;
await until((item) => item.established > before);
await transcript(); // the new socket's subscription is on its way: a request later it has arrived
const again = await session.sendMessage({ contentType: 'text/plain', message: 'back' });
await until((item) => item.Id === again.data.Id);
const whole = await transcript();
const missed = whole.filter((item) => !heard.some((other) => other.Id === item.Id));
say('missed', contents(missed));
const ids = heard.filter((item) => item.Id).map((item) => item.Id);
say('repeated', ids.length - new Set(ids).size);
say('receipts', whole.find((item) => item.Content === 'Hello.').MessageMetadata.Receipts.length);
await session.disconnectParticipant();
await ended;
say('ended');
process.exit(0);

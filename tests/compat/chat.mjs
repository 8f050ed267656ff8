// A customer's page: connects, talks, loses its socket, comes back, leaves. Prints what happens as lines of JSON; waits for
// a line on standard input before it goes on after the loss.
import { createInterface } from 'node:readline';
import { connections, contents, ended, heard, line, say, session, sockets, until } from './page.mjs';

const go = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

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

line.cut = true;
const before = connections();
sockets.at(-1).terminate();
await until((item) => item.lost);
say('lost');
await go.next();
line.cut = false;
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

// A customer's page that sends a file, fetches it, draws the view it is shown, and sees the chat go on from an earlier one.
import { ended, heard, say, session, until } from './page.mjs';

await session.connect();
await until((item) => item.ContentType?.endsWith('chat.rehydrated'));
say('rehydrated');
const shown = (item) => item.ContentType?.endsWith('message.interactive');
await until(shown);
const { viewToken } = JSON.parse(heard.find(shown).Content).data.content;
const { View } = (await session.describeView({ viewToken })).data;
say('view', [View.Name, View.Content.Actions]);

const file = new File(['hello ', 'Connect'], 'note.txt', { type: 'text/plain' });
await session.sendAttachment({ attachment: file });
const sent = (item) => item.Type === 'ATTACHMENT';
await until(sent);
const [attachment] = heard.find(sent).Attachments;
say('attachment', [attachment.AttachmentName, attachment.ContentType, attachment.Status]);
const blob = await session.downloadAttachment({ attachmentId: attachment.AttachmentId });
say('content', await blob.text());
const url = await session.getAttachmentURL({ attachmentId: attachment.AttachmentId });
say('url', url.startsWith(process.env.ENDPOINT));
const program = new File(['x'], 'run.exe', { type: 'text/plain' });
await session.sendAttachment({ attachment: program }).catch((error) => say('refused', error.type));
await session.disconnectParticipant();
await ended;
say('ended');
process.exit(0);

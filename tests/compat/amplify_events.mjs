// aws-amplify v6's Events client over https and wss. MODE: apiKey, userPool or iam. Prints what it was told, as JSON.
import { ENDPOINT, API_KEY, TOKEN, REGION, main, say } from './conversation.mjs';
import { Amplify } from 'aws-amplify';
import { decodeJWT } from 'aws-amplify/auth';
import { events } from 'aws-amplify/api';

const authMode = process.env.MODE;
const tokens = async () => ({ accessToken: decodeJWT(TOKEN) });
const credentials = async () => ({
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
});

Amplify.configure(
  { API: { Events: { endpoint: ENDPOINT, region: REGION, defaultAuthMode: authMode, apiKey: API_KEY } } },
  {
    Auth: {
      tokenProvider: { getTokens: tokens },
      credentialsProvider: { getCredentialsAndIdentityId: credentials, clearCredentialsAndIdentityId: () => {} },
    },
  },
);

const heard = [];
let wake = () => {};
const next = ({ event }) => {
  heard.push(event);
  wake();
};
const until = async (count) => {
  while (heard.length < count) await new Promise((resolve) => (wake = resolve));
};

main(async () => {
  const room = await events.connect('/polite/*');
  await room.subscribe({ next, error: say }).ready;
  const failed = await events.post('/polite/room', [{ text: 'over <http>' }, { text: 'shut up' }]);
  await until(1);
  const wildcard = await room.publish({ text: 'never' }).catch((error) => error.message);
  const other = await events.connect('/polite/room');
  await other.publish([{ text: 'over a websocket' }, { text: 'twice' }]);
  await until(3);
  const staff = await events.connect('/polite/staff');
  const refusal = await staff.subscribe({ next, error: () => {} }).ready.catch((error) => JSON.stringify(error));
  await other.publish({ text: 'still here' });
  await until(4);
  say({ heard, failed: failed ?? [], wildcard, refusal });
  events.closeAll();
});

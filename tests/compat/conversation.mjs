// What every driver does: listen, wait for "go" on standard input, ask for the story, print what came as JSON.
// The address and the credentials come from the environment; a client is {query, subscribe}.
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

globalThis.WebSocket = WebSocket; // Node.js 20 has none of its own

export const { ENDPOINT, API_KEY, TOKEN, REGION } = process.env;

export const LISTEN = `subscription Listen($storyId: ID) {
  onToken(storyId: $storyId) { storyId index text last } }`;
export const TELL = `mutation Tell($prompt: String!, $storyId: ID) { tellStory(prompt: $prompt, storyId: $storyId) }`;
export const VERSION = `query Version { version }`;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export const go = async () => (await lines.next()).value;

export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export async function converse(client, storyId) {
  const texts = [];
  const told = new Promise((resolve, reject) => {
    client.subscribe(LISTEN, { storyId }, (data) => {
      texts.push(data.onToken.text);
      if (data.onToken.last) resolve();
    }, reject);
  });
  await Promise.race([go(), told]); // a refusal is told at once
  const version = await client.query(VERSION, {});
  const answer = await client.query(TELL, { prompt: 'a moon', storyId });
  await told;
  say({ version: version.version, answer: answer.tellStory, story: texts.join('') });
}

export async function main(run) {
  try {
    await run();
    process.exit(0);
  } catch (error) {
    console.error(error, JSON.stringify([error, error.cause]));
    process.exit(1);
  }
}

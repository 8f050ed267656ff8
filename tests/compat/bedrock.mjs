// The AWS SDK for JavaScript's Bedrock client, which speaks HTTP/2 and nothing else. Prints what it was told, as JSON.
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { main, say } from './conversation.mjs';

const client = new BedrockRuntimeClient({ maxAttempts: 1 });
const asked = (text) => ({ modelId: 'anthropic.claude-3-haiku-20240307-v1:0', messages: [{ role: 'user', content: [{ text }] }] });
const toolConfig = { tools: [{ toolSpec: { name: 'get_weather', inputSchema: { json: { type: 'object' } } } }] };
const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

async function streamed(command) {
  const events = [];
  const { stream } = await client.send(command);
  try {
    for await (const event of stream) events.push(event);
  } catch (error) {
    events.push({ error: error.name, message: error.message });
  }
  return events;
}

main(async () => {
  const { output, stopReason, usage } = await client.send(new ConverseCommand(asked('a story')));
  say({ text: output.message.content[0].text, stopReason, usage });
  say(await streamed(new ConverseStreamCommand(asked('a story'))));
  say(await streamed(new ConverseStreamCommand({ ...asked('the weather'), toolConfig })));
  say(await streamed(new ConverseStreamCommand(asked('trouble'))));

  const prompt = JSON.stringify({ prompt: 'a story' });
  const native = { modelId: 'meta.llama3-8b-instruct-v1:0', body: prompt };
  say(json((await client.send(new InvokeModelCommand(native))).body));
  const chunks = [];
  const { body } = await client.send(new InvokeModelWithResponseStreamCommand(native));
  for await (const { chunk } of body) chunks.push(json(chunk.bytes));
  say(chunks);

  const refusal = await client.send(new ConverseCommand({ ...asked('x'), messages: [] })).catch((error) => error);
  say({ name: refusal.name, message: refusal.message, status: refusal.$metadata.httpStatusCode });

  const { stream } = await client.send(new ConverseStreamCommand(asked('forever')));
  const first = [];
  for await (const event of stream) {
    first.push(event);
    if (first.length === 2) break;
  }
  say(first); // and the process ends: this client keeps a stream that is no longer read
});

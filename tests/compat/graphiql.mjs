// A person in Chromium: opens /graphql, asks, listens, is someone else, asks again. Prints what the page shows.
import { ENDPOINT, TOKEN, go, main, say } from './conversation.mjs';
import { chromium } from 'playwright-core';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
});

main(async () => {
  const page = await browser.newPage();
  const elsewhere = [];
  const complaints = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(ENDPOINT).origin) && !/^(data|blob):/.test(request.url())) elsewhere.push(request.url());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  await page.goto(ENDPOINT);

  const editor = '.graphiql-query-editor .CodeMirror';
  const write = async (query) => {
    await page.waitForSelector(editor);
    await page.evaluate(([where, text]) => document.querySelector(where).CodeMirror.setValue(text), [editor, query]);
  };
  const run = () => page.click('.graphiql-execute-button');
  const shows = (text) => page.waitForFunction(
    (wanted) => document.querySelector('.graphiql-response .CodeMirror')?.CodeMirror.getValue().includes(wanted), text,
  );

  await write('{ version }');
  await run();
  await shows('"version": null');
  say('asked');

  await write('subscription { onToken(storyId: "browser") { storyId index text last } }');
  await run();
  await go();
  await shows('"text": "heard in the browser"');
  say('heard');
  await run(); // the same button stops
  await go();

  await page.selectOption('#mode', 'AMAZON_COGNITO_USER_POOLS');
  await page.fill('#credential', 'no token');
  await page.click('#authorization button');
  await write('{ version }');
  await run();
  await shows('UnauthorizedException');
  await page.fill('#credential', TOKEN);
  await page.click('#authorization button');
  await write('{ version }');
  await run();
  await shows('"version": null');
  say({ elsewhere, complaints: complaints.filter((each) => !each.includes('401')) });
  await browser.close();
});

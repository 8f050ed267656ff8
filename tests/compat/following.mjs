// aws-amplify v6 that stays: prints every token as a line, through whatever happens to its connection.
import { ENDPOINT, API_KEY, REGION, LISTEN, main, say } from './conversation.mjs';
import { Amplify } from 'aws-amplify';
import { generateClient } from 'aws-amplify/api';

Amplify.configure({ API: { GraphQL: { endpoint: ENDPOINT, region: REGION, defaultAuthMode: 'apiKey', apiKey: API_KEY } } });

main(() => new Promise((_, error) => {
  generateClient().graphql({ query: LISTEN }).subscribe({ next: ({ data }) => say(data.onToken.index), error });
}));

// aws-amplify v6, over https and wss. MODE: apiKey, userPool or iam.
import { ENDPOINT, API_KEY, TOKEN, REGION, converse, main } from './conversation.mjs';
import { Amplify } from 'aws-amplify';
import { decodeJWT } from 'aws-amplify/auth';
import { generateClient } from 'aws-amplify/api';

const authMode = process.env.MODE;
const tokens = async () => ({ accessToken: decodeJWT(TOKEN) });
const credentials = async () => ({
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
});

Amplify.configure(
  { API: { GraphQL: { endpoint: ENDPOINT, region: REGION, defaultAuthMode: authMode, apiKey: API_KEY } } },
  {
    Auth: {
      tokenProvider: { getTokens: tokens },
      credentialsProvider: { getCredentialsAndIdentityId: credentials, clearCredentialsAndIdentityId: () => {} },
    },
  },
);

const amplify = generateClient();
const client = {
  query: async (query, variables) => (await amplify.graphql({ query, variables })).data,
  subscribe: (query, variables, next, error) =>
    amplify.graphql({ query, variables }).subscribe({ next: ({ data }) => next(data), error }),
};

main(() => converse(client, `amplify-${authMode}`));

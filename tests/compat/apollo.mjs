// Apollo Client with aws-appsync-auth-link and aws-appsync-subscription-link. MODE: apiKey or userPool.
import { ENDPOINT, API_KEY, TOKEN, REGION, converse, main } from './conversation.mjs';
import { createRequire } from 'node:module';

// The links are CommonJS; one copy of Apollo has to serve all of them.
const require = createRequire(import.meta.url);
const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = require('@apollo/client/core');
const { createAuthLink } = require('aws-appsync-auth-link');
const { createSubscriptionHandshakeLink } = require('aws-appsync-subscription-link');

const auth = process.env.MODE === 'apiKey'
  ? { type: 'API_KEY', apiKey: API_KEY }
  : { type: 'AMAZON_COGNITO_USER_POOLS', jwtToken: async () => TOKEN };
const settings = { url: ENDPOINT, region: REGION, auth };
const apollo = new ApolloClient({
  link: ApolloLink.from([
    createAuthLink(settings),
    createSubscriptionHandshakeLink(settings, new HttpLink({ uri: ENDPOINT })),
  ]),
  cache: new InMemoryCache(),
});
const client = {
  query: async (text, variables) => {
    const document = gql(text);
    const mutates = document.definitions[0].operation === 'mutation';
    const asked = mutates ? apollo.mutate({ mutation: document, variables }) : apollo.query({ query: document, variables });
    return (await asked).data;
  },
  subscribe: (text, variables, next, error) =>
    apollo.subscribe({ query: gql(text), variables }).subscribe({ next: (each) => each.error ? error(each.error) : next(each.data), error }),
};

main(() => converse(client, `apollo-${process.env.MODE}`));

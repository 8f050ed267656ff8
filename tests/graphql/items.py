"""A schema of items and how its fields are resolved, for tests of the slice's face."""

from tests.graphql.conftest import PASS_ON

SCHEMA = """
type Query { hello(name: String!, times: Int): String  item(id: ID!): Item  items: [Item]  must: Int!  at: AWSDateTime }
type Mutation { say(text: String): Item  ask(text: String!): Answer  other: String }
type Subscription {
  onSay(id: ID, text: String): Item @aws_subscribe(mutations: ["say"])
  guarded(id: ID): Item @aws_subscribe(mutations: ["say"])
}
type Item { id: ID!  text: String  parent: Item  tags: [String!] }
type Answer { id: ID!  status: String }
"""

INVOKE = "export function request(ctx) { return { operation: 'Invoke', payload: ctx.args }; }\n" + PASS_ON
NONE = "export function request(ctx) { return { payload: ctx.args }; }\n" + PASS_ON
EVENT = """
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  ctx.stash.job = util.autoId();
  return { operation: 'Invoke', invocationType: 'Event', payload: { job: ctx.stash.job, text: ctx.args.text } };
}
export function response(ctx) {
  if (ctx.error) util.appendError(ctx.error.message, ctx.error.type);
  return { id: ctx.stash.job, status: ctx.error ? 'REJECTED' : 'STARTED' };
}
"""

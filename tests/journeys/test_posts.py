"""An AppSync app from its template: JavaScript pipelines, a table, an index, a function, an HTTP endpoint of AWS's, a
database. The table is served by the fallback, everything else by callpark."""

import asyncio
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings
from tests.functions.plain_environments import PlainEnvironments

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  Posts:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: posts
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }, { AttributeName: author, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      GlobalSecondaryIndexes:
        - IndexName: by-author
          KeySchema: [{ AttributeName: author, KeyType: HASH }, { AttributeName: id, KeyType: RANGE }]
          Projection: { ProjectionType: ALL }
  Announcer: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: a.b, Code: src,
               Role: "arn:aws:iam::123456789012:role/r" } }
  Api: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: posts, AuthenticationType: API_KEY } }
  Key: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: !GetAtt Api.ApiId } }
  Schema: { Type: AWS::AppSync::GraphQLSchema, Properties:
            { ApiId: !GetAtt Api.ApiId, DefinitionS3Location: schema.graphql } }
  Cache:
    Type: AWS::AppSync::ApiCache
    Properties: { ApiId: !GetAtt Api.ApiId, Type: SMALL, Ttl: 60, ApiCachingBehavior: PER_RESOLVER_CACHING }
  Table:
    Type: AWS::AppSync::DataSource
    Properties: { ApiId: !GetAtt Api.ApiId, Name: Table, Type: AMAZON_DYNAMODB,
                  DynamoDBConfig: { TableName: !Ref Posts, AwsRegion: !Ref AWS::Region } }
  Function:
    Type: AWS::AppSync::DataSource
    Properties: { ApiId: !GetAtt Api.ApiId, Name: Function, Type: AWS_LAMBDA,
                  LambdaConfig: { LambdaFunctionArn: !GetAtt Announcer.Arn } }
  LambdaApi:
    Type: AWS::AppSync::DataSource
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: LambdaApi
      Type: HTTP
      HttpConfig:
        Endpoint: !Sub "https://lambda.${AWS::Region}.amazonaws.com"
        AuthorizationConfig:
          AuthorizationType: AWS_IAM
          AwsIamConfig: { SigningRegion: !Ref AWS::Region, SigningServiceName: lambda }
  Books:
    Type: AWS::AppSync::DataSource
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: Books
      Type: RELATIONAL_DATABASE
      RelationalDatabaseConfig:
        RelationalDatabaseSourceType: RDS_HTTP_ENDPOINT
        RdsHttpEndpointConfig: { DbClusterIdentifier: "arn:aws:rds:us-east-1:123456789012:cluster:books",
                                 AwsRegion: us-east-1, AwsSecretStoreArn: "arn:secret" }
  Nothing: { Type: AWS::AppSync::DataSource, Properties: { ApiId: !GetAtt Api.ApiId, Name: Nothing, Type: NONE } }
"""
STEP = """
  {id}:
    Type: AWS::AppSync::FunctionConfiguration
    Properties: {{ ApiId: !GetAtt Api.ApiId, Name: {id}, DataSourceName: !GetAtt {source}.Name,
                  Runtime: {{ Name: APPSYNC_JS, RuntimeVersion: 1.0.0 }}, CodeS3Location: {id}.js }}
"""
PIPELINE = """
  Pipeline{field}:
    Type: AWS::AppSync::Resolver
    Properties: {{ ApiId: !GetAtt Api.ApiId, TypeName: {type}, FieldName: {field}, Kind: PIPELINE,
                  PipelineConfig: {{ Functions: [{functions}] }},
                  Runtime: {{ Name: APPSYNC_JS, RuntimeVersion: 1.0.0 }}, CodeS3Location: pipeline.js {more} }}
"""
STEPS = {
    **dict.fromkeys(("put", "get", "list", "byAuthor", "like", "drop", "many"), "Table"),
    "check": "Nothing",
    "announce": "Function",
    "shout": "LambdaApi",
    "books": "Books",
}
FIELDS = [
    ("Mutation", "create", ["check", "put", "announce"], ""),
    ("Mutation", "like", ["like"], ""),
    ("Mutation", "drop", ["drop"], ""),
    ("Mutation", "shout", ["shout"], ""),
    ("Query", "post", ["get"], ', CachingConfig: { Ttl: 60, CachingKeys: ["$context.arguments.id"] }'),
    ("Query", "posts", ["list"], ""),
    ("Query", "many", ["many"], ""),
    ("Query", "books", ["books"], ""),
    ("Post", "others", ["byAuthor"], ""),
]
FILES = {
    "src/a.py": "",
    "schema.graphql": """
        type Post { id: ID!  author: String!  title: String  likes: Int  others(limit: Int): [Post!]! }
        type Page { items: [Post!]!  nextToken: String }
        type Book { id: Int  title: String }
        type Query { post(id: ID!): Post  posts(limit: Int, nextToken: String): Page  many(ids: [ID!]!): [Post]
                     books: [Book] }
        type Mutation { create(id: ID!, author: String!, title: String): Post  like(id: ID!): Post
                        drop(id: ID!): Post  shout(text: String!): Int }
    """,
    "pipeline.js": """
        export function request(ctx) { return {}; }
        export function response(ctx) { return ctx.prev.result; }
    """,
    "check.js": """
        import { util } from '@aws-appsync/utils';
        export function request(ctx) {
          if (ctx.args.title === '') util.error('A post needs a title', 'Invalid');
          ctx.stash.now = util.time.nowEpochSeconds();
          return { payload: null };
        }
        export function response(ctx) { return ctx.result; }
    """,
    "put.js": """
        import { util } from '@aws-appsync/utils';
        import * as ddb from '@aws-appsync/utils/dynamodb';
        export function request(ctx) {
          const { id, ...item } = ctx.args;
          return ddb.put({ key: { id }, item: { ...item, likes: 0, at: ctx.stash.now },
                           condition: { id: { attributeExists: false } } });
        }
        export function response(ctx) {
          if (ctx.error) util.error(ctx.error.message, ctx.error.type, ctx.result);
          return ctx.result;
        }
    """,
    "announce.js": """
        export function request(ctx) {
          return { operation: 'Invoke', invocationType: 'Event', payload: ctx.prev.result };
        }
        export function response(ctx) { return ctx.prev.result; }
    """,
    "get.js": """
        import { get } from '@aws-appsync/utils/dynamodb';
        export function request(ctx) { return get({ key: { id: ctx.args.id } }); }
        export function response(ctx) { return ctx.result; }
    """,
    "list.js": """
        import * as ddb from '@aws-appsync/utils/dynamodb';
        export function request(ctx) { return ddb.scan({ limit: ctx.args.limit, nextToken: ctx.args.nextToken }); }
        export function response(ctx) { return ctx.result; }
    """,
    "byAuthor.js": """
        import * as ddb from '@aws-appsync/utils/dynamodb';
        export function request(ctx) {
          return ddb.query({ query: { author: { eq: ctx.source.author } }, index: 'by-author', limit: ctx.args.limit,
                             filter: { id: { ne: ctx.source.id } } });
        }
        export function response(ctx) { return ctx.result.items; }
    """,
    "like.js": """
        import { util } from '@aws-appsync/utils';
        import * as ddb from '@aws-appsync/utils/dynamodb';
        export function request(ctx) {
          return ddb.update({ key: { id: ctx.args.id }, update: { likes: ddb.operations.increment(1) },
                              condition: { id: { attributeExists: true } } });
        }
        export function response(ctx) {
          if (ctx.error) util.error(ctx.error.message, ctx.error.type);
          extensions.evictFromApiCache('Query', 'post', { 'context.arguments.id': ctx.args.id });
          return ctx.result;
        }
    """,
    "drop.js": """
        import { remove } from '@aws-appsync/utils/dynamodb';
        export function request(ctx) { return remove({ key: { id: ctx.args.id } }); }
        export function response(ctx) { return ctx.result; }
    """,
    "many.js": """
        import { util } from '@aws-appsync/utils';
        export function request(ctx) {
          const keys = ctx.args.ids.map((id) => util.dynamodb.toMapValues({ id }));
          return { operation: 'BatchGetItem', tables: { posts: keys } };
        }
        export function response(ctx) { return ctx.result.data.posts; }
    """,
    "shout.js": """
        export function request(ctx) {
          return { method: 'POST', resourcePath: '/2015-03-31/functions/Announcer/invocations',
                   params: { headers: { 'X-Amz-Invocation-Type': 'Event' }, body: { text: ctx.args.text } } };
        }
        export function response(ctx) { return ctx.result.statusCode; }
    """,
    "books.js": """
        import { util } from '@aws-appsync/utils';
        import { select, createPgStatement, toJsonObject } from '@aws-appsync/utils/rds';
        export function request(ctx) {
          return createPgStatement(select({ table: 'books', columns: ['id', 'title'], where: { id: { gt: 1 } } }));
        }
        export function response(ctx) {
          if (ctx.error) util.error(ctx.error.message, ctx.error.type);
          return toJsonObject(ctx.result)[0];
        }
    """,
}


def write(folder: Path) -> Path:
    steps = "".join(STEP.format(id=each, source=source) for each, source in STEPS.items())
    fields = ""
    for kind, field, names, more in FIELDS:
        functions = ", ".join(f"!GetAtt {each}.FunctionId" for each in names)
        fields += PIPELINE.format(type=kind, field=field, functions=functions, more=more)
    files = {**FILES, "template.yaml": TEMPLATE + steps + fields}
    for name, text in files.items():
        path = folder / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if name == "template.yaml" else textwrap.dedent(text))
    return folder / "app"


class Posts:
    """The app behind a socket, and how to ask it."""

    def __init__(self, app: App, client: httpx.AsyncClient, heard: "asyncio.Queue[Any]") -> None:
        api = app.health().apis[0]
        assert api.api_key is not None
        self._url, self._key, self._client = api.graphql_url, api.api_key, client
        self.heard = heard

    async def ask(self, query: str, **variables: Any) -> Any:
        answer = await self._client.post(
            self._url, json={"query": query, "variables": variables}, headers={"x-api-key": self._key}
        )
        assert answer.status_code == 200
        return answer.json()

    async def data(self, query: str, **variables: Any) -> Any:
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@pytest.fixture
async def posts(tmp_path: Path) -> AsyncIterator[Posts]:
    import sqlite3

    with sqlite3.connect(tmp_path / "books.db") as books:
        books.execute("CREATE TABLE books (id INTEGER, title TEXT)")
        books.executemany("INSERT INTO books VALUES (?, ?)", [(1, "one"), (2, "two"), (3, "three")])
    books.close()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    settings = Settings(data=tmp_path / "data", port=0, databases={"books": f"sqlite:///{tmp_path}/books.db"})

    def environments(app: App) -> PlainEnvironments:
        return PlainEnvironments(app.clock, {"Announcer": lambda run: heard.put_nowait(run.event)})

    async with (
        served(settings, write(tmp_path), environments=environments) as app,
        httpx.AsyncClient(timeout=30) as client,
    ):
        assert not app.deployment.warnings
        yield Posts(app, client, heard)


CREATE = """
mutation ($id: ID!, $author: String!, $title: String) {
  create(id: $id, author: $author, title: $title) { id likes }
}
"""
PAGE = "query ($token: String) { posts(limit: 2, nextToken: $token) { items { id } nextToken } }"


async def test_the_whole_app(posts: Posts) -> None:
    """One test for all of it: the fallback takes a second to start."""
    for index in range(5):
        created = await posts.data(CREATE, id=str(index), author="ann" if index % 2 else "bob", title=f"t{index}")
        assert created == {"create": {"id": str(index), "likes": 0}}
    event = await posts.heard.get()
    assert {**event, "at": 0} == {"id": "0", "author": "bob", "title": "t0", "likes": 0, "at": 0}

    again = await posts.ask(CREATE, id="0", author="eve", title="stolen")
    assert again["data"] == {"create": None}
    (error,) = again["errors"]
    assert (error["errorType"], error["path"]) == ("DynamoDB:ConditionalCheckFailedException", ["create"])
    assert error["data"] == {"id": "0", "likes": 0}, "the item that is there, as far as it was selected"
    refused = await posts.ask(CREATE, id="9", author="eve", title="")
    assert [each["errorType"] for each in refused["errors"]] == ["Invalid"]

    seen: list[str] = []
    token: str | None = None
    while not seen or token:
        page = (
            await posts.data(
                "query ($t: String) { posts(limit: 2, nextToken: $t) { items { id } nextToken } }", t=token
            )
        )["posts"]
        seen += [each["id"] for each in page["items"]]
        token = page["nextToken"]
    assert sorted(seen) == ["0", "1", "2", "3", "4"]

    nested = await posts.data('{ post(id: "0") { title likes others(limit: 10) { id others { id } } } }')
    assert nested["post"]["title"] == "t0"
    assert nested["post"]["others"] == [
        {"id": "2", "others": [{"id": "0"}, {"id": "4"}]},
        {"id": "4", "others": [{"id": "0"}, {"id": "2"}]},
    ]
    assert await posts.data('{ many(ids: ["3", "x", "1"]) { id author } }') == {
        "many": [{"id": "3", "author": "ann"}, None, {"id": "1", "author": "ann"}]
    }

    liked = await posts.ask('mutation { like(id: "0") { likes } }')
    assert liked == {"data": {"like": {"likes": 1}}, "extensions": {"apiCacheEntriesDeleted": 1}}
    assert await posts.data('{ post(id: "0") { likes } }') == {"post": {"likes": 1}}
    missing = await posts.ask('mutation { like(id: "nobody") { likes } }')
    assert [each["errorType"] for each in missing["errors"]] == ["DynamoDB:ConditionalCheckFailedException"]
    assert await posts.data('mutation { drop(id: "0") { title } }') == {"drop": {"title": "t0"}}
    assert await posts.data('{ post(id: "0") { likes } }') == {"post": {"likes": 1}}, "still cached"

    assert await posts.data('mutation { shout(text: "hey") }') == {"shout": 202}
    for _ in range(4):
        await posts.heard.get()
    assert await posts.heard.get() == {"text": "hey"}
    assert await posts.data("{ books { id title } }") == {
        "books": [{"id": 2, "title": "two"}, {"id": 3, "title": "three"}]
    }

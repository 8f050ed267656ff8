"""A SAM GraphQLApi with a table, unchanged: its pipelines, its cache, its log."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Resources:
  Posts: { Type: AWS::Serverless::SimpleTable, Properties: { TableName: posts } }
  Api:
    Type: AWS::Serverless::GraphQLApi
    Properties:
      SchemaInline: |
        type Post { id: ID! title: String }
        type Query { post(id: ID!): Post }
        type Mutation { add(id: ID!, title: String): Post }
      Auth: { Type: API_KEY }
      ApiKeys: { K: { Description: d } }
      Cache: { ApiCachingBehavior: FULL_REQUEST_CACHING, Ttl: 30, Type: SMALL }
      Logging: { FieldLogLevel: ALL, CloudWatchLogsRoleArn: "arn:aws:iam::123456789012:role/r" }
      IntrospectionConfig: ENABLED
      QueryDepthLimit: 5
      DataSources:
        DynamoDb:
          PostsSource: { TableName: !Ref Posts, TableArn: !GetAtt Posts.Arn, Permissions: [Read, Write] }
      Functions:
        get:
          Runtime: { Name: APPSYNC_JS, Version: 1.0.0 }
          DataSource: PostsSource
          InlineCode: |
            import { get } from '@aws-appsync/utils/dynamodb';
            export function request(ctx) { return get({ key: { id: ctx.args.id } }); }
            export function response(ctx) { return ctx.result; }
        add:
          Runtime: { Name: APPSYNC_JS, Version: 1.0.0 }
          DataSource: PostsSource
          InlineCode: |
            import { put } from '@aws-appsync/utils/dynamodb';
            export function request(ctx) { return put({ key: { id: ctx.args.id }, item: { title: ctx.args.title } }); }
            export function response(ctx) { return ctx.error ? util.error(ctx.error.message) : ctx.result; }
      Resolvers:
        Query: { post: { Runtime: { Name: APPSYNC_JS, Version: 1.0.0 }, Pipeline: [get] } }
        Mutation: { add: { Runtime: { Name: APPSYNC_JS, Version: 1.0.0 }, Pipeline: [add] } }
"""


async def test_the_app_of_a_sam_template(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    settings = Settings(data=tmp_path / "data", port=0)
    async with served(settings, tmp_path) as app, httpx.AsyncClient(timeout=30) as client:
        assert app.deployment.warnings == []
        (api,) = app.health().apis

        async def ask(query: str) -> Any:
            answer = await client.post(api.graphql_url, json={"query": query}, headers={"x-api-key": api.api_key or ""})
            return answer.json()

        assert await ask('mutation { add(id: "1", title: "t") { id title } }') == {
            "data": {"add": {"id": "1", "title": "t"}}
        }
        assert await ask('{ post(id: "1") { title } }') == {"data": {"post": {"title": "t"}}}
        assert await ask('mutation { add(id: "1", title: "new") { title } }') == {"data": {"add": {"title": "new"}}}
        assert await ask('{ post(id: "1") { title } }') == {"data": {"post": {"title": "t"}}}, "cached for 30 seconds"
        assert app.graphql.flush_cache(api.id) == 1
        assert await ask('{ post(id: "1") { title } }') == {"data": {"post": {"title": "new"}}}

"""An AppSync app from its template, written in VTL: mapping templates in files, a pipeline, a table, an Event."""

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
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: notes
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Indexer: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: a.b, Code: src,
             Role: "arn:aws:iam::123456789012:role/r" } }
  Api: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: notes, AuthenticationType: API_KEY } }
  Key: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: !GetAtt Api.ApiId } }
  Schema: { Type: AWS::AppSync::GraphQLSchema, Properties:
            { ApiId: !GetAtt Api.ApiId, DefinitionS3Location: schema.graphql } }
  Table:
    Type: AWS::AppSync::DataSource
    Properties: { ApiId: !GetAtt Api.ApiId, Name: Table, Type: AMAZON_DYNAMODB,
                  DynamoDBConfig: { TableName: !Ref Notes, AwsRegion: !Ref AWS::Region } }
  Function:
    Type: AWS::AppSync::DataSource
    Properties: { ApiId: !GetAtt Api.ApiId, Name: Function, Type: AWS_LAMBDA,
                  LambdaConfig: { LambdaFunctionArn: !GetAtt Indexer.Arn } }
"""
UNIT = """
  Unit{field}:
    Type: AWS::AppSync::Resolver
    Properties: {{ ApiId: !GetAtt Api.ApiId, TypeName: {type}, FieldName: {field}, DataSourceName: !GetAtt Table.Name,
                  RequestMappingTemplateS3Location: {field}.req.vtl,
                  ResponseMappingTemplateS3Location: {field}.res.vtl }}
"""
PIPELINE = """
  {name}:
    Type: AWS::AppSync::FunctionConfiguration
    Properties: {{ ApiId: !GetAtt Api.ApiId, Name: {name}, DataSourceName: !GetAtt {source}.Name,
                  FunctionVersion: "2018-05-29", RequestMappingTemplateS3Location: {name}.req.vtl,
                  ResponseMappingTemplateS3Location: {name}.res.vtl }}
"""
CREATE = """
  Create:
    Type: AWS::AppSync::Resolver
    Properties:
      ApiId: !GetAtt Api.ApiId
      TypeName: Mutation
      FieldName: create
      Kind: PIPELINE
      PipelineConfig: { Functions: [!GetAtt put.FunctionId, !GetAtt index.FunctionId] }
      RequestMappingTemplate: |
        $util.validate(!$util.isNullOrBlank($ctx.args.input.title), "A note needs a title", "Invalid")
        #if($ctx.args.input.id == "early")
          #return({"id": "early", "title": "never stored"})
        #end
        $util.qr($ctx.stash.put("id", $util.defaultIfNull($ctx.args.input.id, $util.autoId())))
        {}
      ResponseMappingTemplate: |
        #set($ctx.prev.result.title = "${ctx.prev.result.title}!")
        $util.toJson($ctx.prev.result)
"""
FILES = {
    "src/a.py": "",
    "schema.graphql": """
        type Note { id: ID!  title: String  tags: [String]  version: Int }
        input NoteInput { id: ID  title: String  tags: [String] }
        type Page { items: [Note!]!  nextToken: String }
        type Query { note(id: ID!): Note  notes(filter: AWSJSON): Page }
        type Mutation { create(input: NoteInput!): Note  remove(id: ID!): Note
                        save(id: ID!, title: String, tags: [String], expected: Int): Note }
    """,
    "put.req.vtl": """
        #set($item = $util.dynamodb.toMapValues($ctx.args.input))
        $util.qr($item.remove("id"))
        #set($item.version = $util.dynamodb.toDynamoDB(1))
        {
          "version": "2018-05-29", "operation": "PutItem",
          "key": { "id": $util.dynamodb.toDynamoDBJson($ctx.stash.id) },
          "attributeValues": $util.toJson($item),
          "condition": { "expression": "attribute_not_exists(#id)", "expressionNames": { "#id": "id" } }
        }
    """,
    "put.res.vtl": """
        #if($ctx.error)
          $util.error($ctx.error.message, $ctx.error.type, $ctx.result)
        #end
        $util.toJson($ctx.result)
    """,
    "index.req.vtl": """
        { "version": "2018-05-29", "operation": "Invoke", "invocationType": "Event",
          "payload": { "note": $util.toJson($ctx.prev.result), "by": "$ctx.info.parentTypeName.$ctx.info.fieldName" } }
    """,
    "index.res.vtl": "$util.toJson($ctx.prev.result)",
    "note.req.vtl": """
        { "version": "2018-05-29", "operation": "GetItem",
          "key": { "id": $util.dynamodb.toDynamoDBJson($ctx.args.id) } }
    """,
    "note.res.vtl": "$util.toJson($ctx.result)",
    "notes.req.vtl": """
        { "version": "2018-05-29", "operation": "Scan"
          #if($ctx.args.filter), "filter": $util.transform.toDynamoDBFilterExpression($ctx.args.filter)#end }
    """,
    "notes.res.vtl": """
        #set($items = [])
        #foreach($item in $util.list.sortList($ctx.result.items, false, "id"))
          #if(!$item.tags.contains("hidden"))$util.qr($items.add($item))#end
        #end
        { "items": $util.toJson($items), "nextToken": $util.toJson($ctx.result.nextToken) }
    """,
    "save.req.vtl": """
        #set($sets = [])
        #set($removes = [])
        #set($names = {})
        #set($values = {":one": {"N": 1}})
        #foreach($entry in $ctx.args.entrySet())
          #if($entry.key == "id" || $entry.key == "expected")
            ## the key, and the condition
          #elseif($util.isNull($entry.value))
            $util.qr($names.put("#$entry.key", $entry.key))
            $util.qr($removes.add("#$entry.key"))
          #else
            $util.qr($names.put("#$entry.key", $entry.key))
            $util.qr($values.put(":$entry.key", $util.dynamodb.toDynamoDB($entry.value)))
            $util.qr($sets.add("#$entry.key = :$entry.key"))
          #end
        #end
        #set($expression = "ADD version :one")
        #if($sets.size() > 0)
          #set($expression = "$expression SET #foreach($set in $sets)$set#if($foreach.hasNext), #end#end")
        #end
        #if($removes.size() > 0)
          #set($expression = "$expression REMOVE #foreach($remove in $removes)$remove#if($foreach.hasNext), #end#end")
        #end
        { "version": "2018-05-29", "operation": "UpdateItem",
          "key": { "id": $util.dynamodb.toDynamoDBJson($ctx.args.id) },
          "update": { "expression": "$expression", "expressionNames": $util.toJson($names),
                      "expressionValues": $util.toJson($values) }
          #if($ctx.args.expected),
          "condition": { "expression": "version = :expected",
                         "expressionValues": { ":expected": { "N": $ctx.args.expected } } }#end }
    """,
    "save.res.vtl": """
        #if($ctx.error)$util.appendError($ctx.error.message.substring(0, 30), $ctx.error.type)#end
        $util.toJson($ctx.result)
    """,
    "remove.req.vtl": """
        { "version": "2017-02-28", "operation": "DeleteItem",
          "key": { "id": $util.dynamodb.toDynamoDBJson($ctx.args.id) },
          "condition": { "expression": "version > :zero", "expressionValues": { ":zero": { "N": 0 } } } }
    """,
    "remove.res.vtl": "$util.toJson($context.result)",
}
FIELDS = {"note": "Query", "notes": "Query", "save": "Mutation", "remove": "Mutation"}


def write(folder: Path) -> Path:
    units = "".join(UNIT.format(type=kind, field=field) for field, kind in FIELDS.items())
    steps = PIPELINE.format(name="put", source="Table") + PIPELINE.format(name="index", source="Function")
    files = {**FILES, "template.yaml": TEMPLATE + units + steps + CREATE}
    for name, text in files.items():
        path = folder / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if name == "template.yaml" else textwrap.dedent(text))
    return folder / "app"


class Notes:
    """The app behind a socket, and how to ask it."""

    def __init__(self, app: App, client: httpx.AsyncClient, heard: "asyncio.Queue[Any]") -> None:
        api = app.health().apis[0]
        assert api.api_key is not None
        self._url, self._key, self._client = api.graphql_url, api.api_key, client
        self.heard = heard

    async def ask(self, query: str, **variables: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        answer = await self._client.post(
            self._url, json={"query": query, "variables": variables}, headers={"x-api-key": self._key}
        )
        body = answer.json()
        return body["data"], [(each["errorType"], each["message"][:40]) for each in body.get("errors", [])]


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[Notes]:
    heard: asyncio.Queue[Any] = asyncio.Queue()

    def environments(app: App) -> PlainEnvironments:
        return PlainEnvironments(app.clock, {"Indexer": lambda run: heard.put_nowait(run.event)})

    async with (
        served(Settings(data=tmp_path / "data", port=0), write(tmp_path), environments=environments) as app,
        httpx.AsyncClient(timeout=30) as client,
    ):
        assert not app.deployment.warnings
        yield Notes(app, client, heard)


async def test_the_whole_app(notes: Notes) -> None:
    """One test for all of it: the fallback takes a second to start."""
    create = "mutation ($input: NoteInput!) { create(input: $input) { id title tags version } }"
    made = {"id": "1", "title": "one!", "tags": ["a"], "version": 1}
    assert await notes.ask(create, input={"id": "1", "title": "one", "tags": ["a"]}) == ({"create": made}, [])
    event = await notes.heard.get()
    assert event == {"note": {**made, "title": "one"}, "by": "Mutation.create"}

    data, errors = await notes.ask(create, input={"title": " "})
    assert (data, errors) == ({"create": None}, [("Invalid", "A note needs a title")])
    data, errors = await notes.ask(create, input={"id": "early", "title": "x"})
    assert (data["create"]["title"], errors) == ("never stored", [])
    data, errors = await notes.ask(create, input={"id": "1", "title": "again"})
    assert data == {"create": None}
    assert [kind for kind, _ in errors] == ["DynamoDB:ConditionalCheckFailedException"]

    save = """mutation ($title: String, $tags: [String], $expected: Int) {
      save(id: "1", title: $title, tags: $tags, expected: $expected) { title tags version } }"""
    saved, errors = await notes.ask(save, title="uno", tags=None, expected=1)
    assert (saved, errors) == ({"save": {"title": "uno", "tags": None, "version": 2}}, [])
    stale, errors = await notes.ask(save, title="late", expected=1)
    assert stale["save"]["title"] == "uno"
    assert errors == [("DynamoDB:ConditionalCheckFailedException", "The conditional request failed")]

    for name, tags in (("2", ["x"]), ("3", ["hidden"]), ("4", ["x", "y"])):
        await notes.ask(create, input={"id": name, "title": f"note {name}", "tags": tags})
    page, errors = await notes.ask(
        "query ($filter: AWSJSON) { notes(filter: $filter) { items { id } nextToken } }",
        filter='{"title": {"beginsWith": "note"}}',
    )
    assert (page, errors) == ({"notes": {"items": [{"id": "2"}, {"id": "4"}], "nextToken": None}}, [])

    remove = "mutation ($id: ID!) { remove(id: $id) { title } }"
    assert await notes.ask(remove, id="2") == ({"remove": {"title": "note 2"}}, [])
    assert await notes.ask('{ note(id: "2") { id } }') == ({"note": None}, [])

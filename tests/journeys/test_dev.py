"""`callpark dev` in a real process: every kind of edit is served, a broken one changes nothing, a fix recovers."""

import json
from pathlib import Path

import httpx
import msgspec
import pytest

from callpark.health import Health
from tests.journeys.commands import Command, command

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  Greeter:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: Greeter, Runtime: python3.11, Handler: app.handler, Code: src/greeter, Role: r}
  Api: {Type: AWS::AppSync::GraphQLApi, Properties: {Name: api, AuthenticationType: API_KEY}}
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties: {ApiId: !GetAtt Api.ApiId, DefinitionS3Location: schema.graphql}
  Key: {Type: AWS::AppSync::ApiKey, Properties: {ApiId: !GetAtt Api.ApiId}}
  None: {Type: AWS::AppSync::DataSource, Properties: {ApiId: !GetAtt Api.ApiId, Name: None, Type: NONE}}
  Word:
    Type: AWS::AppSync::Resolver
    DependsOn: [Schema, None]
    Properties:
      ApiId: !GetAtt Api.ApiId
      TypeName: Query
      FieldName: word
      DataSourceName: None
      Runtime: {Name: APPSYNC_JS, RuntimeVersion: 1.0.0}
      CodeS3Location: word.js
  Line:
    Type: AWS::Connect::ContactFlow
    Properties:
      InstanceArn: !Sub arn:aws:connect:${AWS::Region}:${AWS::AccountId}:instance/a
      Name: Line
      Type: CONTACT_FLOW
      Content: {"Fn::ToJsonString": {"Fn::Transform": {Name: AWS::Include, Parameters: {Location: line.json}}}}
"""
SECOND = """
  Second:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: Second, Runtime: python3.11, Handler: app.handler, Code: src/second, Role: r}
"""
SCHEMA = "type Query { word: String }\n"
RESOLVER = "export function request() { return {} }\nexport function response() { return 'one' }\n"
FLOW = (
    '{"Version":"2019-10-30","StartAction":"a",'
    '"Actions":[{"Identifier":"a","Type":"DisconnectParticipant","Parameters":{},"Transitions":{}}]}'
)


def handler(word: str) -> str:
    return f"def handler(event, context):\n    print('says', {word!r})\n    return {word!r}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in ("greeter", "second"):
        (folder / "src" / name).mkdir(parents=True)
    (folder / "template.yaml").write_text("Transform: AWS::LanguageExtensions\n" + TEMPLATE)
    (folder / "schema.graphql").write_text(SCHEMA)
    (folder / "word.js").write_text(RESOLVER)
    (folder / "line.json").write_text(FLOW)
    (folder / "src" / "greeter" / "app.py").write_text(handler("one"))
    return folder


class Server:
    def __init__(self, dev: Command, endpoint: str, client: httpx.AsyncClient) -> None:
        self.dev = dev
        self._endpoint = endpoint
        self._client = client

    async def invoke(self, function: str) -> object:
        response = await self._client.post(
            f"{self._endpoint}/2015-03-31/functions/{function}/invocations", content="{}"
        )
        return response.json()

    async def health(self) -> Health:
        response = await self._client.get(f"{self._endpoint}/_callpark/health")
        return msgspec.json.decode(response.content, type=Health)

    async def query(self, text: str) -> object:
        (api,) = (await self.health()).apis
        response = await self._client.post(
            api.graphql_url, content=json.dumps({"query": text}), headers={"x-api-key": api.api_key or ""}
        )
        return response.json()


async def test_edits(project: Path, tmp_path: Path) -> None:
    async with (
        command("dev", str(project), "--port", "0", "--data", str(tmp_path / "data")) as dev,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        server = Server(dev, await dev.ready(), client)
        template, greeter = project / "template.yaml", project / "src" / "greeter" / "app.py"

        # a handler
        assert await server.invoke("Greeter") == "one"
        await dev.until("says one")
        greeter.write_text(handler("a longer word"))
        await dev.until("reloaded (app.py)")
        assert await server.invoke("Greeter") == "a longer word"

        # a resolver, broken and repaired; the way editors do it: another file takes its place
        assert await server.query("{ word }") == {"data": {"word": "one"}}
        (project / "word.js").write_text("export function request( {")
        await dev.until("error: ")
        await dev.until("the last good version keeps serving")
        assert await server.query("{ word }") == {"data": {"word": "one"}}
        (project / "word.js.new").write_text(RESOLVER.replace("one", "two"))
        (project / "word.js.new").replace(project / "word.js")
        await dev.until("reloaded (word.js")
        assert await server.query("{ word }") == {"data": {"word": "two"}}

        # a schema
        (project / "schema.graphql").write_text("type Query { word: String")
        await dev.until("the last good version keeps serving")
        (project / "schema.graphql").write_text("type Query { word: String other: Int }\n")
        await dev.until("reloaded (schema.graphql)")
        assert await server.query("{ other }") == {"data": {"other": None}}

        # a flow that leads nowhere: functions and schema stay as they were too
        (project / "line.json").write_text(FLOW.replace('"StartAction":"a"', '"StartAction":"z"'))
        await dev.until("the last good version keeps serving")
        assert await server.invoke("Greeter") == "a longer word"
        (project / "line.json").write_text(FLOW)
        await dev.until("reloaded (line.json)")

        # a function is added, its folder is watched from now on, and it is removed again
        (project / "src" / "second" / "app.py").write_text(handler("second"))
        template.write_text(template.read_text() + SECOND)
        await dev.until("reloaded (template.yaml)")
        await dev.until("function  Second")
        assert await server.invoke("Second") == "second"
        (project / "src" / "second" / "app.py").write_text(handler("another second"))
        await dev.until("reloaded (app.py)")
        assert await server.invoke("Second") == "another second"
        whole = template.read_text()
        template.write_text(whole + "  broken: [")
        await dev.until("error: template.yaml")
        await dev.until("the last good version keeps serving")
        assert await server.invoke("Second") == "another second"
        template.write_text(whole.removesuffix(SECOND))
        await dev.until("reloaded (template.yaml)")
        assert (await server.health()).functions == ["Greeter"]
        assert "Function not found" in str(await server.invoke("Second"))

        assert await dev.signal() == 0
    assert "Traceback" not in "\n".join(dev.lines)

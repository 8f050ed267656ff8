"""AMAZON_BEDROCK_RUNTIME in an AppSync app from its template: resolvers ask the models of models.yaml."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from callpark.app import App
from callpark.kernel.clock import VirtualClock
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  Api: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: answers, AuthenticationType: API_KEY } }
  Key: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: !GetAtt Api.ApiId } }
  Schema: { Type: AWS::AppSync::GraphQLSchema, Properties:
            { ApiId: !GetAtt Api.ApiId, Definition: "type Query { ask(text: String!, as: String): String
              embed(text: String!): [Float!] raw(request: String!): AWSJSON }" } }
  Bedrock: { Type: AWS::AppSync::DataSource, Properties:
             { ApiId: !GetAtt Api.ApiId, Name: Bedrock, Type: AMAZON_BEDROCK_RUNTIME } }
"""
RESOLVER = """
  Resolve{field}:
    Type: AWS::AppSync::Resolver
    Properties: {{ ApiId: !GetAtt Api.ApiId, TypeName: Query, FieldName: {field}, DataSourceName: !GetAtt Bedrock.Name,
                  Runtime: {{ Name: APPSYNC_JS, RuntimeVersion: 1.0.0 }}, CodeS3Location: {field}.js }}
"""
CODE = {
    "ask": """
import { converse } from '@aws-appsync/utils/ai';
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  return converse({
    modelId: ctx.args.as ?? 'anthropic.claude-3-haiku-20240307-v1:0',
    system: [{ text: 'Be brief.' }],
    messages: [{ role: 'user', content: [{ text: ctx.args.text }] }],
    inferenceConfig: { maxTokens: 50 },
  });
}
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type);
  return ctx.result.output.message.content[0].text + ' (' + ctx.result.stopReason + ')';
}
""",
    "embed": """
import { invokeModel } from '@aws-appsync/utils/ai';
export function request(ctx) {
  return invokeModel({
    modelId: 'amazon.titan-embed-text-v2:0',
    body: { inputText: ctx.args.text, dimensions: 256, normalize: true },
  });
}
export const response = (ctx) => ctx.result.embedding;
""",
    "raw": """
import { util } from '@aws-appsync/utils';
export const request = (ctx) => JSON.parse(ctx.args.request);
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type);
  return JSON.stringify(ctx.result);
}
""",
}
MODELS = """
backends:
  canned:
    scripted:
      first_token_seconds: 0
      token_seconds: 0
      replies:
        - {when: slow, text: late, first_token_seconds: 10.5}
        - {when: trouble, fault: {kind: throttling, message: Too many.}}
        - {when: "", text: Certainly.}
models: {anthropic.*: canned, amazon.*: canned}
"""


class Asking:
    def __init__(self, app: App, clock: VirtualClock, http: httpx.AsyncClient) -> None:
        (api,) = app.health().apis
        self._url, self._key = api.graphql_url, str(api.api_key)
        self.clock = clock
        self._http = http

    async def query(self, query: str, **variables: object) -> Any:
        body = {"query": query, "variables": variables}
        answer = await self._http.post(self._url, json=body, headers={"x-api-key": self._key})
        assert answer.status_code == 200
        return answer.json()


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Asking]:
    resolvers = "".join(RESOLVER.format(field=field) for field in CODE)
    (tmp_path / "template.yaml").write_text(TEMPLATE + resolvers)
    (tmp_path / "models.yaml").write_text(MODELS)
    for field, code in CODE.items():
        (tmp_path / f"{field}.js").write_text(code)
    clock = VirtualClock()
    async with (
        served(Settings(data=tmp_path / "data", port=0), tmp_path, clock=clock) as app,
        httpx.AsyncClient(timeout=30) as http,
    ):
        yield Asking(app, clock, http)


ASK = "query Ask($text: String!, $as: String) { ask(text: $text, as: $as) }"
RAW = "query Raw($request: String!) { raw(request: $request) }"


async def test_a_resolver_converses_and_another_embeds(asking: Asking) -> None:
    assert await asking.query(ASK, text="May I?") == {"data": {"ask": "Certainly. (end_turn)"}}
    found = await asking.query('{ embed(text: "two words") }')
    vector = found["data"]["embed"]
    assert len(vector) == 256
    assert abs(sum(value * value for value in vector) - 1) < 1e-6


async def test_what_bedrock_refuses_is_the_resolvers_error(asking: Asking) -> None:
    (unknown,) = (await asking.query(ASK, text="May I?", **{"as": "meta.llama3-8b-instruct-v1:0"}))["errors"]
    assert unknown["errorType"] == "BedrockRuntime:ValidationException"
    assert unknown["message"].startswith("The provided model identifier is invalid.")
    (throttled,) = (await asking.query(ASK, text="trouble"))["errors"]
    assert (throttled["errorType"], throttled["message"]) == ("BedrockRuntime:ThrottlingException", "Too many.")
    (blank,) = (await asking.query(ASK, text=" "))["errors"]
    assert "is blank" in blank["message"]


async def test_ten_seconds_are_the_most(asking: Asking) -> None:
    began = asking.clock.now()
    (late,) = (await asking.clock.run_until(asking.query(ASK, text="slow")))["errors"]
    assert late["errorType"] == "BedrockRuntime:ExecutionTimeoutException"
    assert asking.clock.now() - began < 12


@pytest.mark.parametrize(
    "request_",
    [
        '{"operation": "Converse", "modelId": "anthropic.x", "messages": [{"role": "user", "content": "text"}]}',
        '{"operation": "Converse", "modelId": "anthropic.x", "messages": [{"role": 1, "content": []}]}',
        '{"operation": "Converse", "modelId": "anthropic.x", "messages": [{"role": "user"}], "system": "s"}',
        '{"operation": "Converse", "modelId": "", "messages": []}',
        '{"operation": "InvokeModel", "modelId": "anthropic.x", "body": {"max_tokens": "many"}}',
        '{"operation": "InvokeModel", "modelId": "anthropic.x", "body": "text"}',
        '{"operation": "InvokeModel", "modelId": "anthropic.x", "body": {}, "guardrailIdentifier": 5}',
    ],
)
async def test_requests_of_wrong_shapes_are_refused_by_name(asking: Asking, request_: str) -> None:
    """No wire has looked at their types."""
    (error,) = (await asking.query(RAW, request=request_))["errors"]
    assert error["errorType"] in (
        "BedrockRuntime:ValidationException",
        "BedrockRuntime:SerializationException",
        "MappingTemplate",
    )

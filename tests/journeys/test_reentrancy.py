"""A function that calls back into callpark and waits, in a pool of one environment: an invocation, a mutation whose
resolver runs another function, a message to a queue. Nothing waits for what waits for it."""

import asyncio
import json
from pathlib import Path

import pytest

from callpark.app import App
from callpark.functions.model import Invocation
from callpark.kernel.limits import Limits
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  Outer: &function
    Type: AWS::Lambda::Function
    Properties: &properties
      FunctionName: Outer
      Runtime: python3.11
      Handler: app.outer
      Timeout: 20
      Role: arn:aws:iam::123456789012:role/any
      Code: src
  Inner:
    Type: AWS::Lambda::Function
    Properties: { <<: *properties, FunctionName: Inner, Handler: app.inner }
  Queue: { Type: AWS::SQS::Queue, Properties: { QueueName: letters } }
  Api: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: Api, AuthenticationType: API_KEY } }
  Key: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: !GetAtt Api.ApiId } }
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties:
      ApiId: !GetAtt Api.ApiId
      Definition: "type Query { nothing: String } type Mutation { tell(text: String): String }"
  Source:
    Type: AWS::AppSync::DataSource
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: source
      Type: AWS_LAMBDA
      ServiceRoleArn: arn:aws:iam::123456789012:role/any
      LambdaConfig: { LambdaFunctionArn: !GetAtt Inner.Arn }
  Tell:
    Type: AWS::AppSync::Resolver
    Properties: { ApiId: !GetAtt Api.ApiId, TypeName: Mutation, FieldName: tell, DataSourceName: !GetAtt Source.Name }
"""

HANDLERS = """
import json, urllib.request
import boto3

def outer(event, context):
    match event["by"]:
        case "invocation":
            answer = boto3.client("lambda").invoke(FunctionName="Inner", Payload=b'{"text": "by invocation"}')
            return json.loads(answer["Payload"].read())
        case "mutation":
            body = json.dumps({"query": 'mutation { tell(text: "by mutation") }'}).encode()
            headers = {"x-api-key": event["key"], "content-type": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(event["url"], body, headers), timeout=15) as answer:
                return json.load(answer)["data"]["tell"]
        case "message":
            sqs = boto3.client("sqs")
            url = sqs.get_queue_url(QueueName="letters")["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody="by message")
            return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"]

def inner(event, context):
    return event.get("text") or event["arguments"]["text"]
"""


async def _both_ways(app: App, event: dict[str, str | None]) -> list[bytes | None]:
    """What the function answers when it is invoked, and as an event."""
    payload = json.dumps(event).encode()
    waited = (await app.functions.invoke(Invocation("Outer", payload))).payload
    request_id = await app.functions.invoke_event(Invocation("Outer", payload))
    return [waited, (await app.functions.wait_for_event(request_id)).payload]


async def test_calling_back_from_the_only_environment(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(HANDLERS)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    settings = Settings(tmp_path / "data", port=0, limits=Limits().override(["lambda.environments=1"]))
    async with served(settings, tmp_path) as app:
        (api,) = app.health().apis
        for by in ("invocation", "mutation", "message"):
            event = {"by": by, "url": api.graphql_url, "key": api.api_key}
            answers = await asyncio.wait_for(_both_ways(app, event), 30)
            assert answers == [f'"by {by}"'.encode()] * 2

"""A small project for nodes: functions with and without a share of their own, queues, an API with a subscription."""

import json
from pathlib import Path

TEMPLATE = """Transform: AWS::Serverless-2016-10-31
Resources:
  Plain:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: Plain, Runtime: python3.11, Handler: app.handler, CodeUri: src/}
  Narrow:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: Narrow
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src/
      ReservedConcurrentExecutions: 1
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: Worker
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src/
      Events:
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 10}}
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {QueueName: jobs, VisibilityTimeout: 60}
  Work:
    Type: AWS::SQS::Queue
    Properties: {QueueName: work, VisibilityTimeout: 20}
  Orders:
    Type: AWS::SQS::Queue
    Properties: {QueueName: orders.fifo, FifoQueue: true, VisibilityTimeout: 20}
  Api:
    Type: AWS::AppSync::GraphQLApi
    Properties: {Name: notes, AuthenticationType: API_KEY}
  Key:
    Type: AWS::AppSync::ApiKey
    Properties: {ApiId: !GetAtt Api.ApiId}
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties:
      ApiId: !GetAtt Api.ApiId
      Definition: |
        type Query { nothing: String }
        type Note { text: String }
        type Mutation { add(text: String): Note }
        type Subscription { onAdd: Note @aws_subscribe(mutations: ["add"]) }
  Nobody:
    Type: AWS::AppSync::DataSource
    Properties: {ApiId: !GetAtt Api.ApiId, Name: Nobody, Type: NONE}
  Add:
    Type: AWS::AppSync::Resolver
    DependsOn: Schema
    Properties:
      ApiId: !GetAtt Api.ApiId
      TypeName: Mutation
      FieldName: add
      DataSourceName: !GetAtt Nobody.Name
      Runtime: {Name: APPSYNC_JS, RuntimeVersion: 1.0.0}
      Code: |
        export function request(ctx) { return { payload: ctx.arguments }; }
        export function response(ctx) { return ctx.result; }
"""

HANDLER = """
import json, os, time

SEEN = ""

def handler(event, context):
    records = event.get("Records") if isinstance(event, dict) else None
    for one in records or [event]:
        body = one.get("body", one) if isinstance(one, dict) else one
        told = context.function_name, body, context.aws_request_id, os.environ["AWS_ENDPOINT_URL"], time.time()
        line = json.dumps(told)
        if SEEN:
            with open(SEEN, "a") as seen:
                seen.write(line + chr(10))
    if isinstance(event, dict) and "sleep" in event:
        time.sleep(event["sleep"])
    return event
"""


def flow(name: str, content: str) -> str:
    """A contact flow, as a resource of the template."""
    properties = {"Name": name, "Type": "CONTACT_FLOW", "InstanceArn": "i", "Content": content}
    return f"  {name}: {json.dumps({'Type': 'AWS::Connect::ContactFlow', 'Properties': properties})}\n"


def write(folder: Path, *flows: str, seen: str = "") -> Path:
    """The project's folder; handlers write what they are given to the file `seen`."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "template.yaml").write_text(TEMPLATE + "".join(flows))
    (folder / "src" / "app.py").write_text(HANDLER.replace('SEEN = ""', f"SEEN = {seen!r}"))
    return folder

"""AppSync APIs of SAM and plain templates."""

from pathlib import Path

import pytest

from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    DataSourceDefinition,
    FunctionDefinition,
    ResolverDefinition,
)
from callpark.projects.resources.appsync import NEVER
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit

API = """
  Api: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: api, AuthenticationType: API_KEY } }
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties: { ApiId: !GetAtt Api.ApiId, Definition: "type Query { a: Int }" }
  None: { Type: AWS::AppSync::DataSource, Properties: { ApiId: !GetAtt Api.ApiId, Name: None, Type: NONE } }
"""


def test_a_plain_api(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        """
Resources:
  Fn: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: a.b, Code: src,
        Environment: { Variables: { URL: !GetAtt Api.GraphQLUrl, KEY: !GetAtt Key.ApiKey } } } }
  Api:
    Type: AWS::AppSync::GraphQLApi
    Properties:
      Name: !Sub "${AWS::StackName}-api"
      AuthenticationType: API_KEY
      AdditionalAuthenticationProviders: [{ AuthenticationType: AWS_IAM }]
      EnvironmentVariables: { A: b }
      XrayEnabled: false
      Visibility: GLOBAL
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties: { ApiId: !GetAtt Api.ApiId, DefinitionS3Location: s.graphql }
  Key: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: !GetAtt Api.ApiId, Expires: 2000000000, Description: d } }
  Source:
    Type: AWS::AppSync::DataSource
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: Fn
      Type: AWS_LAMBDA
      LambdaConfig: { LambdaFunctionArn: !GetAtt Fn.Arn }
  Step:
    Type: AWS::AppSync::FunctionConfiguration
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: step
      DataSourceName: !GetAtt Source.Name
      MaxBatchSize: 5
      Runtime: { Name: APPSYNC_JS, RuntimeVersion: 1.0.0 }
      CodeS3Location: step.js
  Unit: { Type: AWS::AppSync::Resolver, Properties:
          { ApiId: !GetAtt Api.ApiId, TypeName: Query, FieldName: a, DataSourceName: !GetAtt Source.Name } }
  Pipe:
    Type: AWS::AppSync::Resolver
    Properties:
      ApiId: !GetAtt Api.ApiId
      TypeName: Query
      FieldName: b
      Kind: PIPELINE
      PipelineConfig: { Functions: [!GetAtt Step.FunctionId] }
      Runtime: { Name: APPSYNC_JS, RuntimeVersion: 1.0.0 }
      Code: !Sub "// ${Source.Name}"
""",
        {"src/a.py": "", "s.graphql": "type Query { a: Int b: Int }", "step.js": "// step"},
    )
    (api,) = project.apis
    (step,) = api.functions
    (key,) = api.api_keys
    assert len(api.api_id) == 26
    assert len(key.key) == 30
    assert key.key.startswith("da2-")
    assert api == ApiDefinition(
        api_id=api.api_id,
        name=f"{tmp_path.name}-api",
        authentication=(AuthenticationProvider("API_KEY"), AuthenticationProvider("AWS_IAM")),
        schema="type Query { a: Int b: Int }",
        schema_source=tmp_path / "s.graphql",
        data_sources=(DataSourceDefinition("Fn", "AWS_LAMBDA", "arn:aws:lambda:us-east-1:123456789012:function:Fn"),),
        functions=(FunctionDefinition(step.id, "step", "Fn", CodeDefinition("// step", tmp_path / "step.js"), 5),),
        resolvers=(
            ResolverDefinition("Query", "a", "UNIT", "Fn"),
            ResolverDefinition("Query", "b", "PIPELINE", None, (step.id,), CodeDefinition("// Fn")),
        ),
        api_keys=(ApiKey(key.key, 2_000_000_000.0, "d"),),
        environment={"A": "b"},
    )
    assert project.functions[0].configuration.environment == {
        "URL": f"http://127.0.0.1:4566/apis/{api.api_id}/graphql",
        "KEY": key.key,
    }
    assert project.warnings == ()
    assert {path.name for path in project.watched} == {"template.yaml", "src", "s.graphql", "step.js"}


def test_a_serverless_api(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn: { Type: AWS::Serverless::Function, Properties: { Runtime: python3.12, Handler: a.b, CodeUri: src } }
  Api:
    Type: AWS::Serverless::GraphQLApi
    Properties:
      SchemaUri: s.graphql
      Auth: { Type: API_KEY, Additional: [{ Type: AWS_IAM }] }
      ApiKeys: { Main: { Description: d } }
      DataSources: { Lambda: { Source: { FunctionArn: !GetAtt Fn.Arn } } }
      Functions:
        call: { DataSource: Source, CodeUri: call.js, Runtime: { Name: APPSYNC_JS, Version: 1.0.0 } }
        local: { DataSource: NONE, InlineCode: "// local", Runtime: { Name: APPSYNC_JS, Version: 1.0.0 } }
      Resolvers: { Query: { a: { Pipeline: [local, call] } } }
Outputs:
  Url: { Value: !GetAtt Api.GraphQLUrl }
  Realtime: { Value: !GetAtt Api.RealtimeUrl }
  Key: { Value: !GetAtt ApiMain.ApiKey }
""",
        {"src/a.py": "", "s.graphql": "type Query { a: Int }", "call.js": "// call"},
    )
    (api,) = project.apis
    assert api.schema_source == tmp_path / "s.graphql"
    assert {source.type for source in api.data_sources} == {"AWS_LAMBDA", "NONE"}
    by_name = {function.name: function for function in api.functions}
    assert by_name["call"].code == CodeDefinition("// call", tmp_path / "call.js")
    (resolver,) = api.resolvers
    assert resolver.kind == "PIPELINE"
    assert resolver.functions == (by_name["local"].id, by_name["call"].id)
    assert resolver.code is not None
    assert [each.type for each in api.authentication[1:]] == ["AWS_IAM"]
    assert api.api_keys == (ApiKey(project.outputs["Key"], NEVER, "d"),)
    assert project.outputs["Url"].endswith(f"/apis/{api.api_id}/graphql")
    assert project.outputs["Realtime"] == f"ws://127.0.0.1:4566/apis/{api.api_id}/graphql/realtime"
    assert project.warnings == ()


def test_ids_are_the_same_at_every_load_and_differ_between_projects(tmp_path: Path) -> None:
    template = f"Resources:{API}"
    first, again = (loaded(tmp_path / "one", template).apis[0].api_id for _ in range(2))
    other = loaded(tmp_path / "two", template).apis[0].api_id
    assert first == again != other


def test_mapping_templates_are_handed_on(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        f"""
Resources:{API}
  Old:
    Type: AWS::AppSync::Resolver
    Properties:
      ApiId: !GetAtt Api.ApiId
      TypeName: Query
      FieldName: a
      DataSourceName: None
      RequestMappingTemplate: "{{}}"
      ResponseMappingTemplateS3Location: answer.vtl
""",
        {"answer.vtl": "$context.result"},
    )
    (resolver,) = project.apis[0].resolvers
    assert (resolver.code, resolver.request_template) == (None, CodeDefinition("{}"))
    assert resolver.response_template == CodeDefinition("$context.result", tmp_path / "answer.vtl")
    assert project.warnings == ()


RESOLVER = "R: { Type: AWS::AppSync::Resolver, Properties: { ApiId: !GetAtt Api.ApiId, TypeName: Query, FieldName: a"


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        (f"{RESOLVER} }} }}", "Properties: DataSourceName is missing"),
        (f"{RESOLVER}, DataSourceName: Nope }} }}", "Properties.DataSourceName: the API has no 'Nope'"),
        (f"{RESOLVER}, Kind: pipeline }} }}", "Properties.Kind: 'pipeline' is unknown"),
        (
            f"{RESOLVER}, Kind: PIPELINE, PipelineConfig: {{ Functions: [x] }} }} }}",
            "Properties.PipelineConfig: the API has no 'x'",
        ),
        (
            f"{RESOLVER}, DataSourceName: None, CodeS3Location: no.js }} }}",
            "Properties.CodeS3Location: there is no file no.js",
        ),
        (
            f"{RESOLVER}, DataSourceName: None, CodeS3Location: s3://b/k.js }} }}",
            "Properties.CodeS3Location: s3://b/k.js is not on this machine",
        ),
        (
            "R: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: other } }",
            "Properties.ApiId: no API of this template has the id 'other'",
        ),
        (
            "R: {Type: AWS::AppSync::DataSource, Properties: {ApiId: !GetAtt Api.ApiId, Name: L, Type: AWS_LAMBDA}}",
            "Properties: LambdaConfig is missing",
        ),
        (
            "R: { Type: AWS::AppSync::GraphQLSchema, Properties: { ApiId: !GetAtt Api.ApiId, Definition: x } }",
            None,
        ),
    ],
)
def test_refusals(tmp_path: Path, more: str, cause: str | None) -> None:
    error = refused(tmp_path, f"Resources:{API}  {more}\n")
    expected = (
        "template.yaml:7: Resources.R." + cause if cause else "template.yaml:2: Resources.Api: the API has 2 schemas"
    )
    assert error.cause == expected
    assert error.remedy


def test_merged_apis_are_refused_by_name(tmp_path: Path) -> None:
    error = refused(tmp_path, f"Resources:{API.replace('Name: api', 'Name: api, ApiType: MERGED')}")
    assert error.cause == "template.yaml:2: Resources.Api.Properties.ApiType: merged APIs are not supported"


def test_an_unknown_attribute_lists_the_known_ones(tmp_path: Path) -> None:
    error = refused(tmp_path, f"Resources:{API}\nOutputs: {{ U: {{ Value: !GetAtt Api.Url }} }}\n")
    assert error.cause == "template.yaml:8: Outputs.U.Value.Fn::GetAtt: Api has no attribute 'Url'"
    assert "GraphQLUrl, RealtimeDns, RealtimeUrl" in error.remedy

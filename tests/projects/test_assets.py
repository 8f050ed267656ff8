"""Code and schemas that a template says are in S3 and that lie beside it: CDK's assets, Amplify's build folders."""

import json
from pathlib import Path

import pytest

from callpark.graphql.model import CodeDefinition
from callpark.projects.resources.assets import object_key
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit

TEMPLATE = """
Parameters:
  Bucket: { Type: String, Default: deployments }
  Root: { Type: String, Default: amplify-appsync-files/1a2b }
Resources:
  Api: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: api, AuthenticationType: API_KEY } }
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties: { ApiId: !GetAtt Api.ApiId, DefinitionS3Location: !Sub "s3://${Bucket}/${Root}/schema.graphql" }
  None: { Type: AWS::AppSync::DataSource, Properties: { ApiId: !GetAtt Api.ApiId, Name: None, Type: NONE } }
  Step:
    Type: AWS::AppSync::FunctionConfiguration
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: step
      DataSourceName: None
      FunctionVersion: "2018-05-29"
      RequestMappingTemplateS3Location:
        Fn::Join: ["", ["s3://", !Ref Bucket, "/", !Ref Root, /resolvers/Query.a.req.vtl]]
      ResponseMappingTemplate: $util.toJson($ctx.result)
  Resolver:
    Type: AWS::AppSync::Resolver
    Properties:
      ApiId: !GetAtt Api.ApiId
      TypeName: Query
      FieldName: a
      DataSourceName: None
      Runtime: { Name: APPSYNC_JS, RuntimeVersion: 1.0.0 }
      CodeS3Location: {location}
"""
FILES = {
    "schema.graphql": "type Query { a: Int }",
    "resolvers/Query.a.req.vtl": "{}",
    "asset.cc33.js": "// by digest",
    "made/by/hand.js": "// by manifest",
    "Stack.assets.json": json.dumps(
        {
            "version": "36.0.0",
            "files": {
                "dd44": {
                    "source": {"path": "made/by/hand.js", "packaging": "file"},
                    "destinations": {"current": {"bucketName": "b", "objectKey": "prefix/dd44.js"}},
                }
            },
        }
    ),
    "Other.assets.json": "{}",
    "Third.assets.json": "nonsense",
}


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ('!Sub "s3://cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/cc33.js"', "// by digest"),
        ('!Sub "https://s3.${AWS::Region}.${AWS::URLSuffix}/cdk-hnb659fds-assets/cc33.js"', "// by digest"),
        ("s3://b/prefix/dd44.js", "// by manifest"),
        ("asset.cc33.js", "// by digest"),
    ],
)
def test_what_lies_beside_the_template(tmp_path: Path, location: str, code: str) -> None:
    project = loaded(tmp_path, TEMPLATE.replace("{location}", location), FILES)
    (api,) = project.apis
    assert api.resolvers[0].code is not None
    assert api.resolvers[0].code.text == code
    assert (api.schema, api.schema_source) == ("type Query { a: Int }", tmp_path / "schema.graphql")
    assert api.functions[0].request_template == CodeDefinition("{}", tmp_path / "resolvers" / "Query.a.req.vtl")
    assert {"schema.graphql", "Query.a.req.vtl"} <= {path.name for path in project.watched}


@pytest.mark.parametrize("location", ["s3://b/gone.js", "s3://b/../../etc/passwd"])
def test_what_does_not(tmp_path: Path, location: str) -> None:
    error = refused(tmp_path, TEMPLATE.replace("{location}", location), FILES)
    assert f"CodeS3Location: {location} is not on this machine" in error.cause
    assert error.remedy == "run `cdk synth`, or give the path of a local file"


@pytest.mark.parametrize(
    ("location", "key"),
    [
        ("s3://bucket/a/b.js", "a/b.js"),
        ("https://s3.amazonaws.com/bucket/a.js", "a.js"),
        ("https://s3.eu-west-1.amazonaws.com/bucket/a/b.js", "a/b.js"),
        ("https://s3-eu-west-1.amazonaws.com/bucket/a.js", "a.js"),
        ("https://bucket.s3.eu-west-1.amazonaws.com/a/b.js", "a/b.js"),
        ("https://s3.cn-north-1.amazonaws.com.cn/bucket/a.js", "a.js"),
        ("s3://bucket", None),
        ("resolvers/a.js", None),
        ("https://example.com/bucket/a.js", None),
    ],
)
def test_keys_in_locations(location: str, key: str | None) -> None:
    assert object_key(location) == key

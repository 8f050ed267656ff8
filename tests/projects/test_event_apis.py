"""AppSync Event APIs in templates."""

from pathlib import Path

import pytest

from callpark.graphql.channels.model import EventApiDefinition, Integration, NamespaceDefinition
from callpark.graphql.model import (
    AuthenticationProvider,
    CodeDefinition,
    DataSourceDefinition,
    LambdaAuthorizerConfig,
    LogDefinition,
    OpenIdConnectConfig,
    UserPoolConfig,
)
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit

KEYED = "[{ AuthType: API_KEY }]"
GUARD = "arn:aws:lambda:us-east-1:123456789012:function:guard"


def template(providers: str = KEYED, namespace: str = "", more: str = "", config: str = "", api: str = "") -> str:
    return f"""
Resources:
  Api:
    Type: AWS::AppSync::Api
    Properties:
      Name: chat
      {api}
      EventConfig:
        AuthProviders: {providers}
        ConnectionAuthModes: {KEYED}
        DefaultPublishAuthModes: {KEYED}
        DefaultSubscribeAuthModes: {KEYED}
        {config}
  Key: {{ Type: AWS::AppSync::ApiKey, Properties: {{ ApiId: !GetAtt Api.ApiId, Expires: 4000000000 }} }}
  Guard:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: guard
      Runtime: python3.11
      Handler: index.handler
      Role: r
      Code: {{ ZipFile: "def handler(event, context): return event" }}
  Source:
    Type: AWS::AppSync::DataSource
    Properties: {{ ApiId: !GetAtt Api.ApiId, Name: guard, Type: NONE }}
  Namespace:
    Type: AWS::AppSync::ChannelNamespace
    Properties: {{ ApiId: !GetAtt Api.ApiId, Name: default {namespace} }}
{more}
Outputs:
  Ref: {{ Value: !Ref Api }}
  Http: {{ Value: !GetAtt Api.Dns.Http }}
  Realtime: {{ Value: !Sub "${{Api.Dns.Realtime}}" }}
  Key: {{ Value: !GetAtt Key.ApiKey }}
  Namespace: {{ Value: !Ref Namespace }}
"""


def api_of(folder: Path, text: str) -> EventApiDefinition:
    project = loaded(folder, text)
    assert not project.warnings
    assert not project.apis
    (api,) = project.event_apis
    return api


def namespace_of(folder: Path, text: str) -> NamespaceDefinition:
    (namespace,) = api_of(folder, template(namespace=text)).namespaces
    return namespace


def test_an_api_with_its_belongings(tmp_path: Path) -> None:
    project = loaded(tmp_path, template())
    (api,) = project.event_apis
    (key,) = api.api_keys
    assert api == EventApiDefinition(
        api_id=api.api_id,
        name="chat",
        authentication=(AuthenticationProvider("API_KEY"),),
        connection_modes=("API_KEY",),
        publish_modes=("API_KEY",),
        subscribe_modes=("API_KEY",),
        namespaces=(NamespaceDefinition("default"),),
        data_sources=(DataSourceDefinition("guard", "NONE"),),
        api_keys=(key,),
    )
    assert key.expires == 4e9
    arn = f"arn:aws:appsync:us-east-1:123456789012:apis/{api.api_id}"
    assert dict(project.outputs) == {
        "Ref": arn,
        "Http": "127.0.0.1:4566",
        "Realtime": "127.0.0.1:4566",
        "Key": key.key,
        "Namespace": f"{arn}/channelNamespace/default",
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "{ AuthType: AMAZON_COGNITO_USER_POOLS, CognitoConfig: { UserPoolId: p, AwsRegion: eu-west-1 } }",
            AuthenticationProvider("AMAZON_COGNITO_USER_POOLS", UserPoolConfig("p", "eu-west-1")),
        ),
        (
            "{ AuthType: OPENID_CONNECT, OpenIDConnectConfig: { Issuer: 'https://i', AuthTTL: 5 } }",
            AuthenticationProvider("OPENID_CONNECT", OpenIdConnectConfig("https://i", auth_ttl=5)),
        ),
        (
            f"{{ AuthType: AWS_LAMBDA, LambdaAuthorizerConfig: {{ AuthorizerUri: '{GUARD}' }} }}",
            AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig(GUARD)),
        ),
        ("{ AuthType: AWS_IAM }", AuthenticationProvider("AWS_IAM")),
    ],
)
def test_providers(tmp_path: Path, written: str, read: AuthenticationProvider) -> None:
    api = api_of(tmp_path, template(f"[{{ AuthType: API_KEY }}, {written}]"))
    assert api.authentication[1] == read


INTEGRATION = "Integration: { DataSourceName: guard"


def test_namespaces(tmp_path: Path) -> None:
    assert namespace_of(tmp_path, ", CodeHandlers: '// code'").code == CodeDefinition("// code")
    (tmp_path / "handlers.js").write_text("// file")
    code = namespace_of(tmp_path, ", CodeS3Location: handlers.js").code
    assert code == CodeDefinition("// file", tmp_path / "handlers.js")
    modes = namespace_of(tmp_path, f", PublishAuthModes: {KEYED}, SubscribeAuthModes: {KEYED}")
    assert (modes.publish_modes, modes.subscribe_modes) == (("API_KEY",), ("API_KEY",))
    written = (
        f", HandlerConfigs: {{ OnPublish: {{ Behavior: DIRECT, {INTEGRATION}, "
        "LambdaConfig: { InvokeType: EVENT } } },"
        f" OnSubscribe: {{ Behavior: CODE, {INTEGRATION} }} }} }}"
    )
    found = namespace_of(tmp_path, written)
    assert found.on_publish == Integration("DIRECT", "guard", "EVENT")
    assert found.on_subscribe == Integration("CODE", "guard")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (template("[{ AuthType: NOBODY }]"), "AuthType: 'NOBODY' is unknown"),
        (template("[{ AuthType: AMAZON_COGNITO_USER_POOLS }]"), "CognitoConfig is missing"),
        (template(namespace=", HandlerConfigs: { OnPublish: { Behavior: X } }"), "Behavior: 'X' is unknown"),
        (template(namespace=", HandlerConfigs: { OnPublish: { Behavior: CODE } }"), "Integration is missing"),
        (
            template(
                namespace=", HandlerConfigs: { OnPublish: { Behavior: DIRECT, Integration: { DataSourceName: a, "
                "LambdaConfig: { InvokeType: LATER } } } }"
            ),
            "InvokeType: 'LATER' is unknown",
        ),
        (template(config="LogConfig: { LogLevel: LOUD }"), "LogLevel: 'LOUD' is unknown"),
        (
            template(more="  Lost: { Type: AWS::AppSync::ChannelNamespace, Properties: { ApiId: x, Name: y } }"),
            "no API of this template has the id 'x'",
        ),
        (
            template(more="  Lost: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: x } }"),
            "no API of this template has the id 'x'",
        ),
        (
            template(
                more="  S: { Type: AWS::AppSync::GraphQLSchema, "
                "Properties: { ApiId: !GetAtt Api.ApiId, Definition: x } }"
            ),
            "no API of this template has the id",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, cause: str) -> None:
    assert cause in refused(tmp_path, text).cause


def test_what_is_logged(tmp_path: Path) -> None:
    logs = "LogConfig: { LogLevel: ALL, CloudWatchLogsRoleArn: r }"
    project = loaded(tmp_path, template(config=logs, api="OwnerContact: me"))
    assert [api.logs for api in project.event_apis] == [LogDefinition("ALL")]
    assert project.warnings == ()

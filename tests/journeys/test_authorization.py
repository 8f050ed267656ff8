"""An API with every way in, from its template: over HTTP, at a websocket's opening, per subscription and per field."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from callpark.app import App
from callpark.cli import commands
from callpark.graphql.auth.local_pool import LocalPool, Subject
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.compat

KEYS = {"AKIDKNOWN": "very-secret"}

_ECHO = "export function request(ctx) { return {payload: %s} } export function response(ctx) { return ctx.result }"

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Pool": {"Type": "AWS::Cognito::UserPool"},
        "Guard": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.11",
                "Handler": "index.handler",
                "Code": {
                    "ZipFile": "def handler(event, context):\n"
                    "    token = event['authorizationToken']\n"
                    "    return {'isAuthorized': token.startswith('let-'), 'resolverContext': {'token': token},\n"
                    "            'deniedFields': ['Query.custom'] if token == 'let-some' else []}\n"
                },
            },
        },
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {
                "Name": "Guarded",
                "AuthenticationType": "AMAZON_COGNITO_USER_POOLS",
                "UserPoolConfig": {"UserPoolId": {"Ref": "Pool"}, "DefaultAction": "ALLOW"},
                "AdditionalAuthenticationProviders": [
                    {"AuthenticationType": "AWS_IAM"},
                    {"AuthenticationType": "API_KEY"},
                    {
                        "AuthenticationType": "AWS_LAMBDA",
                        "LambdaAuthorizerConfig": {"AuthorizerUri": {"Fn::GetAtt": ["Guard", "Arn"]}},
                    },
                ],
            },
        },
        "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}}},
        "Schema": {
            "Type": "AWS::AppSync::GraphQLSchema",
            "Properties": {
                "ApiId": {"Fn::GetAtt": ["Api", "ApiId"]},
                "Definition": """
                    type Query {
                      me: String
                      admin: String @aws_cognito_user_pools(cognito_groups: ["admins"])
                      signed: String @aws_iam
                      custom: String @aws_lambda
                      open: String @aws_api_key
                    }
                    type Mutation { say(text: String): Said @aws_cognito_user_pools @aws_iam }
                    type Said @aws_cognito_user_pools @aws_iam @aws_lambda { text: String secret: String @aws_iam }
                    type Subscription {
                      onSay: Said @aws_subscribe(mutations: ["say"]) @aws_cognito_user_pools @aws_iam
                      onAdmin: Said
                        @aws_subscribe(mutations: ["say"])
                        @aws_cognito_user_pools(cognito_groups: ["admins"])
                    }""",
            },
        },
        "None": {
            "Type": "AWS::AppSync::DataSource",
            "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}, "Name": "none", "Type": "NONE"},
        },
        **{
            f"{type_name}{field.title()}": {
                "Type": "AWS::AppSync::Resolver",
                "Properties": {
                    "ApiId": {"Fn::GetAtt": ["Api", "ApiId"]},
                    "TypeName": type_name,
                    "FieldName": field,
                    "DataSourceName": "none",
                    "Runtime": {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"},
                    "Code": _ECHO % value,
                },
            }
            for type_name, field, value in (
                ("Query", "me", "ctx.identity.username"),
                ("Query", "admin", "ctx.identity.groups.join()"),
                ("Query", "signed", "ctx.identity.userArn"),
                ("Query", "custom", "ctx.identity.resolverContext.token"),
                ("Query", "open", "'open ' + ctx.identity"),
                ("Mutation", "say", "{text: ctx.args.text, secret: 'hush'}"),
            )
        },
    }
}


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "template.json").write_text(json.dumps(TEMPLATE))
    settings = Settings(data=folder / ".callpark", port=0, access_keys=KEYS)
    async with served(settings, folder) as app:
        yield app


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def token(app: App, *groups: str, seconds: float = 60) -> str:
    api = app.graphql.apis()[0]
    pool = api.authentication[0].configuration.user_pool_id  # type: ignore[union-attr]
    local = LocalPool(app.settings.data)
    return local.mint("us-east-1", pool, Subject("ada", groups), app.clock.now(), seconds, "j").id_token


def url(app: App) -> str:
    return f"{app.base_url}/apis/{app.graphql.apis()[0].api_id}/graphql"


def api_key(app: App) -> str:
    return app.graphql.apis()[0].api_keys[0].key


def signed(address: str, body: str, key: str = "AKIDKNOWN", secret: str = "very-secret") -> dict[str, str]:
    request = AWSRequest("POST", address, headers={"content-type": "application/json; charset=UTF-8"}, data=body)
    request.headers["host"] = address.split("/")[2]
    SigV4Auth(Credentials(key, secret, "session"), "appsync", "us-east-1").add_auth(request)
    return dict(request.headers.items())


async def post(app: App, query: str, headers: Mapping[str, str]) -> tuple[int, Any]:
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(url(app), content=json.dumps({"query": query}), headers=dict(headers))
    return answer.status_code, answer.json()


def messages(answer: Any) -> list[str]:
    return [error["message"] for error in answer.get("errors", ())]


def denied(field: str, on: str = "Query") -> str:
    return f"Not Authorized to access {field} on type {on}"


async def test_each_mode_sees_what_the_directives_open_to_it(app: App) -> None:
    everything = "{me admin signed custom open}"
    body = json.dumps({"query": everything})
    seen = {
        "user": await post(app, everything, {"authorization": token(app)}),
        "admin": await post(app, everything, {"authorization": token(app, "admins", "x")}),
        "signed": await post(app, everything, signed(url(app), body)),
        "key": await post(app, everything, {"x-api-key": api_key(app)}),
        "custom": await post(app, everything, {"authorization": "let-me"}),
    }
    assert {who: {k: v for k, v in answer["data"].items() if v} for who, (_, answer) in seen.items()} == {
        "user": {"me": "ada"},
        "admin": {"me": "ada", "admin": "admins,x"},
        "signed": {"signed": "arn:aws:iam::123456789012:user/AKIDKNOWN"},
        "key": {"open": "open null"},
        "custom": {"custom": "let-me"},
    }
    assert messages(seen["user"][1]) == [denied(field) for field in ("admin", "signed", "custom", "open")]


async def test_a_denied_field_stays_closed(app: App) -> None:
    status, answer = await post(app, "{custom}", {"authorization": "let-some"})
    assert (status, answer["data"], messages(answer)) == (200, {"custom": None}, [denied("custom")])


async def test_who_is_kept_out(app: App) -> None:
    good = token(app)
    claims = jwt.decode(good, options={"verify_signature": False})
    body = json.dumps({"query": "{signed}"})
    no = "You are not authorized to make this call."
    cases: dict[str, tuple[Mapping[str, str], str]] = {
        "nothing": ({}, "Missing authorization header"),
        "a key of nobody": ({"x-api-key": "da2-nobody"}, no),
        "a token the authorizer refuses": ({"authorization": "keep-out"}, no),
        "a forged token": ({"authorization": jwt.encode(claims, "guess" * 8, "HS256")}, no),
        "an expired token": ({"authorization": token(app, seconds=-1)}, "Token has expired."),
        "a signature with a wrong secret": (signed(url(app), body, secret="guess"), no),
        "a signature of an unknown key": (signed(url(app), body, key="AKIDOTHER"), no),
        "a signature of another body": (signed(url(app), "{}"), no),
        "a signature for another API": (signed(url(app).replace("/apis/", "/apis/x"), body), no),
    }
    for name, (headers, message) in cases.items():
        assert await post(app, "{signed}", headers) == (
            401,
            {"errors": [{"errorType": "UnauthorizedException", "message": message}]},
        ), name


# Websockets


def offer(header: Mapping[str, str]) -> list[Subprotocol]:
    text = base64.urlsafe_b64encode(json.dumps(dict(header)).encode()).decode().rstrip("=")
    return [Subprotocol("graphql-ws"), Subprotocol(f"header-{text}")]


def start(id: str, query: str, header: Mapping[str, str], data: str | None = None) -> str:
    data = data if data is not None else json.dumps({"query": query, "variables": {}})
    return json.dumps(
        {"id": id, "type": "start", "payload": {"data": data, "extensions": {"authorization": dict(header)}}}
    )


async def frame(socket: Any) -> Any:
    while True:
        found = json.loads(await socket.recv())
        if found["type"] != "ka":
            return found


async def test_one_websocket_with_several_modes(app: App) -> None:
    address = url(app)
    real_time = address.replace("http://", "ws://") + "/realtime"
    host = {"host": address.split("/")[2]}
    async with connect(real_time, subprotocols=offer(signed(f"{address}/connect", "{}"))) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        assert (await frame(socket))["type"] == "connection_ack"
        query = "subscription { onSay { text secret } }"
        data = json.dumps({"query": query, "variables": {}})
        await socket.send(start("iam", query, signed(address, data), data))
        assert await frame(socket) == {"type": "start_ack", "id": "iam"}
        await socket.send(start("user", query, {**host, "Authorization": token(app)}))
        assert await frame(socket) == {"type": "start_ack", "id": "user"}
        say = 'mutation { say(text: "hi") { text } }'
        await post(app, say, {"authorization": token(app)})
        heard = {found["id"]: found["payload"] for found in [await frame(socket), await frame(socket)]}
        assert heard["iam"] == {"data": {"onSay": {"text": "hi", "secret": None}}}
        assert heard["user"]["data"] == {"onSay": {"text": "hi", "secret": None}}
        assert messages(heard["user"]) == [denied("secret", "Said")]
        for id, attempt in {
            "forged": start("forged", query, signed(address, data, secret="guess"), data),
            "other": start("other", query, signed(address, "{}"), data),
            "group": start("group", "subscription { onAdmin { text } }", {**host, "Authorization": token(app)}),
            "key": start("key", query, {**host, "x-api-key": api_key(app)}),
            "none": start("none", query, {}),
        }.items():
            await socket.send(attempt)
            refused = await frame(socket)
            assert (refused["type"], refused["id"]) == ("error", id), refused


@pytest.mark.parametrize("header", [{"Authorization": "keep-out"}, {"x-api-key": "da2-nobody"}])
async def test_a_websocket_that_is_not_opened(app: App, header: Mapping[str, str]) -> None:
    real_time = url(app).replace("http://", "ws://")
    async with connect(real_time, subprotocols=offer({"host": "localhost", **header})) as socket:
        error = json.loads(await socket.recv())
        assert error["type"] == "connection_error"
        assert error["payload"]["errors"] == [
            {
                "errorType": "com.amazonaws.deepdish.graphql.auth#UnauthorizedException",
                "message": "You are not authorized to make this call.",
                "errorCode": 400,
            }
        ]


# The command, and the pool's public half


async def test_a_token_from_the_command_line_and_keys_that_verify_it(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    project = str(app.settings.data.parent)
    assert commands.run(["auth", "token", "--user", "grace", "--groups", "admins", "--project", project]) == 0
    minted = capsys.readouterr().out.strip()
    _, answer = await post(app, "{me admin}", {"authorization": f"Bearer {minted}"})
    assert answer == {"data": {"me": "grace", "admin": "admins"}}
    issuer = jwt.decode(minted, options={"verify_signature": False})["iss"]
    pool = issuer.rsplit("/", 1)[1]
    async with httpx.AsyncClient(base_url=app.base_url, timeout=30) as client:
        configuration = (await client.get(f"/{pool}/.well-known/openid-configuration")).json()
        assert configuration["issuer"] == issuer
        keys = (await client.get(configuration["jwks_uri"])).json()
        assert (await client.post(f"/{pool}/.well-known/jwks.json")).status_code == 405
    key = jwt.PyJWKSet.from_dict(keys).keys[0]
    assert jwt.decode(minted, key.key, algorithms=["RS256"], audience="callpark")["cognito:username"] == "grace"


def test_the_command_says_which_pool_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "template.json").write_text('{"Resources": {"Pool": {"Type": "AWS::Cognito::UserPool"}}}')
    assert commands.run(["auth", "token", "--user", "ada", "--project", str(tmp_path)]) == 2
    assert "which user pool?" in capsys.readouterr().err
    arguments = ["auth", "token", "--user", "ada", "--project", str(tmp_path), "--pool", "eu-west-1_x", "-o", "json"]
    assert commands.run([*arguments, "--claim", "email=a@b.example"]) == 0
    minted = json.loads(capsys.readouterr().out)
    assert minted["issuer"] == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x"
    assert jwt.decode(minted["idToken"], options={"verify_signature": False})["email"] == "a@b.example"

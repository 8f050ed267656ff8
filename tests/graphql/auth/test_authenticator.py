"""Who is let in, by which mode, and what the others are told."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from callpark.graphql.auth.approach import CONNECT_OPERATION, Approach, Signed
from callpark.graphql.auth.iam import AccessKeys
from callpark.graphql.auth.local_pool import FILE, LocalPool, Subject
from callpark.graphql.auth.tokens import read
from callpark.graphql.auth.verdict import (
    EXPIRED_TOKEN,
    MISSING,
    NOT_AUTHORIZED,
    UNREADABLE_TOKEN,
    Authorized,
    Refusal,
)
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    LambdaAuthorizerConfig,
    OpenIdConnectConfig,
    UserPoolConfig,
)
from callpark.graphql.request_body import RequestBody
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.graphql.api.toy import KEY, NEVER, api
from tests.graphql.auth.people import ACCOUNT, authenticator

POOL = UserPoolConfig("us-east-1_pool", "us-east-1")
POOL_ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
ISSUER = "https://issuer.example"
AUTHORIZER = "arn:aws:lambda:us-east-1:123456789012:function:guard"
IN = Authorized("API_KEY", None)

KEYED = AuthenticationProvider("API_KEY")
IAM = AuthenticationProvider("AWS_IAM")
COGNITO = AuthenticationProvider("AMAZON_COGNITO_USER_POOLS", POOL)
OPEN_ID = AuthenticationProvider("OPENID_CONNECT", OpenIdConnectConfig(ISSUER))
LAMBDA = AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig(AUTHORIZER))

PRIVATE = rsa.generate_private_key(65_537, 2048)
FOREIGN = rsa.generate_private_key(65_537, 2048)


def jwks(key: rsa.RSAPrivateKey = PRIVATE, kid: str = "one") -> bytes:
    return orjson.dumps({"keys": [{**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}]})


def open_id_token(
    clock: VirtualClock, key: Any = PRIVATE, kid: str = "one", algorithm: str = "RS256", **claims: Any
) -> str:
    now = int(clock.now())
    given = {"iss": ISSUER, "sub": "u1", "aud": "app", "iat": now, "exp": now + 60, **claims}
    return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid})


class Issuer:
    """Serves the discovery document and a key set that tests may exchange or break."""

    def __init__(self, keys: bytes | None = None) -> None:
        self.keys: bytes | None = keys or jwks()
        self.asked: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.keys is None:
            raise OSError("connection refused")
        if url.endswith("openid-configuration"):
            return orjson.dumps({"jwks_uri": f"{ISSUER}/keys"})
        return self.keys


class Guard:
    """A Lambda authorizer."""

    def __init__(self, answer: object, failed: bool = False) -> None:
        self.answer = answer
        self.failed = failed
        self.events: list[Any] = []

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        assert function_arn == AUTHORIZER
        self.events.append(orjson.loads(payload))
        if isinstance(self.answer, Exception):
            raise self.answer
        return FunctionReply(self.answer if isinstance(self.answer, bytes) else orjson.dumps(self.answer), self.failed)

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        raise AssertionError


def shown(**headers: str) -> Approach:
    return Approach({name.replace("_", "-"): value for name, value in headers.items()}, "r1", ("10.0.0.1",))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("definition", "credentials", "verdict"),
    [
        (api(), {"x-api-key": KEY}, IN),
        (api(), {"x-api-key": KEY + "x"}, NOT_AUTHORIZED),
        (api(), {"x-api-key": ""}, NOT_AUTHORIZED),
        (api(), {"x-api-key": "clé\udcff"}, NOT_AUTHORIZED),
        (api(), {}, MISSING),
        (api(), {"authorization": "Bearer x"}, NOT_AUTHORIZED),
        (api("story", ()), {"x-api-key": KEY}, NOT_AUTHORIZED),
        (api("story", (ApiKey(KEY, 1_001),)), {"x-api-key": KEY}, IN),
        (api("story", (ApiKey(KEY, 1_000),)), {"x-api-key": KEY}, NOT_AUTHORIZED),
        (api("story", (ApiKey("other", NEVER), ApiKey(KEY, NEVER))), {"x-api-key": KEY}, IN),
        (api("story", (ApiKey(KEY, NEVER),), IAM, KEYED), {"x-api-key": KEY}, IN),
        (api("story", (ApiKey(KEY, NEVER),), IAM), {"x-api-key": KEY}, NOT_AUTHORIZED),
        (api("story", (), LAMBDA), {"authorization": "AWS4-HMAC-SHA256 Credential=x"}, NOT_AUTHORIZED),
    ],
)
async def test_api_key(definition: ApiDefinition, credentials: dict[str, str], verdict: Authorized | Refusal) -> None:
    asked = authenticator(VirtualClock(1_000.0))
    assert await asked.authenticate(definition, Approach(credentials)) == verdict


# User pools


@pytest.fixture
def pool(tmp_path: Path) -> LocalPool:
    return LocalPool(tmp_path)


def local_token(
    pool: LocalPool, clock: VirtualClock, subject: Subject | None = None, where: str = "us-east-1_pool"
) -> str:
    return pool.mint("us-east-1", where, subject or Subject("ada", ("writers",)), clock.now(), 60, "j").id_token


@pytest.mark.unit
async def test_a_token_of_the_local_pool_and_what_resolvers_see(
    clock: VirtualClock, tmp_path: Path, pool: LocalPool
) -> None:
    asked = authenticator(clock, directory=tmp_path)
    token = local_token(pool, clock)
    for text in (token, f"Bearer {token}"):
        verdict = await asked.authenticate(api("a", (), COGNITO), shown(authorization=text))
        assert isinstance(verdict, Authorized)
        assert verdict.identity is not None
        identity = dict(verdict.identity)
        claims = identity.pop("claims")
        assert isinstance(claims, dict)
        assert claims["cognito:username"] == "ada"
        assert identity == {
            "sourceIp": ["10.0.0.1"],
            "username": "ada",
            "groups": ["writers"],
            "sub": claims["sub"],
            "issuer": POOL_ISSUER,
            "defaultAuthStrategy": "ALLOW",
        }
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.unit
async def test_an_access_token_has_the_user_name_under_another_claim(
    clock: VirtualClock, tmp_path: Path, pool: LocalPool
) -> None:
    token = pool.mint("us-east-1", "us-east-1_pool", Subject("ada"), clock.now(), 60, "j").access_token
    verdict = await authenticator(clock, directory=tmp_path).authenticate(
        api("a", (), COGNITO), shown(authorization=token)
    )
    assert isinstance(verdict, Authorized)
    assert verdict.identity is not None
    assert (verdict.identity["username"], verdict.identity["groups"]) == ("ada", None)


def _tampered(token: str) -> str:
    head, body, signature = token.split(".")
    claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["cognito:groups"] = ["admins"]
    return ".".join((head, base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode(), signature))


def _signed_with_the_public_key(token: str, pool: LocalPool) -> str:
    """HS256 with the RSA key's public half as the secret: the classic confusion."""
    kid = jwt.get_unverified_header(token)["kid"]
    head = base64.urlsafe_b64encode(orjson.dumps({"alg": "HS256", "typ": "JWT", "kid": kid})).rstrip(b"=").decode()
    body = token.split(".")[1]
    secret = orjson.dumps(pool.document()["keys"])
    signature = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.unit
async def test_tokens_that_user_pools_refuse(clock: VirtualClock, tmp_path: Path, pool: LocalPool) -> None:
    asked = authenticator(clock, directory=tmp_path)
    good = local_token(pool, clock)
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    other_pool = local_token(pool, clock, where="us-east-1_other")
    refused: dict[str, tuple[str, Refusal]] = {
        "no token": ("garbage", UNREADABLE_TOKEN),
        "empty": ("", UNREADABLE_TOKEN),
        "changed": (_tampered(good), NOT_AUTHORIZED),
        "foreign key, our kid": (jwt.encode(claims, FOREIGN, "RS256", headers={"kid": kid}), NOT_AUTHORIZED),
        "foreign key, its kid": (jwt.encode(claims, FOREIGN, "RS256", headers={"kid": "x"}), NOT_AUTHORIZED),
        "no algorithm": (jwt.encode(claims, "", "none"), NOT_AUTHORIZED),
        "public key as secret": (_signed_with_the_public_key(good, pool), NOT_AUTHORIZED),
        "another pool's": (other_pool, NOT_AUTHORIZED),
    }
    for name, (token, refusal) in refused.items():
        verdict = await asked.authenticate(api("a", (), COGNITO), shown(authorization=token))
        assert verdict == refusal, name
    await clock.advance(60)
    assert await asked.authenticate(api("a", (), COGNITO), shown(authorization=good)) == EXPIRED_TOKEN


@pytest.mark.unit
async def test_a_broken_key_of_the_local_pool_lets_nobody_in(
    clock: VirtualClock, tmp_path: Path, pool: LocalPool, caplog: pytest.LogCaptureFixture
) -> None:
    good = local_token(pool, clock)
    (tmp_path / FILE).write_text("no key")
    asked = authenticator(clock, directory=tmp_path)
    for _ in range(2):
        assert await asked.authenticate(api("a", (), COGNITO), shown(authorization=good)) == NOT_AUTHORIZED
    (warning,) = caplog.records
    assert "tokens of user pools are refused" in warning.message
    assert "delete it; a new key is made" in warning.message


@pytest.mark.unit
async def test_clients_of_a_pool_by_pattern(clock: VirtualClock, tmp_path: Path, pool: LocalPool) -> None:
    asked = authenticator(clock, directory=tmp_path)
    web_only = UserPoolConfig("us-east-1_pool", "us-east-1", app_id_client_regex="^web-")
    definition = api("a", (), AuthenticationProvider("AMAZON_COGNITO_USER_POOLS", web_only))
    for client, let_in in (("web-1", True), ("mobile-1", False)):
        token = local_token(pool, clock, Subject("ada", client_id=client))
        verdict = await asked.authenticate(definition, shown(authorization=token))
        assert isinstance(verdict, Authorized) is let_in


@pytest.mark.unit
async def test_a_pool_with_keys_of_its_own_and_one_that_is_trusted_unverified(
    clock: VirtualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(jwks())
    claims = {"iss": POOL_ISSUER, "token_use": "access", "username": "ada", "exp": int(clock.now()) + 60}
    good = jwt.encode(claims, PRIVATE, "RS256", headers={"kid": "one"})
    forged = jwt.encode(claims, FOREIGN, "RS256", headers={"kid": "one"})
    definition = api("a", (), COGNITO)
    with_keys = authenticator(clock, sources={POOL_ISSUER: str(file)})
    assert isinstance(await with_keys.authenticate(definition, shown(authorization=good)), Authorized)
    assert await with_keys.authenticate(definition, shown(authorization=forged)) == NOT_AUTHORIZED
    trusting = authenticator(clock, sources={POOL_ISSUER: "unverified"})
    for _ in range(2):
        assert isinstance(await trusting.authenticate(definition, shown(authorization=forged)), Authorized)
    assert [record.message for record in caplog.records] == [
        f"tokens of {POOL_ISSUER} are not verified: whoever writes one is let in"
    ]


# OpenID Connect


@pytest.mark.unit
async def test_openid_tokens_are_verified_with_the_issuers_keys(clock: VirtualClock) -> None:
    issuer = Issuer()
    asked = authenticator(clock, fetch=issuer.fetch)
    token = open_id_token(clock)
    verdict = await asked.authenticate(api("a", (), OPEN_ID), shown(authorization=token))
    assert isinstance(verdict, Authorized)
    assert verdict.identity is not None
    assert {name: verdict.identity[name] for name in ("sub", "issuer")} == {"sub": "u1", "issuer": ISSUER}
    assert issuer.asked == [f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/keys"]
    await asked.authenticate(api("a", (), OPEN_ID), shown(authorization=token))
    assert len(issuer.asked) == 2, "the keys are kept"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("config", "claims", "verdict"),
    [
        (OpenIdConnectConfig(ISSUER), {"exp": 0}, EXPIRED_TOKEN),
        (OpenIdConnectConfig(ISSUER), {"exp": None}, EXPIRED_TOKEN),
        (OpenIdConnectConfig(ISSUER), {"nbf": 4e9}, NOT_AUTHORIZED),
        (OpenIdConnectConfig(ISSUER, client_id="^app$"), {"aud": "other"}, NOT_AUTHORIZED),
        (OpenIdConnectConfig(ISSUER, client_id="^app$"), {"aud": ["x", "app"]}, None),
        (OpenIdConnectConfig(ISSUER, client_id="^app$"), {"aud": "x", "azp": "app"}, None),
        (OpenIdConnectConfig(ISSUER, iat_ttl=1_000), {"iat": 1}, EXPIRED_TOKEN),
        (OpenIdConnectConfig(ISSUER, auth_ttl=1_000), {}, EXPIRED_TOKEN),
        (OpenIdConnectConfig(ISSUER, auth_ttl=1_000), {"auth_time": 4e9}, None),
        (OpenIdConnectConfig("https://elsewhere.example"), {}, None),
    ],
)
async def test_what_else_an_openid_token_must_be(
    clock: VirtualClock, config: OpenIdConnectConfig, claims: dict[str, Any], verdict: Refusal | None
) -> None:
    """As the only mode the issuer is not compared: its keys decide."""
    asked = authenticator(clock, fetch=Issuer().fetch)
    definition = api("a", (), AuthenticationProvider("OPENID_CONNECT", config))
    found = await asked.authenticate(definition, shown(authorization=open_id_token(clock, **claims)))
    assert isinstance(found, Authorized) if verdict is None else found == verdict


@pytest.mark.unit
async def test_a_rotated_key_is_fetched_once_and_a_flood_of_unknown_ones_seldom(clock: VirtualClock) -> None:
    issuer = Issuer()
    asked = authenticator(clock, fetch=issuer.fetch)
    definition = api("a", (), OPEN_ID)
    await asked.authenticate(definition, shown(authorization=open_id_token(clock)))
    issuer.keys = jwks(FOREIGN, "two")
    for n in range(20):
        forged = open_id_token(clock, kid=f"k{n}")
        assert await asked.authenticate(definition, shown(authorization=forged)) == NOT_AUTHORIZED
    assert len(issuer.asked) == 2
    await clock.advance(11)
    rotated = open_id_token(clock, key=FOREIGN, kid="two")
    assert isinstance(await asked.authenticate(definition, shown(authorization=rotated)), Authorized)
    assert len(issuer.asked) == 4


@pytest.mark.unit
async def test_an_issuer_that_is_away_lets_nobody_in_but_those_whose_keys_are_known(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    issuer = Issuer()
    issuer.keys = None
    asked = authenticator(clock, fetch=issuer.fetch)
    definition = api("a", (), OPEN_ID)
    token = open_id_token(clock, exp=4_000_000_000)
    assert await asked.authenticate(definition, shown(authorization=token)) == NOT_AUTHORIZED
    assert f"the keys of {ISSUER} cannot be read: connection refused" in caplog.text
    issuer.keys = jwks()
    await clock.advance(11)
    assert isinstance(await asked.authenticate(definition, shown(authorization=token)), Authorized)
    issuer.keys = None
    await clock.advance(4_000)
    assert isinstance(await asked.authenticate(definition, shown(authorization=token)), Authorized)


@pytest.mark.unit
async def test_elliptic_keys_and_their_algorithm(clock: VirtualClock) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "e", "alg": "ES256"}
    asked = authenticator(clock, fetch=Issuer(orjson.dumps({"keys": [public]})).fetch)
    token = open_id_token(clock, key, "e", "ES256")
    assert isinstance(await asked.authenticate(api("a", (), OPEN_ID), shown(authorization=token)), Authorized)


@pytest.mark.unit
async def test_with_several_issuers_the_token_picks_its_own(
    clock: VirtualClock, tmp_path: Path, pool: LocalPool
) -> None:
    guard = Guard({"isAuthorized": True})
    asked = authenticator(clock, directory=tmp_path, fetch=Issuer().fetch, functions=guard)
    definition = api("a", (ApiKey(KEY, NEVER),), KEYED, COGNITO, OPEN_ID, LAMBDA)
    modes = {}
    for name, approach in {
        "pool": shown(authorization=local_token(pool, clock)),
        "issuer": shown(authorization=open_id_token(clock)),
        "custom": shown(authorization="custom"),
        "key": shown(x_api_key=KEY),
    }.items():
        verdict = await asked.authenticate(definition, approach)
        assert isinstance(verdict, Authorized)
        modes[name] = verdict.mode
    assert modes == {
        "pool": "AMAZON_COGNITO_USER_POOLS",
        "issuer": "OPENID_CONNECT",
        "custom": "AWS_LAMBDA",
        "key": "API_KEY",
    }
    forged = open_id_token(clock, key=FOREIGN)
    assert await asked.authenticate(definition, shown(authorization=forged)) == NOT_AUTHORIZED
    assert len(guard.events) == 1, "a token of a known issuer is none for the authorizer"


# Lambda authorizers


@pytest.mark.unit
async def test_what_an_authorizer_is_told(clock: VirtualClock) -> None:
    guard = Guard({"isAuthorized": True, "resolverContext": {"tenant": "t1"}})
    asked = authenticator(clock, functions=guard)
    definition = api("a", (), LAMBDA)
    body = RequestBody("query Q { a }", "Q", {"n": 1})
    verdict = await asked.authenticate(definition, Approach({"authorization": "custom", "host": "h"}, "r1", asked=body))
    assert verdict == Authorized("AWS_LAMBDA", {"resolverContext": {"tenant": "t1"}})
    assert guard.events == [
        {
            "authorizationToken": "custom",
            "requestContext": {
                "apiId": "a",
                "accountId": ACCOUNT,
                "requestId": "r1",
                "queryString": "query Q { a }",
                "operationName": "Q",
                "variables": {"n": 1},
            },
            "requestHeaders": {"authorization": "custom", "host": "h"},
        }
    ]
    await asked.authenticate(definition, Approach({"authorization": "c"}, operation_name=CONNECT_OPERATION))
    assert guard.events[-1]["requestContext"]["operationName"] == "DeepDish:Connect"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("answer", "failed", "logged"),
    [
        ({"isAuthorized": False}, False, ""),
        ({}, False, "has no isAuthorized"),
        ({"isAuthorized": "true"}, False, "has no isAuthorized"),
        ({"isAuthorized": 1}, False, ""),
        ([], False, "has no isAuthorized"),
        (b"", False, "is not JSON"),
        ({"isAuthorized": True, "resolverContext": {"a": {}}}, False, "not a flat object"),
        ({"isAuthorized": True, "resolverContext": {"a": "x" * 5_300_000}}, False, "larger than"),
        ({"errorMessage": "boom"}, True, "it failed: "),
        (CallerError("TooManyRequestsException", 429, "Rate Exceeded."), False, "Rate Exceeded"),
    ],
)
async def test_answers_that_are_no_yes(
    clock: VirtualClock, answer: object, failed: bool, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = authenticator(clock, functions=Guard(answer, failed))
    assert await asked.authenticate(api("a", (), LAMBDA), shown(authorization="c")) == NOT_AUTHORIZED
    assert logged in caplog.text
    assert bool(caplog.records) is bool(logged)


@pytest.mark.unit
async def test_fields_an_authorizer_denies(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    listed = [
        "Mutation.create",
        "arn:aws:appsync:us-east-1:123456789012:apis/a/types/Query/fields/secret",
        "arn:aws:appsync:us-east-1:123456789012:apis/other/types/Query/fields/x",
        "nonsense",
    ]
    asked = authenticator(clock, functions=Guard({"isAuthorized": True, "deniedFields": listed}))
    verdict = await asked.authenticate(api("a", (), LAMBDA), shown(authorization="c"))
    assert isinstance(verdict, Authorized)
    assert verdict.denied_fields == {"Mutation.create", "Query.secret"}
    assert "deniedFields nonsense name no field" in caplog.text


@pytest.mark.unit
@pytest.mark.parametrize(
    ("ttl", "answer", "calls"),
    [
        (0, {"isAuthorized": True}, 3),
        (10, {"isAuthorized": True}, 2),
        (10, {"isAuthorized": False}, 2),
        (0, {"isAuthorized": True, "ttlOverride": 10}, 2),
        (10, {"isAuthorized": True, "ttlOverride": 0}, 3),
        (10, {"isAuthorized": True, "resolverContext": {"a": "x" * 1_048_576}}, 3),
    ],
)
async def test_answers_are_kept_for_their_time_to_live(
    clock: VirtualClock, ttl: int, answer: dict[str, object], calls: int
) -> None:
    guard = Guard(answer)
    asked = authenticator(clock, functions=guard)
    definition = api("a", (), AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig(AUTHORIZER, ttl)))
    await asked.authenticate(definition, shown(authorization="c"))
    await asked.authenticate(definition, shown(authorization="c"))
    await clock.advance(10)
    await asked.authenticate(definition, shown(authorization="c"))
    assert len(guard.events) == calls
    await asked.authenticate(definition, shown(authorization="other"))
    assert len(guard.events) == calls + 1, "another token is another question"


@pytest.mark.unit
async def test_a_token_that_does_not_look_right_is_not_asked_about(clock: VirtualClock) -> None:
    guard = Guard({"isAuthorized": True})
    config = LambdaAuthorizerConfig(AUTHORIZER, identity_validation_expression="^custom-")
    definition = api("a", (), AuthenticationProvider("AWS_LAMBDA", config))
    asked = authenticator(clock, functions=guard)
    assert await asked.authenticate(definition, shown(authorization="x")) == NOT_AUTHORIZED
    assert guard.events == []
    assert isinstance(await asked.authenticate(definition, shown(authorization="custom-1")), Authorized)


# IAM

URL = "http://127.0.0.1:4566/apis/a/graphql"


def signed(url: str = URL, body: bytes = b'{"query":"{a}"}', secret: str = "s3cret", **headers: str) -> dict[str, str]:
    """Headers as botocore signs them, now."""
    request = AWSRequest("POST", url, headers={"content-type": "application/json", **headers}, data=body)
    SigV4Auth(Keys("AKID", secret), "appsync", "us-east-1").add_auth(request)
    return {"host": "127.0.0.1:4566", **{name.lower(): value for name, value in request.headers.items()}}


def _now(headers: Mapping[str, str]) -> float:
    return datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _approach(headers: Mapping[str, str], body: bytes = b'{"query":"{a}"}', *paths: str) -> Approach:
    return Approach(headers, "r", ("10.0.0.1",), Signed(paths or ("/apis/a/graphql",), "", body))


@pytest.mark.unit
async def test_signatures_of_known_keys_are_verified() -> None:
    headers = signed()
    now = _now(headers)
    known = AccessKeys({"AKID": "s3cret"}, open=False)
    definition = api("a", (), IAM)
    asked = authenticator(VirtualClock(now), keys=known)
    verdict = await asked.authenticate(definition, _approach(headers))
    assert verdict == Authorized(
        "AWS_IAM",
        {
            "accountId": ACCOUNT,
            "cognitoIdentityPoolId": None,
            "cognitoIdentityId": None,
            "sourceIp": ["10.0.0.1"],
            "username": "AKID",
            "userArn": f"arn:aws:iam::{ACCOUNT}:user/AKID",
            "cognitoIdentityAuthType": None,
            "cognitoIdentityAuthProvider": None,
        },
    )
    refused = {
        "another body": _approach(headers, b"{}"),
        "another path": _approach(headers, b'{"query":"{a}"}', "/apis/b/graphql"),
        "another secret": _approach(signed(secret="x")),
        "another host": _approach({**headers, "host": "evil"}),
        "a header taken away": _approach({n: v for n, v in headers.items() if n != "content-type"}),
        "another service": _approach(
            {**headers, "authorization": headers["authorization"].replace("/appsync/", "/s3/")}
        ),
        "no signature": _approach({**headers, "authorization": "AWS4-HMAC-SHA256 Credential=AKID"}),
        "no date": _approach({**headers, "x-amz-date": "yesterday"}),
    }
    for name, approach in refused.items():
        assert await asked.authenticate(definition, approach) == NOT_AUTHORIZED, name
    for away in (-301, 301):
        late = authenticator(VirtualClock(now + away), keys=known)
        assert await late.authenticate(definition, _approach(headers)) == NOT_AUTHORIZED, "replayed"


@pytest.mark.unit
async def test_unknown_keys_are_let_in_with_one_warning_unless_credentials_are_configured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = signed()
    definition = api("a", (), IAM)
    asked = authenticator(VirtualClock(_now(headers)))
    for _ in range(2):
        assert isinstance(await asked.authenticate(definition, _approach(headers)), Authorized)
    assert len(caplog.records) == 1
    closed = authenticator(VirtualClock(_now(headers)), keys=AccessKeys({"OTHER": "x"}, open=False))
    assert await closed.authenticate(definition, _approach(headers)) == NOT_AUTHORIZED


@pytest.mark.unit
@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode() + ".e30.x"))
def test_reading_tokens_never_raises(text: str) -> None:
    token = read(text)
    assert token is None or isinstance(token.claims, dict)

"""Amazon Cognito user pools: tokens of the local pool, of pools with keys of their own, and what is refused."""

import base64
import hashlib
import hmac
from pathlib import Path

import jwt
import orjson
import pytest

from callpark.graphql.auth.local_pool import FILE, LocalPool, Subject
from callpark.graphql.auth.verdict import EXPIRED_TOKEN, NOT_AUTHORIZED, UNREADABLE_TOKEN, Authorized, Refusal
from callpark.graphql.model import AuthenticationProvider, UserPoolConfig
from callpark.kernel.clock import VirtualClock
from tests.graphql.api.toy import api
from tests.graphql.auth.callers import COGNITO, FOREIGN, POOL_ISSUER, PRIVATE, jwks, local_token, shown
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.unit


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


async def test_clients_of_a_pool_by_pattern(clock: VirtualClock, tmp_path: Path, pool: LocalPool) -> None:
    asked = authenticator(clock, directory=tmp_path)
    web_only = UserPoolConfig("us-east-1_pool", "us-east-1", app_id_client_regex="^web-")
    definition = api("a", (), AuthenticationProvider("AMAZON_COGNITO_USER_POOLS", web_only))
    for client, let_in in (("web-1", True), ("mobile-1", False)):
        token = local_token(pool, clock, Subject("ada", client_id=client))
        verdict = await asked.authenticate(definition, shown(authorization=token))
        assert isinstance(verdict, Authorized) is let_in


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

"""OpenID Connect: an issuer's keys, fetched, exchanged and away."""

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from callpark.graphql.auth.verdict import EXPIRED_TOKEN, NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.model import AuthenticationProvider, OpenIdConnectConfig
from callpark.kernel.clock import VirtualClock
from tests.graphql.api.toy import api
from tests.graphql.auth.callers import FOREIGN, ISSUER, OPEN_ID, Issuer, jwks, open_id_token, shown
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.unit


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


async def test_elliptic_keys_and_their_algorithm(clock: VirtualClock) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "e", "alg": "ES256"}
    asked = authenticator(clock, fetch=Issuer(orjson.dumps({"keys": [public]})).fetch)
    token = open_id_token(clock, key, "e", "ES256")
    assert isinstance(await asked.authenticate(api("a", (), OPEN_ID), shown(authorization=token)), Authorized)

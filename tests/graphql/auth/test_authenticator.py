"""Who is let in by which mode: API keys; and tokens that are none."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.auth.approach import Approach
from callpark.graphql.auth.local_pool import LocalPool
from callpark.graphql.auth.tokens import read
from callpark.graphql.auth.verdict import MISSING, NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.model import ApiDefinition, ApiKey
from callpark.kernel.clock import VirtualClock
from tests.graphql.api.toy import KEY, NEVER, api
from tests.graphql.auth.callers import (
    COGNITO,
    FOREIGN,
    IAM,
    IN,
    KEYED,
    LAMBDA,
    OPEN_ID,
    Guard,
    Issuer,
    local_token,
    open_id_token,
    shown,
)
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.unit


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


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode() + ".e30.x"))
def test_reading_tokens_never_raises(text: str) -> None:
    token = read(text)
    assert token is None or isinstance(token.claims, dict)

"""Who is let in, by which mode, and what the others are told."""

import pytest

from callpark.graphql.auth.authentication import authenticate, load_warnings
from callpark.graphql.auth.verdict import MISSING, NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.model import ApiDefinition, ApiKey
from tests.graphql.api.toy import KEY, NEVER, api

pytestmark = pytest.mark.unit

NOW = 1_000.0
IN = Authorized("API_KEY", None)


@pytest.mark.parametrize(
    ("definition", "credentials", "verdict"),
    [
        (api(), {"x-api-key": KEY}, IN),
        (api(), {"x-api-key": KEY + "x"}, NOT_AUTHORIZED),
        (api(), {"x-api-key": ""}, NOT_AUTHORIZED),
        (api(), {"x-api-key": "clé\udcff"}, NOT_AUTHORIZED),
        (api(), {}, MISSING),
        (api(), {"authorization": "Bearer x"}, NOT_AUTHORIZED),
        (api(keys=()), {"x-api-key": KEY}, NOT_AUTHORIZED),
        (api(keys=(ApiKey(KEY, NOW + 1),)), {"x-api-key": KEY}, IN),
        (api(keys=(ApiKey(KEY, NOW),)), {"x-api-key": KEY}, NOT_AUTHORIZED),
        (api(keys=(ApiKey("other", NEVER), ApiKey(KEY, NEVER))), {"x-api-key": KEY}, IN),
        (api(mode="AWS_IAM", additional=("API_KEY",)), {"x-api-key": KEY}, IN),
        (api(mode="AWS_IAM"), {"x-api-key": KEY}, NOT_AUTHORIZED),
    ],
)
def test_api_key(definition: ApiDefinition, credentials: dict[str, str], verdict: Authorized | Refusal) -> None:
    assert authenticate(definition, credentials, NOW) == verdict


@pytest.mark.parametrize(
    ("mode", "authorization"),
    [
        ("AWS_IAM", "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/appsync/aws4_request"),
        ("AMAZON_COGNITO_USER_POOLS", "eyJhbGciOi.x.y"),
        ("OPENID_CONNECT", "Bearer eyJhbGciOi.x.y"),
        ("AWS_LAMBDA", "custom-token"),
    ],
)
def test_a_mode_that_is_not_built_is_refused_by_name_and_named_at_load(mode: str, authorization: str) -> None:
    definition = api(mode="API_KEY", additional=(mode,))
    verdict = authenticate(definition, {"authorization": authorization}, NOW)
    assert verdict == Refusal(f"callpark does not support the authorization mode {mode} of API Story yet; use API_KEY.")
    assert load_warnings(definition) == [
        f"API Story: authorization mode {mode} is not supported yet; requests that use it are refused"
    ]
    assert authenticate(definition, {"x-api-key": KEY}, NOW) == IN


def test_a_signature_is_not_taken_for_a_token() -> None:
    definition = api(mode="AWS_LAMBDA")
    assert authenticate(definition, {"authorization": "AWS4-HMAC-SHA256 Credential=x"}, NOW) == NOT_AUTHORIZED


def test_nothing_to_warn_of_with_api_keys_alone() -> None:
    assert load_warnings(api()) == []
    assert load_warnings(api(mode="PASSWORD")) == [
        "API Story: there is no authorization mode PASSWORD; nobody is let in by it"
    ]

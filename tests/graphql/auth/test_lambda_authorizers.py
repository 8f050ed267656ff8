"""Lambda authorizers: what they are told, what they answer, how long that counts."""

import pytest

from callpark.graphql.auth.approach import CONNECT_OPERATION, Approach
from callpark.graphql.auth.verdict import NOT_AUTHORIZED, Authorized
from callpark.graphql.model import AuthenticationProvider, LambdaAuthorizerConfig
from callpark.graphql.request_body import RequestBody
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.graphql.api.toy import api
from tests.graphql.auth.callers import AUTHORIZER, LAMBDA, Guard, shown
from tests.graphql.auth.people import ACCOUNT, authenticator

pytestmark = pytest.mark.unit


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


async def test_a_token_that_does_not_look_right_is_not_asked_about(clock: VirtualClock) -> None:
    guard = Guard({"isAuthorized": True})
    config = LambdaAuthorizerConfig(AUTHORIZER, identity_validation_expression="^custom-")
    definition = api("a", (), AuthenticationProvider("AWS_LAMBDA", config))
    asked = authenticator(clock, functions=guard)
    assert await asked.authenticate(definition, shown(authorization="x")) == NOT_AUTHORIZED
    assert guard.events == []
    assert isinstance(await asked.authenticate(definition, shown(authorization="custom-1")), Authorized)

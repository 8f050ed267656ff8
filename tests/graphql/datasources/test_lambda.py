"""The Lambda data source by itself: what is sent, what comes back, what is refused.

Reference §1.1, §1.2, §1.4, §1.5.
"""

import pytest

from callpark.graphql.datasources.lambda_ import FunctionReply, LambdaSource
from callpark.graphql.datasources.port import Outcome, SourceError
from callpark.graphql.failures import FieldFailure
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit


class Scripted:
    """Answers every invocation alike and remembers what it was sent."""

    def __init__(self, reply: FunctionReply | CallerError) -> None:
        self.reply = reply
        self.sent: list[bytes] = []

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        self.sent.append(payload)
        if isinstance(self.reply, CallerError):
            raise self.reply
        return self.reply

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        await self.invoke(function_arn, payload)


async def call(
    clock: VirtualClock, request: dict[str, object], reply: FunctionReply | CallerError
) -> tuple[Outcome, list[bytes]]:
    functions = Scripted(reply)
    outcome = await LambdaSource("arn:f", functions, clock).call(request, clock.now() + 30)
    return outcome, functions.sent


OK = FunctionReply(b'["x"]', failed=False)


@pytest.mark.parametrize(
    ("request_", "sent", "result"),
    [
        ({"operation": "Invoke", "payload": {"a": 1}}, b'{"a":1}', ["x"]),
        ({"operation": "Invoke", "payload": {"a": 1}, "version": "2018-05-29"}, b'{"a":1}', ["x"]),
        ({"operation": "Invoke"}, b"null", ["x"]),
        ({"operation": "Invoke", "invocationType": "RequestResponse", "payload": 1}, b"1", ["x"]),
        ({"operation": "Invoke", "invocationType": "Event", "payload": 1}, b"1", None),
        ({"operation": "BatchInvoke", "payload": {"a": 1}}, b'[{"a":1}]', "x"),
        ({"operation": "BatchInvoke", "invocationType": "Event", "payload": 1}, b"[1]", None),
    ],
)
async def test_what_is_sent_and_what_comes_back(
    clock: VirtualClock, request_: dict[str, object], sent: bytes, result: object
) -> None:
    assert await call(clock, request_, OK) == (Outcome(result), [sent])


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (
            FunctionReply(b'{"errorMessage":"m","errorType":"KeyError"}', failed=True),
            SourceError("m", "Lambda:Unhandled", "KeyError"),
        ),
        (
            FunctionReply(b'{"errorType":"Runtime.ExitError"}', failed=True),
            SourceError("The function failed without a message.", "Lambda:Unhandled", "Runtime.ExitError"),
        ),
        (
            FunctionReply(b"{broken", failed=False),
            SourceError("The function's answer is not valid JSON.", "Lambda:IllegalArgument"),
        ),
        (CallerError("TooManyRequestsException", 429, "slow"), SourceError("slow", "Lambda:TooManyRequestsException")),
        (CallerError("ResourceNotFoundException", 404, "gone"), SourceError("gone", "Lambda:AWSLambdaException")),
        (
            CallerError("RequestEntityTooLargeException", 413, "big"),
            SourceError("big", "Lambda:RequestEntityTooLargeException"),
        ),
    ],
)
async def test_failures_become_ctx_error(
    clock: VirtualClock, reply: FunctionReply | CallerError, error: SourceError
) -> None:
    outcome, _ = await call(clock, {"operation": "Invoke"}, reply)
    assert outcome == Outcome(error=error)


async def test_an_empty_answer_is_null(clock: VirtualClock) -> None:
    assert (await call(clock, {"operation": "Invoke"}, FunctionReply(b"", failed=False)))[0] == Outcome(None)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({}, "None"),
        ({"operation": "invoke"}, "'invoke'"),
        ({"operation": "Invoke", "invocationType": "DryRun"}, "'DryRun'"),
    ],
)
async def test_requests_that_are_not_understood_reach_no_function(
    clock: VirtualClock, request_: dict[str, object], named: str
) -> None:
    functions = Scripted(OK)
    with pytest.raises(FieldFailure, match=named):
        await LambdaSource("arn:f", functions, clock).call(request_, clock.now() + 30)
    assert functions.sent == []

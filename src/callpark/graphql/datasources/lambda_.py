"""AWS_LAMBDA: Invoke and BatchInvoke, as RequestResponse and as Event.

Used by `resolvers/`. An Event is accepted durably before the response handler runs; what becomes of it later never
reaches AppSync. Who gathers siblings into batches is `resolvers/batching.py`.
https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-lambda-js.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, cast

import orjson

from callpark.graphql.datasources.port import Outcome, SourceError
from callpark.graphql.failures import FieldFailure
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError

InvocationType: TypeAlias = Literal["RequestResponse", "Event"]


@dataclass(frozen=True, slots=True)
class FunctionReply:
    """A function's answer: the JSON text it returned or, when `failed`, its error object."""

    payload: bytes
    failed: bool


class FunctionInvoker(Protocol):
    """What AppSync needs of Lambda. Both raise CallerError when the invocation is refused."""

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        """Run the function and wait for its answer."""
        ...

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        """Accept an event durably; returns before the function runs."""
        ...


_KEPT_CODES = frozenset(("TooManyRequestsException", "RequestTooLargeException", "RequestEntityTooLargeException"))
_BEFORE_THE_END = 0.001
"""A field that waits for a function gives up this much before the request does, and says what it waited for."""


class LambdaSource:
    """One function as a data source."""

    def __init__(self, function_arn: str, functions: FunctionInvoker, clock: Clock) -> None:
        self._function_arn = function_arn
        self._functions = functions
        self._clock = clock

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        operation = request.get("operation")
        if operation not in ("Invoke", "BatchInvoke"):
            raise FieldFailure(
                f"A Lambda request's operation is Invoke or BatchInvoke, not {operation!r}", "Lambda:IllegalArgument"
            )
        kind, payload = self.invocation_type(request), request.get("payload")
        if operation == "BatchInvoke":
            return (await self.call_batch([payload], kind, deadline))[0]
        body = function_input(payload)
        return await self._enqueue(body) if kind == "Event" else await self.invoke(body, deadline)

    def invocation_type(self, request: Mapping[str, object]) -> InvocationType:
        """Raises FieldFailure for what is neither."""
        match request.get("invocationType"):
            case None | "" | "RequestResponse":
                return "RequestResponse"
            case "Event":
                return "Event"
            case other:
                raise FieldFailure(
                    f"A Lambda request's invocationType is RequestResponse or Event, not {other!r}",
                    "Lambda:IllegalArgument",
                )

    async def call_batch(self, payloads: Sequence[object], kind: InvocationType, deadline: float) -> list[Outcome]:
        """One invocation for all payloads, and the outcome of each."""
        body = function_input(payloads)
        outcome = await self._enqueue(body) if kind == "Event" else await self.invoke(body, deadline)
        return [outcome] * len(payloads) if kind == "Event" else items_of(outcome, len(payloads))

    async def invoke(self, body: bytes, deadline: float) -> Outcome:
        """Run the function with `body` and wait for its answer, at most until the deadline."""
        remaining = max(0.0, deadline - _BEFORE_THE_END - self._clock.now())
        try:
            async with Deadline(self._clock, remaining, self._function_arn):
                return _answered(await self._functions.invoke(self._function_arn, body))
        except TimeoutError:
            return Outcome(error=SourceError("Execution timed out.", "Lambda:ExecutionTimeoutException"))
        except CallerError as error:
            return Outcome(error=SourceError(error.message, _refusal_type(error)))

    async def _enqueue(self, body: bytes) -> Outcome:
        try:
            await self._functions.enqueue(self._function_arn, body)
        except CallerError as error:
            kind = _refusal_type(error).replace("RequestEntityTooLarge", "RequestTooLarge")
            return Outcome(error=SourceError(error.message, kind))
        return Outcome()


def function_input(value: object) -> bytes:
    """The JSON text a function receives. Raises FieldFailure when the value nests too deeply to be written."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise FieldFailure(
            f"The function's input cannot be written as JSON: {error}", "Lambda:IllegalArgument"
        ) from None


def _refusal_type(error: CallerError) -> str:
    return f"Lambda:{error.code if error.code in _KEPT_CODES else 'AWSLambdaException'}"


def _answered(reply: FunctionReply) -> Outcome:
    try:
        value = orjson.loads(reply.payload) if reply.payload else None
    except orjson.JSONDecodeError:
        return Outcome(error=SourceError("The function's answer is not valid JSON.", "Lambda:IllegalArgument"))
    if not reply.failed:
        return Outcome(value)
    members = cast(dict[str, object], value) if isinstance(value, dict) else {}
    message = members.get("errorMessage")
    kind = members.get("errorType")
    return Outcome(
        error=SourceError(
            message if isinstance(message, str) else "The function failed without a message.",
            "Lambda:Unhandled",
            kind if isinstance(kind, str) else None,
        )
    )


def items_of(outcome: Outcome, count: int) -> list[Outcome]:
    """The outcome of each item of a batch; an error, or an answer of another length, is everybody's."""
    if outcome.error is not None:
        return [outcome] * count
    if isinstance(outcome.result, list) and len(outcome.result) == count:
        return [Outcome(item) for item in outcome.result]
    got = len(outcome.result) if isinstance(outcome.result, list) else "no list"
    items = "item" if count == 1 else "items"
    message = f"A batch of {count} needs an answer of {count} {items}, the function gave {got}."
    return [Outcome(error=SourceError(message, "Lambda:IllegalArgument"))] * count

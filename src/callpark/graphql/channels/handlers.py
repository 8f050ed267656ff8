"""A namespace's onPublish and onSubscribe: a function in JavaScript, one with a data source, or a Lambda function.

Compiled by `serving.py`, asked by `service.py`. What a handler refuses is refused with `util.error`'s 403, and with 401
for `util.unauthorized`.
https://docs.aws.amazon.com/appsync/latest/eventapi/writing-event-handlers.html
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, cast

from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.messages import Asker, ChannelRefused
from callpark.graphql.channels.outgoing import Incoming, Outgoing, outgoing, unchanged
from callpark.graphql.channels.request_log import ChannelLog
from callpark.graphql.datasources.lambda_ import LambdaSource, function_input
from callpark.graphql.datasources.port import DataSource, SourceError
from callpark.graphql.failures import FieldFailure
from callpark.graphql.happenings import ResolverLogged
from callpark.graphql.resolvers.run import AUTH_TYPES
from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import CodeUnit
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")

Operation: TypeAlias = Literal["PUBLISH", "SUBSCRIBE"]
HANDLERS: Mapping[Operation, str] = {"PUBLISH": "onPublish", "SUBSCRIBE": "onSubscribe"}

_FORBIDDEN, _UNAUTHORIZED = 403, 401


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a handler is asked about. `deadline` in epoch seconds; `events` are none for a subscription."""

    api_id: str
    channel: Channel
    operation: Operation
    asker: Asker
    deadline: float
    events: Sequence[Incoming] = ()
    log: ChannelLog | None = None

    def context(self) -> dict[str, object]:
        """What handlers see, and what a DIRECT function receives."""
        events = [{"id": event.id, "payload": event.payload} for event in self.events]
        return {
            "identity": self.asker.identity,
            "result": None,
            "request": {"headers": self.asker.headers, "domainName": None},
            "info": {
                "channel": {"path": self.channel.path, "segments": list(self.channel.all_segments)},
                "channelNamespace": {"name": self.channel.namespace},
                "operation": self.operation,
            },
            "error": None,
            "prev": None,
            "stash": {},
            "outErrors": [],
            "events": events if self.operation == "PUBLISH" else None,
        }


class Handler(Protocol):
    async def handle(self, occasion: Occasion) -> Outgoing:
        """What is broadcast, of a publication; for a subscription, nothing. Raises ChannelRefused."""
        ...


@dataclass(frozen=True, slots=True)
class CodeHandler:
    """One function, without a data source."""

    code: CodeUnit
    trace: Trace

    async def handle(self, occasion: Occasion) -> Outgoing:
        run = _Run(self.code, self.trace, occasion)
        value = await run.evaluate(HANDLERS[occasion.operation])
        return _left(value.value if isinstance(value, _Early) else value, occasion)


@dataclass(frozen=True, slots=True)
class SourceHandler:
    """A request function, a data source, and a response function; without the last, what came is broadcast."""

    code: CodeUnit
    source: DataSource
    trace: Trace

    async def handle(self, occasion: Occasion) -> Outgoing:
        run = _Run(self.code, self.trace, occasion)
        name = HANDLERS[occasion.operation]
        request = await run.evaluate(f"{name}.request")
        if isinstance(request, _Early):
            return _left(request.value, occasion)
        if not isinstance(request, dict):
            raise _refusal("Code", f"The {name} request function must return an object.")
        try:
            outcome = await self.source.call(cast("Mapping[str, object]", request), occasion.deadline)
        except FieldFailure as failure:
            raise _refusal(failure.error_type or "Code", failure.message) from None
        if f"{name}.response" not in self.code.handlers:
            if outcome.error is not None:
                raise _refusal(outcome.error.type, outcome.error.message)
            return unchanged(occasion.events)
        run.context["result"] = outcome.result
        if outcome.error is not None:
            run.context["error"] = {"message": outcome.error.message, "type": outcome.error.type}
        value = await run.evaluate(f"{name}.response")
        return _left(value.value if isinstance(value, _Early) else value, occasion)


@dataclass(frozen=True, slots=True)
class DirectHandler:
    """A function that is asked, and whose answer counts: `{events, error}`, or None."""

    source: LambdaSource

    async def handle(self, occasion: Occasion) -> Outgoing:
        try:
            outcome = await self.source.invoke(function_input(occasion.context()), occasion.deadline)
        except FieldFailure as failure:
            raise _refusal(failure.error_type or "Code", failure.message) from None
        if occasion.log is not None:
            told = None if outcome.error is None else outcome.error.message
            occasion.log.evaluated(HANDLERS[occasion.operation], occasion.context(), outcome.result, told)
        if outcome.error is not None:
            raise _function_refusal(outcome.error)
        answer = outcome.result if isinstance(outcome.result, dict) else {}
        error = answer.get("error")
        if occasion.operation == "SUBSCRIBE":
            if error is not None:
                raise _refusal("Lambda:Error", str(error))
            return Outgoing((), {})
        if error is not None:
            text = "API %s: the function of %s answered with an error (request %s): %s"
            _log.warning(text, occasion.api_id, occasion.channel.path, occasion.asker.request_id, error)
        return _left(answer.get("events"), occasion)


@dataclass(frozen=True, slots=True)
class DirectEventHandler:
    """A function that is told, and not waited for: whatever becomes of it, events are broadcast."""

    source: LambdaSource

    async def handle(self, occasion: Occasion) -> Outgoing:
        request = {"operation": "Invoke", "invocationType": "Event", "payload": occasion.context()}
        try:
            error = (await self.source.call(request, occasion.deadline)).error
            message = None if error is None else error.message
        except FieldFailure as failure:
            message = failure.message
        if message is not None:
            text = "API %s: the function of %s was not told (request %s): %s"
            _log.warning(text, occasion.api_id, occasion.channel.path, occasion.asker.request_id, message)
        return unchanged(occasion.events)


@dataclass(frozen=True, slots=True)
class _Early:
    """`runtime.earlyReturn`."""

    value: object


@dataclass(slots=True)
class _Run:
    """One run of a handler: its functions share the stash."""

    code: CodeUnit
    trace: Trace
    occasion: Occasion
    context: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        self.context = self.occasion.context()

    async def evaluate(self, handler: str) -> object:
        """The function's value, or an `_Early` one. Raises ChannelRefused."""
        mode = self.occasion.asker.auth_mode
        done = self.code.evaluate(handler, self.context, AUTH_TYPES.get(mode, mode))
        evaluation = done if isinstance(done, Evaluation) else await done
        self._absorb(handler, evaluation)
        halt = evaluation.halt
        if self.occasion.log is not None:
            refused = None if halt is None or halt["kind"] == "return" else str(halt.get("message"))
            value = evaluation.value if halt is None else halt.get("value")
            self.occasion.log.evaluated(handler, self.context, value, refused)
        if halt is None:
            return evaluation.value
        if halt["kind"] == "return":
            return _Early(halt.get("value"))
        raise _refusal(str(halt.get("type") or "Error"), str(halt.get("message")))

    def _absorb(self, handler: str, evaluation: Evaluation) -> None:
        occasion = self.occasion
        self.context["stash"] = evaluation.stash
        self.context["outErrors"] = [*cast("list[object]", self.context["outErrors"]), *evaluation.errors]
        for each in evaluation.errors:
            text = "API %s: %s of %s appended an error (request %s): %s"
            _log.warning(
                text, occasion.api_id, handler, occasion.channel.path, occasion.asker.request_id, each.get("message")
            )
        for effect in evaluation.effects:
            text = "extensions.%s has no effect in handlers of Event APIs (request %s)"
            _log.warning(text, effect["name"], occasion.asker.request_id)
        if evaluation.logs:
            self.trace.emit(
                ResolverLogged(
                    occasion.asker.request_id, occasion.api_id, occasion.channel.namespace, handler, evaluation.logs
                )
            )


def _left(value: object, occasion: Occasion) -> Outgoing:
    """What a handler's value means; a subscription's means nothing."""
    return outgoing(value, occasion.events) if occasion.operation == "PUBLISH" else Outgoing((), {})


def _refusal(error_type: str, message: str) -> ChannelRefused:
    return ChannelRefused(error_type, message, _UNAUTHORIZED if error_type == "Unauthorized" else _FORBIDDEN)


def _function_refusal(error: SourceError) -> ChannelRefused:
    """A function refuses a caller with an exception of this class, whose message is not told."""
    if error.function_type == "UnauthorizedException":
        return ChannelRefused(error.function_type, "You are not authorized to make this call.", _UNAUTHORIZED)
    return _refusal(error.type, error.message)

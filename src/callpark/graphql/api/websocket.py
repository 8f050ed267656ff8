"""One real-time websocket: ASGI messages in, the protocol's effects out.

Made by `web.py` for each websocket scope. Decisions are `realtime.protocol`'s; this carries them out: a reader, a
writer behind a bounded outbox, and a task for each `start` that is being prepared.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from callpark.graphql.api.door import of_start, of_upgrade
from callpark.graphql.api.handshake import TERMS, Candidate, Handshake, opening, shake
from callpark.graphql.api.location import locate
from callpark.graphql.api.ports import Apis
from callpark.graphql.api.resolver_headers import resolver_headers
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.auth.verdict import MISSING, NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.messages import ErrorEntry, GraphqlRequest
from callpark.graphql.model import ApiDefinition
from callpark.graphql.pacing import Pacer
from callpark.graphql.realtime import frames, protocol
from callpark.graphql.realtime.hub import Hub
from callpark.graphql.realtime.lifecycle import (
    NORMAL,
    POLICY_VIOLATION,
    ApiRemoved,
    Arm,
    Close,
    Due,
    Lost,
    Opened,
    Received,
    Rejected,
    Send,
    ShuttingDown,
    TimerName,
)
from callpark.graphql.subscriptions import PreparedSubscription, SubscriptionRefused
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.outbox import Outbox
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer

_log = logging.getLogger("callpark")

_MESSAGE_TOO_BIG = 1009


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every connection shares."""

    service: Apis
    authenticator: Authenticator
    hub: Hub
    clock: Clock
    limits: AppSyncLimits
    pacer: Pacer


class WebsocketConnection:
    def __init__(
        self, around: Surroundings, id: str, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send
    ) -> None:
        self.id = id
        self._around = around
        self._scope = scope
        self._receive = receive
        self._send = send
        self._connection = protocol.Connection()
        self._tasks = Tasks(f"websocket {id}")
        self._timers: dict[TimerName, Timer] = {}
        self._preparing: dict[str, asyncio.Task[None]] = {}
        self._prepared: dict[str, PreparedSubscription] = {}
        self._attached: dict[str, Callable[[], None]] = {}
        self._farewell = Close(NORMAL, "")
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        limits = around.limits
        self._outbox = Outbox(limits.unsent_messages, limits.unsent_bytes, self._too_slow, asgi.text_writer(scope))
        self._api_id = ""

    async def run(self) -> None:
        """From the upgrade to the end. Returns when either side has closed."""
        handshake = await self._shake()
        if handshake is None:
            return
        event = await self._judged(handshake)
        reader = self._tasks.spawn(self._read(), "reader")
        writer = self._tasks.spawn(self._write(), "writer")
        try:
            self._happen(event)
            await asyncio.wait({reader, writer, self._closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                seconds = self._around.limits.close_seconds
                await asyncio.wait({reader, writer}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._happen(Lost())
            for timer in self._timers.values():
                timer.cancel()
            await self._tasks.aclose()

    def shut_down(self) -> None:
        """Say goodbye; `run` returns soon after."""
        self._happen(ShuttingDown())

    def apis_changed(self) -> None:
        """Say goodbye when the API of this connection is served no longer."""
        if self._api_id and self._around.service.api(self._api_id) is None:
            self._happen(ApiRemoved())

    async def _shake(self) -> Handshake[ApiDefinition] | None:
        """None when the client left before the upgrade was done."""
        if (await self._receive())["type"] != "websocket.connect":
            return None
        scope = self._scope
        location = locate(asgi.path(scope), asgi.host(scope))
        assert location is not None, "the gateway asks matches() first"
        handshake = shake(
            TERMS,
            self._around.service.apis(),
            location,
            scope["headers"],
            scope.get("query_string", b""),
            scope.get("subprotocols", ()),
        )
        try:
            await self._send({"type": "websocket.accept", "subprotocol": handshake.subprotocol, "headers": []})
        except OSError:
            return None
        return handshake

    async def _judged(self, handshake: Handshake[ApiDefinition]) -> Opened | Rejected:
        """The protocol's first event: a candidate's credentials are asked about."""
        candidate = handshake.outcome
        if not isinstance(candidate, Candidate):
            return candidate
        self._api_id = candidate.api.api_id
        approach = of_upgrade(self._scope, candidate.credentials, self.id)
        verdict: Authorized | Refusal
        try:
            verdict = await self._around.authenticator.authenticate(candidate.api, approach)
        except Exception:
            _log.exception("the credentials of websocket %s could not be judged", self.id)
            verdict = NOT_AUTHORIZED
        return opening(verdict)

    async def _read(self) -> None:
        maximum = self._around.limits.request_bytes
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            content: str | bytes = message.get("text") or message.get("bytes") or ""
            if self._closing.done():
                continue
            if len(content) > maximum:
                self._close(Close(_MESSAGE_TOO_BIG, f"message larger than {maximum} bytes"))
                continue
            if self._around.pacer.crowded():  # thousands of frames may come at once
                await self._around.pacer.turn()
            self._happen(Received(content))

    async def _write(self) -> None:
        outbox, send = self._outbox, self._send
        try:
            while await outbox.wait():
                while (text := outbox.take()) is not None:
                    await send({"type": "websocket.send", "text": text})
            farewell = self._farewell
            await send({"type": "websocket.close", "code": farewell.code, "reason": farewell.reason})
        except OSError:
            # ASGI's way to say that the client is gone; the reader hears of it too.
            return

    def _happen(self, event: protocol.Event) -> None:
        around = self._around
        self._connection, effects = protocol.handle(self._connection, event, around.clock.now(), around.limits)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: protocol.Effect) -> None:
        match effect:
            case Send(text):
                self._outbox.put(text)
            case protocol.Subscribe(id, operation):
                self._preparing[id] = self._tasks.spawn(self._subscribe(id, operation), f"start {id}")
            case protocol.Attach(id):
                self._attach(id)
            case protocol.Release(id):
                self._release(id)
            case Arm(name, at):
                self._arm(name, at)
            case Close():
                self._close(effect)

    def _arm(self, name: TimerName, at: float) -> None:
        key = f"websocket {self.id} {name.name}"
        self._timers[name] = self._around.clock.timer(at, lambda: self._happen(Due(name)), key)

    def _close(self, farewell: Close) -> None:
        if not self._closing.done():
            self._farewell = farewell
            self._closing.set_result(None)
            self._outbox.finish()

    def _too_slow(self) -> None:
        reason = "subscriber reads too slowly"
        _log.warning("websocket %s of API %s is closed: %s", self.id, self._api_id, reason)
        self._close(Close(POLICY_VIOLATION, reason))

    def _attach(self, id: str) -> None:
        opening, put = frames.data_opening(id), self._outbox.put
        prepared = self._prepared.pop(id)
        self._attached[id] = self._around.hub.attach(
            self._api_id,
            prepared,
            lambda payload: put(opening, payload, "}"),
            lambda: self._happen(protocol.Ended(id)),
        )

    def _release(self, id: str) -> None:
        self._prepared.pop(id, None)
        if (detach := self._attached.pop(id, None)) is not None:
            detach()
        if (task := self._preparing.pop(id, None)) is not None and task is not asyncio.current_task():
            task.cancel()

    async def _subscribe(self, id: str, operation: frames.Operation) -> None:
        answer: protocol.Established | protocol.Refused
        try:
            async with Deadline(self._around.clock, self._around.limits.request_seconds, f"start {self.id} {id}"):
                self._prepared[id] = await self._prepare(operation)
            answer = protocol.Established(id)
        except SubscriptionRefused as refused:
            answer = protocol.Refused(id, refused.errors)
        except CallerError as error:
            answer = protocol.Refused(id, (_entry(error.code, error.message),))
        except TimeoutError:
            answer = protocol.Refused(id, (_entry("ExecutionTimeout", "Request timed out."),))
        except Exception:
            _log.exception("start %s of websocket %s failed", id, self.id)
            answer = protocol.Refused(id, (_entry("InternalFailure", "Internal failure."),))
        self._preparing.pop(id, None)
        self._happen(answer)

    async def _prepare(self, operation: frames.Operation) -> PreparedSubscription:
        service = self._around.service
        api = service.api(self._api_id)
        if api is None:
            raise SubscriptionRefused((_entry("NotFoundException", f"GraphQL API {self._api_id} not found."),))
        verdict = await self._around.authenticator.authenticate(api, of_start(self._scope, operation, self.id))
        if isinstance(verdict, Refusal):
            message = "Valid authorization header not provided." if verdict is MISSING else verdict.message
            raise SubscriptionRefused((_entry("UnauthorizedException", message),))
        return await service.subscribe(
            api.api_id,
            GraphqlRequest(
                query=operation.body.query,
                operation_name=operation.body.operation_name,
                variables=operation.body.variables,
                headers={**resolver_headers(self._scope["headers"]), **operation.authorization},
                auth_mode=verdict.mode,
                identity=verdict.identity,
                denied_fields=verdict.denied_fields,
            ),
        )


def _entry(error_type: str, message: str) -> ErrorEntry:
    return {"errorType": error_type, "message": message}

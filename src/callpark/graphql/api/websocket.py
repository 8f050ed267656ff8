"""One real-time websocket: messages in, the protocol's effects out.

Made by `web.py` for each websocket scope. Decisions are `realtime.protocol`'s; this carries them out, with a task for
each `start` that is being prepared.
"""

import asyncio
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from callpark.graphql.api.door import of_start, of_upgrade
from callpark.graphql.api.handshake import TERMS, Candidate, Handshake, opening, shake
from callpark.graphql.api.location import locate
from callpark.graphql.api.ports import Apis
from callpark.graphql.api.resolver_headers import resolver_headers
from callpark.graphql.api.socket import bounds
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.auth.verdict import MISSING, Refusal
from callpark.graphql.messages import ErrorEntry, GraphqlRequest
from callpark.graphql.model import ApiDefinition
from callpark.graphql.pacing import Pacer
from callpark.graphql.realtime import frames, protocol
from callpark.graphql.realtime.hub import Hub
from callpark.graphql.realtime.lifecycle import (
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
)
from callpark.graphql.subscriptions import PreparedSubscription, SubscriptionRefused
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.served_websocket import ServedWebsocket
from callpark.kernel.websocket import POLICY_VIOLATION

_log = logging.getLogger("callpark")


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
        self._socket = ServedWebsocket(
            f"websocket {id}",
            scope,
            receive,
            send,
            around.clock,
            bounds(around.limits),
            self._received,
            self._too_slow,
            around.pacer,
        )
        self._connection = protocol.Connection()
        self._preparing: dict[str, asyncio.Task[None]] = {}
        self._prepared: dict[str, PreparedSubscription] = {}
        self._attached: dict[str, Callable[[], None]] = {}
        self._api_id = ""

    async def run(self) -> None:
        """From the upgrade to the end. Returns when either side has closed."""
        handshake = await self._shake()
        if handshake is None or not await self._socket.accept(handshake.subprotocol):
            return
        event = await self._judged(handshake)
        await self._socket.run(lambda: self._happen(event), lambda: self._happen(Lost()))

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
        query, subprotocols = scope.get("query_string", b""), scope.get("subprotocols", ())
        return shake(TERMS, self._around.service.apis(), location, scope["headers"], query, subprotocols)

    async def _judged(self, handshake: Handshake[ApiDefinition]) -> Opened | Rejected:
        """The protocol's first event: a candidate's credentials are asked about."""
        candidate = handshake.outcome
        if not isinstance(candidate, Candidate):
            return candidate
        self._api_id = candidate.api.api_id
        approach = of_upgrade(self._scope, candidate.credentials, self.id)
        try:
            return opening(await self._around.authenticator.authenticate(candidate.api, approach))
        except Exception:
            _log.exception("the credentials of websocket %s could not be judged", self.id)
            return Rejected("Internal failure.", 500, "InternalFailure")

    def _received(self, message: str | bytes) -> None:
        self._happen(Received(message))

    def _happen(self, event: protocol.Event) -> None:
        around = self._around
        self._connection, effects = protocol.handle(self._connection, event, around.clock.now(), around.limits)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: protocol.Effect) -> None:
        match effect:
            case Send(text):
                self._socket.put(text.encode())
            case protocol.Subscribe(id, operation):
                self._preparing[id] = self._socket.tasks.spawn(self._subscribe(id, operation), f"start {id}")
            case protocol.Attach(id):
                self._attach(id)
            case protocol.Release(id):
                self._release(id)
            case Arm(name, at):
                self._socket.arm(name, at, lambda: self._happen(Due(name)))
            case Close(code, reason):
                self._socket.close(code, reason)

    def _too_slow(self) -> None:
        reason = "subscriber reads too slowly"
        _log.warning("websocket %s of API %s is closed: %s", self.id, self._api_id, reason)
        self._socket.close(POLICY_VIOLATION, reason)

    def _attach(self, id: str) -> None:
        prepared = self._prepared.pop(id)
        self._attached[id] = self._around.hub.attach(
            self._api_id,
            prepared,
            functools.partial(self._socket.put, frames.data_opening(id)),
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

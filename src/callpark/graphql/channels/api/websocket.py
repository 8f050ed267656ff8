"""One websocket of an Event API: messages in, the protocol's effects out.

Made by `web.py` for each websocket scope. Decisions are `channels.protocol`'s; this carries them out, with a task for
each subscription that is being judged and each publication under way.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from callpark.graphql.api.handshake import Candidate, Handshake, shake
from callpark.graphql.api.resolver_headers import resolver_headers
from callpark.graphql.api.socket import bounds
from callpark.graphql.auth.approach import Approach
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.auth.verdict import Authorized
from callpark.graphql.channels import frames, protocol
from callpark.graphql.channels.api.door import admit, of_frame, of_upgrade, to_connect, to_publish, to_subscribe
from callpark.graphql.channels.api.handshake import TERMS
from callpark.graphql.channels.api.location import locate
from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.happenings import (
    ChannelUnsubscribed,
    ConnectionEnded,
    ConnectionJudged,
    MessageServed,
    SubscriptionDenied,
)
from callpark.graphql.channels.messages import Asker, ChannelRefused
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.channels.service import EventApis
from callpark.graphql.pacing import Pacer
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
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.served_websocket import ServedWebsocket
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace
from callpark.kernel.websocket import POLICY_VIOLATION

_log = logging.getLogger("callpark")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every connection shares. `publishing` outlives a connection: what was begun is carried out."""

    service: EventApis
    authenticator: Authenticator
    clock: Clock
    ids: Ids
    trace: Trace
    limits: AppSyncLimits
    pacer: Pacer
    publishing: Tasks


class ChannelConnection:
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
        self._judging: dict[str, asyncio.Task[None]] = {}
        self._admitted: dict[str, Channel] = {}
        self._attached: dict[str, tuple[Channel, Callable[[], None]]] = {}
        self._in_order = asyncio.Lock()
        self._api_id = ""

    async def run(self) -> None:
        """From the upgrade to the end. Returns when either side has closed."""
        handshake = await self._shake()
        if handshake is None or not await self._socket.accept(handshake.subprotocol):
            return
        event = await self._judged(handshake)
        began = self._around.clock.now()
        await self._socket.run(lambda: self._happen(event), lambda: self._happen(Lost()))
        if isinstance(event, Opened):
            self._around.trace.emit(ConnectionEnded(self._api_id, self._around.clock.now() - began))

    def shut_down(self) -> None:
        """Say goodbye; `run` returns soon after."""
        self._happen(ShuttingDown())

    def api_removed(self, api_id: str) -> None:
        """Say goodbye when it is this connection's API."""
        if api_id == self._api_id:
            self._happen(ApiRemoved())

    async def _shake(self) -> Handshake[EventApiDefinition] | None:
        """None when the client left before the upgrade was done."""
        if (await self._receive())["type"] != "websocket.connect":
            return None
        scope = self._scope
        location = locate(asgi.path(scope), asgi.host(scope))
        assert location is not None, "the gateway asks matches() first"
        query, subprotocols = scope.get("query_string", b""), scope.get("subprotocols", ())
        return shake(TERMS, self._around.service.apis(), location, scope["headers"], query, subprotocols)

    async def _judged(self, handshake: Handshake[EventApiDefinition]) -> Opened | Rejected:
        """The protocol's first event: a candidate's credentials are asked about."""
        candidate = handshake.outcome
        if not isinstance(candidate, Candidate):
            return candidate
        self._api_id = candidate.api.api_id
        approach = of_upgrade(self._scope, candidate.credentials, self.id)
        event: Opened | Rejected = Opened()
        try:
            await admit(self._around.authenticator, to_connect(candidate.api), approach)
        except ChannelRefused as refused:
            event = Rejected(refused.message, 401, refused.error_type)
        except Exception:
            _log.exception("the credentials of websocket %s could not be judged", self.id)
            event = Rejected("Internal failure.", 500, "InternalFailure")
        self._around.trace.emit(ConnectionJudged(self._api_id, 200 if isinstance(event, Opened) else event.code))
        return event

    def _received(self, message: str | bytes) -> None:
        self._happen(Received(message))

    def _too_slow(self) -> None:
        reason = "subscriber reads too slowly"
        _log.warning("websocket %s of Event API %s is closed: %s", self.id, self._api_id, reason)
        self._socket.close(POLICY_VIOLATION, reason)

    def _happen(self, event: protocol.Event) -> None:
        around = self._around
        self._connection, effects = protocol.handle(self._connection, event, around.clock.now(), around.limits)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: protocol.Effect) -> None:
        match effect:
            case Send(text):
                self._socket.put(text.encode())
            case protocol.Subscribe(frame):
                self._judging[frame.id] = self._socket.tasks.spawn(self._subscribe(frame), f"subscribe {frame.id}")
            case protocol.Publish(frame):
                self._around.publishing.spawn(self._publish(frame), f"publish {self.id} {frame.id}")
            case protocol.Attach(id):
                self._attach(id)
            case protocol.Release(id):
                self._release(id)
            case Arm(name, at):
                self._socket.arm(name, at, lambda: self._happen(Due(name)))
            case Close(code, reason):
                self._socket.close(code, reason)

    def _attach(self, id: str) -> None:
        opening, put = frames.data_opening(id), self._socket.put

        def deliver(ending: bytes | None) -> None:
            if ending is None:
                put(frames.broadcast_error(id, "The event is too large to be delivered.").encode())
            else:
                put(opening, ending)

        channel = self._admitted.pop(id)
        self._attached[id] = channel, self._around.service.hub.attach(self._api_id, channel, deliver)

    def _release(self, id: str) -> None:
        channel = self._admitted.pop(id, None)
        if (attached := self._attached.pop(id, None)) is not None:
            channel, detach = attached
            detach()
        if channel is not None:
            self._around.trace.emit(ChannelUnsubscribed(self._api_id, channel.path))
        if (task := self._judging.pop(id, None)) is not None and task is not asyncio.current_task():
            task.cancel()

    async def _subscribe(self, frame: frames.Subscribe) -> None:
        async def judge() -> None:
            api = self._api()
            approach = self._approach(frame.authorization, frame.signed, "EVENT_SUBSCRIBE", frame.channel)
            authorized = await admit(self._around.authenticator, to_subscribe(api, frame.channel), approach)
            await self._around.service.subscribe(api.api_id, frame.channel, self._asker(authorized, approach))
            self._admitted[frame.id] = frame.channel

        refused = await self._refusal_of(judge(), f"subscribe {frame.id}")
        self._judging.pop(frame.id, None)
        if refused is None:
            self._happen(protocol.Established(frame.id))
        else:
            self._around.trace.emit(SubscriptionDenied(self._api_id, frame.channel.path, refused.status))
            self._happen(protocol.SubscriptionRefused(frame.id, refused.entries))

    async def _publish(self, frame: frames.Publish) -> None:
        async def carry_out() -> None:
            api = self._api()
            approach = self._approach(frame.authorization, frame.signed, "EVENT_PUBLISH", frame.asked.channel)
            async with self._in_order:  # of what one client sends, in the order in which it was sent
                authorized = await admit(self._around.authenticator, to_publish(api, frame.asked.channel), approach)
                place = self._around.service.take_place(api.api_id, frame.asked)
            done = await self._around.service.publish(place, self._asker(authorized, approach))
            self._happen(protocol.PublicationDone(frame.id, done.members()))

        refused = await self._refusal_of(carry_out(), f"publish {frame.id}")
        status = 200 if refused is None else refused.status
        self._around.trace.emit(MessageServed(self._api_id, frame.asked.channel.path, status))
        if refused is not None:
            self._happen(protocol.PublicationRefused(frame.id, refused.entries))

    async def _refusal_of(self, work: Coroutine[object, object, None], name: str) -> ChannelRefused | None:
        """None when it went well."""
        try:
            await work
        except ChannelRefused as refused:
            return refused
        except Exception:
            _log.exception("%s of websocket %s failed", name, self.id)
            return ChannelRefused("InternalFailure", "Internal failure.", 500)
        return None

    def _api(self) -> EventApiDefinition:
        api = self._around.service.api(self._api_id)
        if api is None:
            raise ChannelRefused("NotFoundException", f"Event API {self._api_id} not found.", 404)
        return api

    def _approach(self, credentials: Credentials, signed: bytes, operation: str, channel: Channel) -> Approach:
        return of_frame(self._scope, credentials, self._around.ids.uuid(), signed, operation, channel)

    def _asker(self, authorized: Authorized, approach: Approach) -> Asker:
        headers = {**resolver_headers(self._scope["headers"]), **approach.credentials}
        return Asker(approach.request_id, authorized.mode, authorized.identity, headers)

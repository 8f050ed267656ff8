"""Operations, wherever their owner is: done here when this node holds what they are about, else by the node that does.

`spread` wraps the gateway's table of operations; `Receiver` is the mount at which other nodes' calls arrive. A call
waits while its thing changes hands, up to `cluster.owner_seconds`, and is refused with 503 and Retry-After then: never
done twice at once, never acknowledged without having been done.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

import msgspec

from callpark.cluster import placement, wire
from callpark.cluster.members import Key, Member
from callpark.cluster.node import Node
from callpark.cluster.peers import Misdirected, Peers, Unreached, unavailable
from callpark.cluster.placement import Contact, Placed, Queue, Rule
from callpark.cluster.wire import CALL_PATH, MISDIRECTED, SECRET_HEADER, Answered, Asked, Event
from callpark.kernel.arn import Place
from callpark.kernel.asgi import ClientGone, Receive, Scope, Send, header, path, read_body, respond
from callpark.kernel.clock import sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Answer, Call, Operation, OperationTable
from callpark.store.ports import StoreFailure

Answering = Mapping[str, object] | Answer

_decode = msgspec.msgpack.Decoder(Asked).decode


class Whereabouts(Protocol):
    """What the slices know of where their things are."""

    def family(self, queue: str) -> str:
        """The queue with which a queue belongs."""
        ...

    async def contact(self, contact_id: str) -> str | None:
        """The life of a node that holds an open contact; None when it is here, or no contact at all. Raises
        StoreFailure."""
        ...


class Forwarder:
    """`participant` finds the contact of the participant service's requests, `renew` takes note of what other nodes
    have made of a service's things."""

    def __init__(
        self,
        node: Node,
        peers: Peers,
        where: Whereabouts,
        participant: Rule,
        renew: Callable[[str], Awaitable[None]],
    ) -> None:
        self._node = node
        self._peers = peers
        self._where = where
        self._participant = participant
        self._renew = renew

    def spread(self, table: OperationTable) -> OperationTable:
        """The same operations, each done by its owner."""
        return {name: self._spread(*name, operation) for name, operation in table.items()}

    def rule(self, service: str, operation: str) -> Rule | None:
        return placement.rule(service, operation, self._participant)

    def _spread(self, service: str, operation: str, done: Operation) -> Operation:
        rule = self.rule(service, operation)
        if rule is not None:
            return partial(self._done, rule, done)
        return partial(self._invoked, done) if service == "lambda" else done

    def _invoked(self, done: Operation, call: Call) -> Awaitable[Answering]:
        """Not a coroutine itself: an Event is acknowledged by the future of its commit."""
        try:
            answer = done(call)
        except CallerError as error:
            if not is_missing(error):
                raise
            return self._again(done, call)
        return answer if isinstance(answer, asyncio.Future) else self._known(answer, done, call)

    async def _known(self, answer: Awaitable[Answering], done: Operation, call: Call) -> Answering:
        try:
            return await answer
        except CallerError as error:
            if not is_missing(error):
                raise
        return await self._again(done, call)

    async def _again(self, done: Operation, call: Call) -> Answering:
        """What is not known here may have been made elsewhere a moment ago. Raises CallerError."""
        await self._renew(call.service)
        return await done(call)

    async def _done(self, rule: Rule, done: Operation, call: Call) -> Answering:
        placed = rule(call.parameters)
        if placed is None:
            return await done(call)
        if await self.is_here(placed):
            try:
                return await done(call)
            except CallerError as error:
                if not is_missing(error):
                    raise
            await self._renew(call.service)
        return await self.elsewhere(placed, done, call)

    async def renewing(self, done: Operation, call: Call) -> Answering:
        """Done here, whatever it is about. Raises CallerError."""
        try:
            return await done(call)
        except CallerError as error:
            if not is_missing(error):
                raise
        return await self._again(done, call)

    async def elsewhere(self, placed: Key | Queue | Contact, done: Operation, call: Call) -> Answering:
        """By its owner, as soon as there is one. Raises CallerError."""
        node, until = self._node, self._node.clock.now() + self._node.limits.owner_seconds
        key, reason = self._key(placed), "nobody holds it"
        while True:
            if await self.is_here(placed):
                return await done(call)
            peer = await self.holder(placed)
            if peer is not None and peer.id != node.me.id:
                try:
                    return await self._ask(peer, call, key)
                except Misdirected:
                    reason = f"node {peer.name} does not hold it"
                except Unreached as error:
                    reason = str(error)
            if node.clock.now() >= until:
                text = f"{call.operation}: {reason}; the cluster is changing or has lost nodes, try again"
                raise unavailable(text, node.limits)
            await _either(node.changed(), sleep(node.clock, 0.1, "an owner"))

    async def is_here(self, placed: Placed) -> bool:
        """Whether this node may do now what is about this. Raises CallerError when the store does not answer."""
        if isinstance(placed, Contact):
            return await self._contact(placed) is None
        key = self._key(placed)
        return key is None or self._node.holds(key)

    async def holder(self, placed: Placed) -> Member | None:
        """Who does it, as far as is known: this node, another one, or nobody now."""
        if isinstance(placed, Contact):
            life = await self._contact(placed)
            return self._node.me if life is None else self._node.member(life)
        key = self._key(placed)
        return self._node.me if key is None else self._node.owner(key)

    def _key(self, placed: Placed) -> Key | None:
        if isinstance(placed, Queue):
            return placement.queue_key(self._where.family(placed.name))
        return None if isinstance(placed, Contact) else placed

    async def _contact(self, contact: Contact) -> str | None:
        try:
            return await self._where.contact(contact.id)
        except StoreFailure as failure:
            raise unavailable(str(failure), self._node.limits) from failure

    async def _ask(self, peer: Member, call: Call, key: Key | None) -> Answering:
        asked = Asked(call.service, call.operation, dict(call.parameters), call.request_id, dict(call.headers), key)
        asking = asyncio.ensure_future(self._peers.call(peer, self._node.secret, asked))
        leaving = [asyncio.ensure_future(self._left(peer))]
        if call.client_gone is not None:
            leaving.append(asyncio.ensure_future(call.client_gone()))
        try:
            await asyncio.wait((asking, *leaving), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            if leaving[0].done():
                why = f"node {peer.name} is gone, whether it has done what was asked is not known"
                raise unavailable(why, self._node.limits)
            raise ClientGone
        finally:
            for each in (asking, *leaving):
                each.cancel()

    async def _left(self, peer: Member) -> None:
        """Until a node is no member any more: it may be stopped, and never answer."""
        while self._node.member(peer.id) is not None:
            await self._node.changed()


class Receiver:
    """Calls of other nodes. `operations` are this node's own, not spread."""

    def __init__(self, node: Node, forwarder: Forwarder, operations: OperationTable, place: Place, limit: int) -> None:
        self._node = node
        self._forwarder = forwarder
        self._operations = operations
        self._place = place
        self._limit = limit

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == CALL_PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_peer(scope, self._node.secret):
            return await respond(send, 403, b"")
        try:
            body = await read_body(receive, None, 2 * self._limit)
        except ClientGone:
            return None
        try:
            asked = _decode(body[4:])
        except msgspec.MsgspecError as error:
            why = f"node {self._node.me.name}, of another version, does not understand the call: {error}"
            return await respond(
                send, 200, wire.frame(Answered(None, wire.refused(unavailable(why, self._node.limits))))
            )
        if not await self._is_here(asked):
            return await respond(send, MISDIRECTED, b"")
        answered, stream = await self._answer(asked, partial(_gone, receive))
        if stream is None:
            return await respond(send, 200, wire.frame(answered))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": wire.frame(answered), "more_body": True})
        async for name, members in stream:
            piece = wire.frame(Event(name, dict(members)))
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": wire.END})
        return None

    async def _is_here(self, asked: Asked) -> bool:
        """What is on its way here is waited for, a little."""
        rule = self._forwarder.rule(asked.service, asked.operation)
        placed = asked.key if rule is None else rule(asked.parameters)
        if placed is None:
            return True
        node = self._node
        until = node.clock.now() + node.limits.beat_seconds
        while not await self._forwarder.is_here(placed):
            if node.clock.now() >= until:
                return False
            await _either(node.changed(), sleep(node.clock, 0.05, "a thing that comes"))
        return True

    async def _answer(
        self, asked: Asked, gone: Callable[[], Awaitable[None]]
    ) -> tuple[Answered, AsyncIterator[tuple[str, Mapping[str, object]]] | None]:
        operation = self._operations.get((asked.service, asked.operation))
        if operation is None:
            why = f"this node's version does not know {asked.operation}"
            return Answered(None, wire.refused(unavailable(why, self._node.limits))), None
        call = Call(
            asked.service, asked.operation, asked.parameters, asked.request_id, self._place, asked.headers, gone
        )
        try:
            answer = await self._forwarder.renewing(operation, call)
        except CallerError as error:
            return Answered(None, wire.refused(error)), None
        except StoreFailure as failure:
            return Answered(None, wire.refused(unavailable(str(failure), self._node.limits))), None
        if not isinstance(answer, Answer):
            return Answered(dict(answer)), None
        streams = answer.stream is not None
        return Answered(dict(answer.members), None, answer.request_id, dict(answer.headers), streams), answer.stream


_MISSING = frozenset({"QueueDoesNotExist", "ResourceNotFoundException", "NotFoundException"})


def is_missing(error: CallerError) -> bool:
    """Whether something is not known here, which another node may have made a moment ago."""
    return error.code in _MISSING


def is_peer(scope: Scope, secret: str) -> bool:
    """Whether a request comes from another node."""
    shown = header(scope, SECRET_HEADER.encode()) or b""
    return bool(secret) and hmac.compare_digest(shown, secret.encode())


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _either(*awaited: Awaitable[None]) -> None:
    futures = [asyncio.ensure_future(each) for each in awaited]
    try:
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            future.cancel()

"""The application as one node of several: what each slice is told of the cluster, and what goes between nodes.

Made by `app.py` when there is a node. `members.py` says who owns what; here stand the slices' halves of it: which
queues, functions and contacts are held, how publications reach subscribers elsewhere, where log lines go.
"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

import msgspec
import orjson

from callpark.cluster import placement
from callpark.cluster.forwarding import Forwarder, Receiver
from callpark.cluster.news import News
from callpark.cluster.node import Node
from callpark.cluster.peers import Peers
from callpark.cluster.placement import CONTROL, LOGS, Contact, Placed, contact_key, function_key, queue_key
from callpark.cluster.relaying import Mount, Relayed
from callpark.flows.api.attachment_web import PATH as FILES
from callpark.flows.chat.tokens import contact_named
from callpark.flows.service import Flows
from callpark.functions.environments.ports import Outcome, ResponseStream
from callpark.functions.model import Invocation, InvocationResult
from callpark.functions.service import Functions
from callpark.functions.sources.ports import MessageSource, SourceMessage, SourceQueue
from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.service import EventApis
from callpark.graphql.messages import Invalidation, Publication
from callpark.graphql.realtime.hub import Hub
from callpark.graphql.service import GraphqlService
from callpark.kernel.arn import Place
from callpark.kernel.asgi import Receive, Scope, Send, path, respond
from callpark.kernel.clock import sleep
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.logs.service import Logs
from callpark.queues.service import Queues
from callpark.store.ports import Store, StoreFailure

_log = logging.getLogger("callpark")

_PUBLICATIONS: Final = "cluster-publications"
_LINES: Final = "cluster-log-lines"
_LINES_SECONDS, _LINES_BYTES = 0.25, 262_144

STATUS_PATH: Final = "/_callpark/cluster"


class Clustered:
    """Order of life: made, asked by the services that are made with it, `bind`, then `Node`'s order of life."""

    def __init__(self, node: Node, store: Store, place: Place) -> None:
        self.node = node
        self.peers = Peers(node.limits)
        self._store = store
        self._place = place
        self._queues: Queues | None = None
        self._flows: Flows | None = None
        self._operations: OperationTable = {}
        self.news = News(node, store, {})
        self.forwarder = Forwarder(node, self.peers, self, _participant, lambda service: self.news.renew(service))

    # For the services' constructors

    def holds_family(self, family: str) -> bool:
        return self.node.holds(queue_key(family))

    def tidies(self) -> bool:
        return self.node.holds(CONTROL)

    # `functions.custody.Custody`

    def nodes(self) -> int:
        return max(1, len(self.node.view.members))

    def holds(self, function: str) -> bool:
        return self.node.holds(function_key(function))

    def has_queue(self, queue_arn: str) -> bool:
        assert self._queues is not None
        return self._queues.is_here(queue_arn.rpartition(":")[2])

    async def invoke(self, function: str, invocation: Invocation) -> InvocationResult:
        answer = await self._invoke("Invoke", function, invocation)
        members = answer.members
        payload, tail = members.get("Payload"), members.get("LogResult")
        error = members.get("FunctionError")
        return InvocationResult(
            request_id=invocation.request_id or answer.request_id or "",
            payload=payload if isinstance(payload, bytes) else b"",
            executed_version=str(members.get("ExecutedVersion", "")),
            function_error=None if error is None else str(error),
            log_tail=base64.b64decode(tail) if isinstance(tail, str) else b"",
        )

    async def stream(self, function: str, invocation: Invocation) -> tuple[str, ResponseStream]:
        answer = await self._invoke("InvokeWithResponseStream", function, invocation)
        assert answer.stream is not None
        chunks = _Chunks(answer.stream)
        kind = str(answer.members.get("ResponseStreamContentType", "application/octet-stream"))
        return str(answer.members.get("ExecutedVersion", "")), ResponseStream(kind, chunks, chunks.ended)

    async def delete(self, queue_arn: str, receipt_handles: Sequence[str]) -> None:
        """Messages of a queue that another node holds. Raises CallerError."""
        assert self._queues is not None
        queue = self._queues.queue(queue_arn)
        for start in range(0, len(receipt_handles), 10):
            entries = [{"Id": str(n), "ReceiptHandle": each} for n, each in enumerate(receipt_handles[start:][:10])]
            parameters = {"QueueUrl": self._queues.url(queue), "Entries": entries}
            call = Call("sqs", "DeleteMessageBatch", parameters, self.node.new_request_id(), self._place)
            done = self._operations["sqs", "DeleteMessageBatch"]
            await self.forwarder.elsewhere(placement.Queue(queue.name), done, call)

    async def _invoke(self, operation: str, function: str, invocation: Invocation) -> Answer:
        parameters: dict[str, object] = {"FunctionName": function, "Payload": invocation.payload}
        if invocation.qualifier is not None:
            parameters["Qualifier"] = invocation.qualifier
        elif (qualifier := _qualifier(invocation.function)) is not None:
            parameters["Qualifier"] = qualifier
        if invocation.client_context is not None:
            parameters["ClientContext"] = base64.b64encode(invocation.client_context.encode()).decode()
        if invocation.log_tail:
            parameters["LogType"] = "Tail"
        headers = {} if invocation.trace_header is None else {"x-amzn-trace-id": invocation.trace_header}
        request_id = invocation.request_id or self.node.new_request_id()
        call = Call("lambda", operation, parameters, request_id, self._place, headers)
        answer = await self.forwarder.elsewhere(function_key(function), self._operations["lambda", operation], call)
        return answer if isinstance(answer, Answer) else Answer(answer)

    # `cluster.forwarding.Whereabouts`

    def family(self, queue: str) -> str:
        assert self._queues is not None
        return self._queues.family(queue)

    async def contact(self, contact_id: str) -> str | None:
        return None if self._flows is None else await self._flows.whereabouts(contact_id)

    # What app.py wires

    def bind(
        self,
        *,
        queues: Queues,
        flows: Flows,
        functions: Functions,
        refresh: Mapping[str, Callable[[], Awaitable[None]]],
        operations: OperationTable,
    ) -> OperationTable:
        """The services that were made with this; the operations as the gateway shall have them."""
        self._queues, self._flows = queues, flows
        self.news = News(self.node, self._store, refresh, functions)
        self._operations = self.news.telling(operations)
        return self.forwarder.spread(self._operations)

    def mounts(self, body_bytes: int) -> list[Mount]:
        receiver = Receiver(self.node, self.forwarder, self._operations, self._place, body_bytes)
        return [receiver, StatusPage(self.node)]

    def relayed(self, mount: Mount, place: Callable[[Scope], Placed]) -> Mount:
        return Relayed(mount, place, self.node, self.forwarder, self.peers)


class ContactsOfNode:
    """`flows.custody.Custody`."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def life(self) -> str:
        return self._node.me.id

    def gone(self, life: str) -> bool:
        return self._node.gone(life)

    def holds(self, contact_id: str) -> bool:
        return self._node.holds(contact_key(contact_id))


class SourceOfNode:
    """`functions.sources.ports.MessageSource`: messages whose queue has changed hands meanwhile are deleted where it
    is."""

    def __init__(self, here: MessageSource, clustered: Clustered) -> None:
        self._here = here
        self._clustered = clustered

    def queue(self, queue_arn: str) -> SourceQueue | None:
        return self._here.queue(queue_arn)

    async def receive(self, queue_arn: str, limit: int) -> Sequence[SourceMessage]:
        return await self._here.receive(queue_arn, limit)

    async def delete(self, queue_arn: str, receipt_handles: Sequence[str]) -> None:
        if self._clustered.has_queue(queue_arn):
            await self._here.delete(queue_arn, receipt_handles)
        else:
            await self._clustered.delete(queue_arn, receipt_handles)

    def watch(self, queue_arn: str, callback: Callable[[], None]) -> Callable[[], None]:
        return self._here.watch(queue_arn, callback)


class Publications:
    """What subscribers of other nodes get to hear: each node tells the others once, they tell their own subscribers. A
    maker's publications come in order."""

    def __init__(self, node: Node, store: Store, hub: Hub, graphql: GraphqlService, events: EventApis) -> None:
        self._node = node
        self._store = store
        self._hub = hub
        self._events = events
        graphql.on_publish(self.publish)
        graphql.on_invalidate(self.invalidate)
        events.on_broadcast(self.broadcast)
        self._end: Callable[[], None] | None = None

    def start(self) -> None:
        self._end = self._store.subscribe(_PUBLICATIONS, self._hear)

    def close(self) -> None:
        if self._end is not None:
            self._end()

    def publish(self, publication: Publication) -> None:
        self._hub.publish(publication)
        self._tell("publish", publication.api_id, publication.field_name, orjson.dumps(publication.value))

    def invalidate(self, invalidation: Invalidation) -> None:
        self._hub.invalidate(invalidation)
        self._tell("invalidate", invalidation.api_id, invalidation.field_name, orjson.dumps(invalidation.payload))

    def broadcast(self, api_id: str, channel: Channel, ending: bytes | None) -> None:
        self._tell("broadcast", api_id, "/".join(channel.segments), ending)

    def _tell(self, kind: str, api_id: str, name: str, value: bytes | None) -> None:
        self._store.publish(_PUBLICATIONS, msgspec.msgpack.encode((self._node.me.name, kind, api_id, name, value)))

    def _hear(self, message: bytes) -> None:
        origin, kind, api_id, name, value = _decode_publication(message)
        if origin == self._node.me.name:
            return
        match kind:
            case "publish":
                self._hub.publish(Publication(api_id, name, orjson.loads(value or b"null")))
            case "invalidate":
                self._hub.invalidate(Invalidation(api_id, name, orjson.loads(value or b"null")))
            case "broadcast":
                self._events.hub.broadcast(api_id, Channel(tuple(name.split("/"))), value)


_decode_publication = msgspec.msgpack.Decoder(tuple[str, str, str, str, bytes | None]).decode


class Lines:
    """`recorder.LogSink`: log lines go to the node that holds the logs, a quarter of a second's at once. Lines that are
    on their way when it dies are lost, as those are that it has not written yet."""

    def __init__(self, node: Node, store: Store, logs: Logs) -> None:
        self._node = node
        self._store = store
        self._logs = logs
        self._waiting: list[tuple[str, str, str, float, str]] = []
        self._bytes = 0
        self._timer: Timer | None = None
        self._end: Callable[[], None] | None = None

    def start(self) -> None:
        self._end = self._store.subscribe(_LINES, self._hear)

    def close(self) -> None:
        self._send()
        if self._end is not None:
            self._end()

    def append(self, group: str, stream: str, subject: str, at: float, message: str) -> None:
        if self._node.holds(LOGS):
            self._logs.append(group, stream, subject, at, message)
            return
        self._waiting.append((group, stream, subject, at, message))
        self._bytes += len(message) + 100
        if self._bytes >= _LINES_BYTES:
            self._send()
        elif self._timer is None:
            self._timer = self._node.clock.timer(self._node.clock.now() + _LINES_SECONDS, self._send, "log lines")

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._waiting, self._bytes = self._waiting, [], 0
        if lines:
            self._store.publish(_LINES, msgspec.msgpack.encode(lines))

    def _hear(self, message: bytes) -> None:
        if self._node.holds(LOGS):
            for group, stream, subject, at, text in _decode_lines(message):
                self._logs.append(group, stream, subject, at, text)


_decode_lines = msgspec.msgpack.Decoder(list[tuple[str, str, str, float, str]]).decode


class Slices:
    """`cluster.node.Tenant`: the slices stop and begin in an order in which none acts for what another has given up."""

    def __init__(self, node: Node, news: News, queues: Queues, functions: Functions, flows: Flows, logs: Logs) -> None:
        self._node = node
        self._flows = flows
        self._tasks = Tasks("contacts of nodes that died")
        self._news = news
        self._queues = queues
        self._functions = functions
        self._logs = logs
        self._has_logs = False

    async def let_go(self) -> None:
        await self._functions.let_go()
        await self._queues.let_go()
        if self._has_logs and not self._node.holds(LOGS):
            self._has_logs = False
            await self._logs.flush()

    async def take_up(self) -> None:
        await self._news.renew_all()
        await self._queues.take_up()
        await self._functions.take_up()
        if not self._has_logs and self._node.holds(LOGS):
            await self._logs.reload()
            self._has_logs = True
        await self._flows.take_up()
        # A node that died is certain to be dead a little later, for some of those that stay.
        self._tasks.spawn(self._take_up_later(), "later")

    async def close(self) -> None:
        await self._tasks.aclose()

    async def _take_up_later(self) -> None:
        await sleep(self._node.clock, self._node.limits.silence_seconds, "contacts of nodes that died")
        try:
            await self._flows.take_up()
        except StoreFailure as failure:
            _log.warning("contacts cannot be taken up now: %s", failure)


class StatusPage:
    """`GET /_callpark/cluster`: the members as this node sees them."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == STATUS_PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        node = self._node
        view, now = node.view, node.clock.now()
        heard = node.standing.heard
        control = node.owner(CONTROL)
        members = [
            {
                "name": each.name,
                "id": each.id,
                "url": each.url,
                "version": each.version,
                "state": "leaving" if each in view.leaving else "up",
                "control": control is not None and control.id == each.id,
                "heardSecondsAgo": 0.0 if each.id == node.me.id else _ago(now, heard.get(each.id)),
            }
            for each in (*view.members, *view.leaving)
        ]
        answer = {
            "node": node.me.name,
            "epoch": view.epoch,
            "settled": node.standing.settled == view.epoch,
            "fenced": node.fenced(),
            "members": members,
        }
        await respond(send, 200, orjson.dumps(answer), ((b"content-type", b"application/json"),), scope["method"])


def _ago(now: float, heard: object) -> float | None:
    at = getattr(heard, "at", None)
    return None if at is None else round(max(0.0, now - at), 3)


def _qualifier(function: str) -> str | None:
    """Of `name:qualifier` and of an ARN that has one."""
    parts = function.split(":")
    if parts[0] == "arn":
        return parts[7] if len(parts) > 7 else None
    return parts[1] if len(parts) == 2 else parts[3] if len(parts) == 4 else None


class _Chunks:
    """`functions.environments.ports.Chunks` of a stream that another node makes."""

    def __init__(self, events: AsyncIterator[tuple[str, Mapping[str, object]]]) -> None:
        self._events = events
        self.ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        async for name, members in self._events:
            if name == "PayloadChunk":
                payload = members.get("Payload")
                return payload if isinstance(payload, bytes) else b""
            self._finish(members)
        self._finish({"ErrorCode": "Runtime.Unknown", "ErrorDetails": "the node that ran it broke off"})
        raise StopAsyncIteration

    async def aclose(self) -> None:
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()
        self._finish({})

    def _finish(self, complete: Mapping[str, object]) -> None:
        if self.ended.done():
            return
        error, tail = complete.get("ErrorCode"), complete.get("LogResult")
        self.ended.set_result(
            Outcome(
                payload=str(complete.get("ErrorDetails", "")).encode(),
                function_error=None if error is None else str(error),
                log_tail=base64.b64decode(tail) if isinstance(tail, str) else b"",
            )
        )


def _participant(parameters: Mapping[str, object]) -> Placed:
    token = parameters.get("ConnectionToken") or parameters.get("ParticipantToken")
    found = contact_named(token) if isinstance(token, str) else None
    return None if found is None else Contact(found)


def chat_socket(scope: Scope) -> Placed:
    """The contact of a chat's web socket."""
    token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
    found = contact_named(token)
    return None if found is None else Contact(found)


def chat_file(scope: Scope) -> Placed:
    """The contact of a file's address, whose token names it."""
    found = contact_named(path(scope).removeprefix(FILES).partition("/")[0])
    return None if found is None else Contact(found)


def contact_page(scope: Scope) -> Placed:
    """The contact of a page about one."""
    parts = path(scope).strip("/").split("/")
    return Contact(parts[2]) if len(parts) > 2 else None


def logs_page(scope: Scope) -> Placed:
    return LOGS

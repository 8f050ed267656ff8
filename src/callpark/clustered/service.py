"""The application as one node of several: what each slice is told of the cluster.

Made by `app.py` when there is a node. `cluster/members.py` says who owns what; here are the slices' questions about it.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence

from callpark.cluster import placement
from callpark.cluster.forwarding import Forwarder, Receiver
from callpark.cluster.gathering import Gathering
from callpark.cluster.news import News
from callpark.cluster.node import Node
from callpark.cluster.peers import Peers
from callpark.cluster.placement import CONTROL, Contact, Placed, function_key, queue_key
from callpark.cluster.relaying import Mount, Relayed
from callpark.clustered.floor import SharedFloor
from callpark.clustered.shares import Shares
from callpark.clustered.status import Carried, StatusPage
from callpark.clustered.streams import RemoteChunks
from callpark.flows.chat.tokens import contact_named
from callpark.flows.service import Flows
from callpark.functions.environments.ports import ResponseStream
from callpark.functions.model import Invocation, InvocationResult
from callpark.functions.service import Functions
from callpark.kernel.arn import Place
from callpark.kernel.asgi import Scope
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.queues.service import Queues
from callpark.store.ports import Store


class Clustered:
    """Order of life: made, asked by the services that are made with it, `bind`, then `Node`'s order of life."""

    def __init__(self, node: Node, store: Store, place: Place) -> None:
        self.node = node
        self.peers = Peers(node.limits)
        self.gathering = Gathering(node, self.peers)
        self.shares = Shares(node, store)
        self._store = store
        self._place = place
        self._queues: Queues | None = None
        self._flows: Flows | None = None
        self._operations: OperationTable = {}
        self.news = News(node, store, {})
        self.forwarder = Forwarder(node, self.peers, self, _participant, lambda service: self.news.renew(service))
        self.floor = SharedFloor(node, self.peers, self.forwarder, place)

    # For the services' constructors

    def holds_family(self, family: str) -> bool:
        return self.node.holds(queue_key(family))

    def tidies(self) -> bool:
        return self.node.holds(CONTROL)

    # `functions.custody.Custody`

    def part(self, unreserved: int) -> int:
        return self.shares.part(unreserved)

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
        chunks = RemoteChunks(answer.stream)
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
        refresh: Mapping[str, Callable[[], Awaitable[None]]],
        operations: OperationTable,
    ) -> OperationTable:
        """The services that were made with this; the operations as the gateway shall have them."""
        self._queues, self._flows = queues, flows
        self.news = News(self.node, self._store, refresh)
        self._operations = self.news.telling(operations)
        return self.forwarder.spread(self._operations)

    def mounts(self, body_bytes: int, functions: Functions, subscriptions: Callable[[], int]) -> list[Mount]:
        """What nodes and operators ask of this one; after `bind`."""
        assert self._queues is not None
        assert self._flows is not None
        carried = Carried(self.node, functions, self._queues, self._flows, subscriptions)
        self.gathering.answer(carried.questions())
        operations = {**self._operations, **self.gathering.operations(), **self.floor.operations()}
        receiver = Receiver(self.node, self.forwarder, operations, self._place, body_bytes)
        return [receiver, StatusPage(self.node, self.gathering, carried, functions, self._store)]

    def relayed(self, mount: Mount, place: Callable[[Scope], Placed]) -> Mount:
        return Relayed(mount, place, self.node, self.forwarder, self.peers)


def _participant(parameters: Mapping[str, object]) -> Placed:
    token = parameters.get("ConnectionToken") or parameters.get("ParticipantToken")
    found = contact_named(token) if isinstance(token, str) else None
    return None if found is None else Contact(found)


def _qualifier(function: str) -> str | None:
    """Of `name:qualifier` and of an ARN that has one."""
    parts = function.split(":")
    if parts[0] == "arn":
        return parts[7] if len(parts) > 7 else None
    return parts[1] if len(parts) == 2 else parts[3] if len(parts) == 4 else None

"""One slice's face as another slice wants to see it. Made by `app.py`; nobody else needs these.

Slices do not know each other: each states what it needs of another as a small Protocol, and here the other is fitted
to it: functions to flows and to graphql, queues to functions, all operations to upstreams.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import cast

from callpark.flows.events import FunctionAnswer
from callpark.flows.logs import FUNCTION_FORBIDDEN
from callpark.functions.model import Invocation
from callpark.functions.permissions import Caller
from callpark.functions.service import Functions
from callpark.functions.sources.ports import SourceAttribute, SourceMessage, SourceQueue
from callpark.gateway.models import service_model
from callpark.gateway.protocols.json_shapes import CBOR_READERS, compile_reader
from callpark.gateway.protocols.refusals import not_implemented
from callpark.gateway.protocols.validation import Validate, compile_validator
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.kernel.arn import Place
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.projects.model import ForeignResource
from callpark.queues.api.shapes import system_attributes
from callpark.queues.digests import attributes_digest, body_digest
from callpark.queues.model import MessageAttribute, Received
from callpark.queues.service import Queues
from callpark.store.ports import Change
from callpark.upstreams.assignments import Emulator
from callpark.upstreams.calls import Upstreams
from callpark.upstreams.provisioning import Step, Wanted


class FunctionsForFlows:
    """`flows.ports.FunctionRunner`: run a function under the invocation id that the flow knows. `instance_arn` is that
    of the Connect instance in whose name it is invoked: resource policies are asked about it."""

    def __init__(self, functions: Functions, instance_arn: Callable[[], str]) -> None:
        self._functions = functions
        self._instance_arn = instance_arn

    def refusal(self, function_arn: str) -> str | None:
        if not self._functions.knows(function_arn):
            return f"Function not found: {function_arn}"
        caller = Caller("connect.amazonaws.com", self._instance_arn())
        if self._functions.policies.permits(function_arn, caller):
            return None
        return f"{FUNCTION_FORBIDDEN} (the function's resource policy does not let {caller.source_arn} invoke it)"

    async def run(self, function_arn: str, payload: bytes, request_id: str) -> FunctionAnswer:
        try:
            result = await self._functions.invoke(
                Invocation(function=function_arn, payload=payload, request_id=request_id)
            )
        except CallerError as error:
            return FunctionAnswer(b"", failed=True, message=str(error))
        return FunctionAnswer(
            result.payload, failed=result.function_error is not None, message=result.function_error or ""
        )


class FunctionsForGraphql:
    """`graphql.datasources.lambda_.FunctionInvoker`: RequestResponse and Event of a Lambda data source."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        """The request may be a mutation that a function waits for: nothing in it says so, so all count as nested."""
        result = await self._functions.invoke(Invocation(function=function_arn, payload=payload, nested=True))
        return FunctionReply(result.payload, failed=result.function_error is not None)

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        await self._functions.invoke_event(Invocation(function=function_arn, payload=payload))


#: Ours although not every operation is: what somebody else made of them would not be what runs here.
_CONVERSATIONS = frozenset({"appsync", "connect"})


class OwnOperations:
    """`upstreams.calls.OwnServices`: the gateway's operations, called without the wire."""

    def __init__(self, operations: OperationTable, ids: Ids, place: Place) -> None:
        self._operations = operations
        self.services = frozenset(service for service, _ in operations) | _CONVERSATIONS
        self._ids = ids
        self._place = place

    def serves(self, service: str) -> bool:
        return service in self.services

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        found = self._operations.get((service, operation))
        if found is None:
            raise not_implemented(service, operation)
        read, check = _checks(service, operation)
        parameters = read(parameters)
        check(parameters)
        answer = await found(Call(service, operation, parameters, self._ids.uuid(), self._place))
        return answer.members if isinstance(answer, Answer) else answer


#: As a boto3 client has them: blobs are bytes, and instants what they are.
_SCALARS = {**CBOR_READERS, "timestamp": lambda value: value}


@lru_cache(maxsize=256)
def _checks(service: str, operation: str) -> tuple[Callable[[object], Mapping[str, object]], Validate]:
    """What looks at types, which no wire has looked at, and what looks at values."""
    model = service_model(service).operation_model(operation)
    shape = model.input_shape
    read = compile_reader(shape, _SCALARS) if shape is not None else dict
    return cast(Callable[[object], Mapping[str, object]], read), compile_validator(model)


class UpstreamsForGraphql:
    """`graphql.datasources.port.Upstreams`: operations of any service, and where the user said a service is."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        return await self._upstreams.call(service, operation, parameters)

    def address(self, service: str) -> str | None:
        server = self._upstreams.server(service)
        return server.url if isinstance(server, Emulator) else None


def wanted(resource: ForeignResource) -> Wanted:
    """A project's resource as the upstreams create it."""
    steps = tuple(Step(call.service, call.operation, call.parameters, call.done) for call in resource.calls)
    return Wanted(resource.logical_id, resource.type, steps)


class QueuesForFunctions:
    """`functions.events.messages.MessageQueues`: dead letters and invocation records become messages."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def message(
        self, queue_arn: str, body: str, attributes: Mapping[str, tuple[str, str]], trace_header: str | None
    ) -> tuple[str, Sequence[Change]]:
        typed = {name: MessageAttribute(data_type, text) for name, (data_type, text) in attributes.items()}
        return self._queues.put_changes(queue_arn, body, typed, trace_header)


class QueuesAsSource:
    """`functions.sources.ports.MessageSource`: what event source mappings receive and delete."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def queue(self, queue_arn: str) -> SourceQueue | None:
        try:
            queue = self._queues.queue(queue_arn)
        except CallerError:
            return None
        return SourceQueue(queue.fifo, queue.settings.visibility)

    async def receive(self, queue_arn: str, limit: int) -> Sequence[SourceMessage]:
        received = await self._queues.receive(self._queues.queue(queue_arn), limit, wait=0)
        return [_source_message(one) for one in received]

    async def delete(self, queue_arn: str, receipt_handles: Sequence[str]) -> None:
        """A handle that is refused belongs to a message that somebody else has by now."""
        await self._queues.delete(self._queues.queue(queue_arn), receipt_handles)

    def watch(self, queue_arn: str, callback: Callable[[], None]) -> Callable[[], None]:
        return self._queues.watch(queue_arn, callback)


def _source_message(received: Received) -> SourceMessage:
    message = received.message
    return SourceMessage(
        message_id=received.message_id,
        receipt_handle=received.receipt_handle,
        body=message.body,
        body_digest=body_digest(message.body),
        visible_at=received.state.visible_at,
        attributes=system_attributes(message, received.state),
        message_attributes={
            name: SourceAttribute(one.data_type, one.text, one.binary) for name, one in message.attributes.items()
        },
        attributes_digest=attributes_digest(message.attributes) if message.attributes else None,
        group=message.group if message.sequence is not None else None,
        trace_header=message.trace_header,
    )

"""One slice's face as another slice wants to see it. Made by `app.py`; nobody else needs these.

Slices do not know each other: each states what it needs of another as a small Protocol, and here the other is fitted
to it: functions to flows and to graphql, queues to functions.
"""

from collections.abc import Mapping, Sequence

from callpark.flows.events import FunctionAnswer
from callpark.functions.model import Invocation
from callpark.functions.service import Functions
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.kernel.errors import CallerError
from callpark.queues.model import MessageAttribute
from callpark.queues.service import Queues
from callpark.store.ports import Change


class FunctionsForFlows:
    """`flows.ports.FunctionRunner`: run a function under the invocation id that the flow knows."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def refusal(self, function_arn: str) -> str | None:
        return None if self._functions.knows(function_arn) else f"Function not found: {function_arn}"

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
        result = await self._functions.invoke(Invocation(function=function_arn, payload=payload))
        return FunctionReply(result.payload, failed=result.function_error is not None)

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        await self._functions.invoke_event(Invocation(function=function_arn, payload=payload))


class QueuesForFunctions:
    """`functions.events.messages.MessageQueues`: dead letters and invocation records become messages."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def message(
        self, queue_arn: str, body: str, attributes: Mapping[str, tuple[str, str]], trace_header: str | None
    ) -> tuple[str, Sequence[Change]]:
        typed = {name: MessageAttribute(data_type, text) for name, (data_type, text) in attributes.items()}
        return self._queues.put_changes(queue_arn, body, typed, trace_header)

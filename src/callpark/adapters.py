"""One slice's face as another slice wants to see it. Made by `app.py`; nobody else needs these.

Slices do not know each other: flows and graphql each state what they need of Lambda as a small Protocol, and here the
functions slice is fitted to both.
"""

from callpark.flows.events import FunctionAnswer
from callpark.functions.model import Invocation
from callpark.functions.service import Functions
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.kernel.errors import CallerError


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

"""InvokeWithResponseStream: chunks go out as the handler writes them.

https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from callpark.functions import refusals
from callpark.functions.api.invoke import invocation
from callpark.functions.environments.ports import ResponseStream
from callpark.functions.service import Functions
from callpark.kernel.operations import Answer, Call, OperationTable

_WOULD_RUN: Mapping[str, object] = {"StatusCode": 204}


class StreamOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def table(self) -> OperationTable:
        return {("lambda", "InvokeWithResponseStream"): self.stream}

    async def stream(self, call: Call) -> Mapping[str, object] | Answer:
        given = call.parameters
        if "TenantId" in given:
            raise refusals.invalid_parameter("callpark does not support TenantId.")
        asked = invocation(call, given.get("Payload"), self._functions.limits)
        if given.get("InvocationType") == "DryRun":
            self._functions.dry_run(asked)
            return _WOULD_RUN
        version, stream = await self._functions.stream(asked)
        members = {"StatusCode": 200, "ExecutedVersion": version, "ResponseStreamContentType": stream.content_type}
        return Answer(members, stream=_events(stream, asked.log_tail))


async def _events(stream: ResponseStream, log_tail: bool) -> AsyncIterator[tuple[str, Mapping[str, object]]]:
    try:
        async for chunk in stream.chunks:
            yield "PayloadChunk", {"Payload": chunk}
    finally:  # the client may have gone
        if isinstance(stream.chunks, AsyncGenerator):
            await stream.chunks.aclose()
    outcome = await stream.ended
    complete: dict[str, object] = {}
    if outcome.function_error is not None:
        complete = {"ErrorCode": outcome.function_error, "ErrorDetails": outcome.payload.decode("utf-8", "replace")}
    if log_tail:
        complete["LogResult"] = base64.b64encode(outcome.log_tail).decode()
    yield "InvokeComplete", complete

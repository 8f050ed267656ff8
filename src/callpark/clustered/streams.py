"""A response stream that another node makes, as the functions slice reads streams."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping

from callpark.functions.environments.ports import Outcome


class RemoteChunks:
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

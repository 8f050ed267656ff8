"""Whoever waits for a model: who it is, whether it is still there, and what ends when it is not.

Used by the operations of this room. A model works for seconds or minutes; nobody pays for words that nobody reads.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Self, TypeVar

from callpark.kernel.asgi import ClientGone
from callpark.kernel.operations import Call
from callpark.models.model import Part, Stop
from callpark.models.service import Generation

T = TypeVar("T")

_LINEAGE = re.compile(r"Lineage=([^;]+)")
_ACCESS_KEY = re.compile(r"Credential=([^/,\s]+)")


def caller(headers: Mapping[str, str]) -> str:
    """Whose turn it is when many ask at once: the function that asks, as the trace header names it, else the access
    key or the token."""
    lineage = _LINEAGE.search(headers.get("x-amzn-trace-id", ""))
    if lineage is not None:
        return f"function {re.split('[|]|%7C', lineage[1])[-1].partition(':')[0]}"
    authorization = headers.get("authorization", "")
    key = _ACCESS_KEY.search(authorization)
    return key[1] if key is not None else authorization[:128]


class Client:
    """`async with Client(call)`: watches for the client's leaving for as long as the block lasts."""

    def __init__(self, call: Call) -> None:
        self._leaving = call.client_gone
        self._gone: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._leaving is not None:
            self._gone = asyncio.ensure_future(_left(self._leaving))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._gone is not None:
            await _ended(self._gone)

    async def waits_for(self, work: Coroutine[object, object, T]) -> T:
        """What `work` gives. When the client leaves first, the work is cancelled and ClientGone raised."""
        if self._gone is None:
            return await work
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if self._gone.done():  # also when work is always ready: a model that is faster than its reader
                raise ClientGone
            return task.result()
        finally:
            await _ended(task)

    async def reads(self, generation: Generation) -> AsyncIterator[Part]:
        """All parts up to the Stop, each as soon as it is there. Raises ClientGone."""
        while True:
            part = await self.waits_for(anext(generation))
            yield part
            if isinstance(part, Stop):
                return


async def _left(leaving: Callable[[], Awaitable[None]]) -> None:
    await leaving()


async def _ended(task: "asyncio.Task[T]") -> None:
    """Cancelled if it still runs, and over."""
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task

"""A list that can be waited for: what handlers saw, what subscribers heard."""

import asyncio
from collections.abc import Iterable
from typing import Self


class Growing(list[object]):
    def __init__(self) -> None:
        super().__init__()
        self._grown = asyncio.Event()

    def append(self, thing: object) -> None:
        super().append(thing)
        self._grown.set()

    def __iadd__(self, things: Iterable[object]) -> Self:  # type: ignore[misc]
        super().__iadd__(things)
        self._grown.set()
        return self

    async def until(self, count: int) -> None:
        """At least so many."""
        async with asyncio.timeout(20):
            while len(self) < count:
                self._grown.clear()
                await self._grown.wait()

    async def until_has(self, *things: object) -> None:
        async with asyncio.timeout(20):
            while not set(things) <= set(self):
                self._grown.clear()
                await self._grown.wait()

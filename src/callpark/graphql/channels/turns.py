"""Whose broadcast is next in a channel: handlers of several publications run at once, broadcasts follow the order in
which the publications came. Used by `service.py`."""

import asyncio
from collections.abc import Hashable


class Turns:
    def __init__(self) -> None:
        self._last: dict[Hashable, asyncio.Future[None]] = {}

    def take(self, key: Hashable) -> "Turn":
        """The next place in the line of `key`."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        turn = Turn(self._last.get(key), done)
        self._last[key] = done
        done.add_done_callback(lambda ended: self._forget(key, done))
        return turn

    def __len__(self) -> int:
        """Lines in which somebody stands."""
        return len(self._last)

    def _forget(self, key: Hashable, done: asyncio.Future[None]) -> None:
        if self._last.get(key) is done:
            del self._last[key]


class Turn:
    __slots__ = ("_before", "_done")

    def __init__(self, before: asyncio.Future[None] | None, done: asyncio.Future[None]) -> None:
        self._before = before
        self._done = done

    async def come(self) -> None:
        """Until all who came earlier are done."""
        if self._before is not None and not self._before.done():
            await asyncio.shield(self._before)

    def end(self) -> None:
        """Let the next one have its turn, but not before those who came earlier have had theirs."""
        if self._before is None or self._before.done():
            self._finish()
        else:
            self._before.add_done_callback(lambda ended: self._finish())

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

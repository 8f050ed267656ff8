"""Whose broadcast is next in a channel: handlers of several publications run at once, broadcasts follow the order in
which the publications came. Used by `service.py`."""

import asyncio
from collections.abc import Hashable


class Turns:
    def __init__(self) -> None:
        self._last: dict[Hashable, Turn] = {}

    def take(self, key: Hashable) -> "Turn":
        """The next place in the line of `key`."""
        turn = self._last[key] = Turn(self, key, self._last.get(key))
        return turn

    def ended(self, turn: "Turn") -> None:
        if self._last.get(turn.key) is turn:
            del self._last[turn.key]

    def __len__(self) -> int:
        """Lines in which somebody stands."""
        return len(self._last)


class Turn:
    __slots__ = ("_before", "_turns", "done", "key")

    def __init__(self, turns: Turns, key: Hashable, before: "Turn | None") -> None:
        self.key = key
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns = turns
        self._before = None if before is None else before.done

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
        if not self.done.done():
            self.done.set_result(None)
            self._turns.ended(self)

"""Room that is kept for a full store: messages that mean nothing and can be thrown overboard.

A store whose servers have no space left must still be emptied, and for that nodes beat, lease and defer. So a little
space is taken beforehand. Where it is needed it is given up, for writes only that take the place of earlier ones; all
nodes hear of it, and refuse what would make the store larger until the ballast is on board again. Asked by the writer
and by `living.py`.
"""

import logging
import time
from typing import Final

from callpark.store.nats.connection import Connection, Full, Refused, Unanswered
from callpark.store.nats.records import HEADER, BallastHead, Message, spelled

_log = logging.getLogger("callpark")

_PIECES: Final = 8
_PIECE_BYTES: Final = 65_536
_AGAIN_SECONDS: Final = 3.0
_TOKEN: Final = "ballast"


class Ballast:
    """`overboard`: whether the store has no space; None before anything is known."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tried_at = float("-inf")
        self.overboard: bool | None = None

    def hear(self, message: Message) -> None:
        """The message that says how it stands has come."""
        overboard = message.head is None
        if overboard and not self.overboard:
            _log.warning("the store has no space left; what would make it larger is refused")
        elif not overboard and self.overboard:
            _log.warning("the store has space again")
        self.overboard = overboard

    async def give_up(self) -> None:
        """Raises Refused and Unanswered."""
        for number in range(_PIECES):
            await self._connection.ask("STREAM.PURGE", {"filter": self._connection.subjects.ballast(number)})
        await self._write(0, b"", {HEADER: spelled(_TOKEN, None)})
        self._tried_at = time.monotonic()

    async def restore(self) -> None:
        """Now and then, when it is not on board; the piece that the others follow comes last."""
        now = time.monotonic()
        if self.overboard is False or now - self._tried_at < _AGAIN_SECONDS:
            return
        self._tried_at = now
        head = {HEADER: spelled(_TOKEN, BallastHead())}
        try:
            for number in reversed(range(_PIECES)):
                await self._write(number, bytes(_PIECE_BYTES), head)
        except Full:
            await self.give_up()
        except (Refused, Unanswered) as error:
            _log.debug("the ballast cannot be stored: %s", error)

    async def _write(self, number: int, payload: bytes, headers: dict[str, str]) -> None:
        await self._connection.request(self._connection.subjects.ballast(number), payload, headers)

"""Waits until this node knows what was stored before: a mark is stored, and comes back behind it.

What is written is heard of with a delay, and a server that was cut off from the others answers questions as of before.
Where an answer must miss nothing, a mark tells: only who can store one is with the others. Asked by `lookups.py`.
"""

import asyncio

from callpark.store.nats.connection import Connection, Full, Unanswered
from callpark.store.nats.records import HEADER, MarkHead, spelled


class Barrier:
    def __init__(self, connection: Connection, node: str, answer_seconds: float) -> None:
        self._connection = connection
        self._subject = connection.subjects.mark(node)
        self._answer_seconds = answer_seconds
        self._brought = 0
        self._news = asyncio.Event()

    async def mark(self) -> int:
        """The sequence of a mark, stored now; 0 where there is no space for one. Raises Unanswered and StoreFailure."""
        try:
            answer = await self._connection.request(self._subject, b"", {HEADER: spelled("mark", MarkHead())})
        except Full:
            return 0
        return answer.seq

    async def cross(self) -> None:
        """Until everything that was stored before has been brought. Raises Unanswered and StoreFailure."""
        sequence = await self.mark()
        try:
            async with asyncio.timeout(self._answer_seconds):
                while self._brought < sequence:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Unanswered("what is stored does not come") from None

    def hear(self, sequence: int) -> None:
        """A mark of this node has come."""
        self._brought = max(self._brought, sequence)
        self._news.set()

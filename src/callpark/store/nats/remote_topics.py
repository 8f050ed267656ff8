"""Publish/subscribe over the servers, without their keeping anything. Called by the store.

Subscribers of this node hear a message at once; the other nodes get it in the order in which this node published. While
the servers are out of reach messages wait, up to a bound, then they are dropped with a warning.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from nats.aio.msg import Msg

from callpark.store.nats.connection import Connection, Unanswered, pause
from callpark.store.topics import Topics

_log = logging.getLogger("callpark")

_WAITING_BYTES = 33_554_432


class RemoteTopics:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._local = Topics()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._woken = asyncio.Event()

    async def open(self) -> None:
        """Hear the other nodes. Raises Unanswered."""

        async def take(message: Msg) -> None:
            self._local.publish(self._connection.subjects.topic_of(message.subject), message.data)

        await self._connection.listen(self._connection.subjects.topic_pattern, take)

    def publish(self, topic: str, message: bytes) -> None:
        self._local.publish(topic, message)
        if len(message) > self._connection.largest_payload or self._bytes + len(message) > _WAITING_BYTES:
            _log.warning("a message of %d bytes to %s did not reach the other nodes", len(message), topic)
            return
        self._waiting.append((self._connection.subjects.topic(topic), message))
        self._bytes += len(message)
        self._woken.set()

    def subscribe(self, topic: str, callback: Callable[[bytes], None]) -> Callable[[], None]:
        return self._local.subscribe(topic, callback)

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            while self._waiting:
                subject, message = self._waiting[0]
                try:
                    await self._connection.publish(subject, message)
                except Unanswered:
                    await pause(0.05)
                    continue
                self._waiting.popleft()
                self._bytes -= len(message)
            self._woken.clear()

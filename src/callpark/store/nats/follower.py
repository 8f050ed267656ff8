"""Follows the stream: brings the head of every message of items, members and some tables, in the order of the stream.

Made by the store. What it brings first is everything that there is, again after each interruption; `position` is the
sequence of the last message it brought. The server keeps a consumer in memory for it, which ends by itself.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from nats.aio.msg import Msg

from callpark.store.nats.connection import Answer, Connection, Unanswered, pause
from callpark.store.nats.records import Message, read
from callpark.store.ports import StoreFailure

_log = logging.getLogger("callpark")

_HEARTBEAT_SECONDS = 0.5
_MISSED_SECONDS = 2.0


class Follower:
    def __init__(
        self,
        connection: Connection,
        node: str,
        tables: Callable[[], Iterable[str]],
        began: Callable[[], None],
        bring: Callable[[Message], None],
    ) -> None:
        """`began` is told before everything is brought again, `bring` gets the messages."""
        self._connection = connection
        self._node = node
        self._tables = tables
        self._began = began
        self._bring = bring
        self._heard_at = 0.0
        self._expected = 1
        self._broken = asyncio.Event()
        self._generation = 0
        self._stopped = False

    def break_off(self) -> None:
        """Begin again: the tables have changed, or the connection has."""
        self._broken.set()

    def stop(self) -> None:
        """Begin no more."""
        self._stopped = True
        self._broken.set()

    async def run(self) -> None:
        while not self._stopped:
            self._broken.clear()
            self._generation += 1
            self._expected = 1
            inbox = self._connection.client.new_inbox()
            try:
                end = await self._connection.listen(inbox, self._taker(self._generation))
            except Unanswered:
                await pause(0.1)
                continue
            try:
                self._began()
                consumer = await self._open(inbox)
                await self._watch()
                await self._close(consumer)
            except (Unanswered, StoreFailure) as error:
                _log.debug("the store's stream cannot be followed: %s", error)
                await pause(0.1)
            finally:
                await end()

    async def _open(self, inbox: str) -> str:
        answer: Answer = await self._connection.ask(
            "CONSUMER.CREATE",
            {
                "stream_name": self._connection.subjects.stream,
                "config": {
                    "deliver_subject": inbox,
                    "deliver_policy": "last_per_subject",
                    "ack_policy": "none",
                    "filter_subjects": self._connection.subjects.followed(self._node, self._tables()),
                    "headers_only": True,
                    "flow_control": True,
                    "idle_heartbeat": int(_HEARTBEAT_SECONDS * 1e9),
                    "inactive_threshold": 30_000_000_000,
                    "mem_storage": True,
                    "num_replicas": 1,
                },
            },
        )
        self._heard_at = time.monotonic()
        return answer.name

    async def _watch(self) -> None:
        """Until the server is silent or something is missing."""
        while time.monotonic() - self._heard_at < _MISSED_SECONDS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MISSED_SECONDS / 4):
                    await self._broken.wait()
                return

    async def _close(self, consumer: str) -> None:
        with contextlib.suppress(Unanswered, StoreFailure):
            stream = self._connection.subjects.stream
            await self._connection.publish(f"$JS.API.CONSUMER.DELETE.{stream}.{consumer}", b"")

    def _taker(self, generation: int) -> Callable[[Msg], Awaitable[None]]:
        async def take(message: Msg) -> None:
            if generation != self._generation:
                return
            self._heard_at = time.monotonic()
            headers = message.headers
            if headers is not None and "Status" in headers:
                reply = message.reply or headers.get("Nats-Consumer-Stalled", "")
                if reply:
                    await self._connection.publish(reply, b"")
                if int(headers.get("Nats-Last-Consumer", self._expected - 1)) != self._expected - 1:
                    self._broken.set()
                return
            sequence, number = _places(message.reply)
            if number != self._expected:
                self._broken.set()
                return
            self._expected += 1
            found = read(message.subject, sequence, headers)
            if found is not None:
                self._bring(found)

        return take


def _places(reply: str) -> tuple[int, int]:
    """(sequence in the stream, number of the delivery) of a message: `$JS.ACK.…`, with or without a domain."""
    fields = reply.split(".")
    return (int(fields[5]), int(fields[6])) if len(fields) == 9 else (int(fields[7]), int(fields[8]))

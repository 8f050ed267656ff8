"""Thousands of web-socket subscribers in a process of their own, so that the measured server does not share its loop.

A message carries the instant at which it was sent (`"sent":<perf_counter>`; the counter is the machine's, so two
processes agree on it); the child answers with the delays. What is measured is the server, so the child does no more
than it must while messages come: it notes when which bytes arrived, and reads them afterwards.
"""

import asyncio
import contextlib
import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import msgspec

from bench import websocket

_SENT = re.compile(rb'\\?"sent\\?": ?\\?"?([0-9.]+)')

#: Seconds between two looks at the sockets. Whoever writes to a socket at which somebody sleeps has to wake them, which
#: subscribers on a thousand machines of their own would not cost the server. A message seems later by this at most.
_LOOK = 0.0005
#: Seconds without a message after which those that came are read.
_QUIET = 0.01
#: Sockets opened at once.
_TOGETHER = 50


class Conversation(msgspec.Struct, frozen=True):
    """How an AppSync subscription begins after the upgrade: `connection_init`, then one of `requests`, taken in turn,
    with an id of its own; then `answer` is awaited."""

    subprotocol: str
    requests: list[dict[str, object]]
    answer: str


class _Asked(msgspec.Struct, frozen=True):
    """What the child is told. Without a conversation a socket listens as soon as it is open."""

    url: str
    count: int
    conversation: Conversation | None


class Subscribers:
    """The parent's handle on the child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, url: str, count: int, conversation: Conversation | None = None
    ) -> AsyncIterator["Subscribers"]:
        """Start the child and wait until every subscriber listens."""
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "bench.subscribers",
                msgspec.json.encode(_Asked(url, count, conversation)).decode(),
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=64 * 1024 * 1024,
        )
        assert process.stdout is not None
        try:
            ready = await asyncio.wait_for(process.stdout.readline(), 60)
            assert ready == b"ready\n", ready
            yield cls(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    async def delays(self, expected: int) -> list[float]:
        """Seconds from sending to receiving, of every message of every subscriber."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{expected}\n".encode())
        found: list[float] = json.loads(await asyncio.wait_for(self._process.stdout.readline(), 60))
        return found


class _Subscriber:
    """One socket and what of it has not been read yet."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=30)
        self.unread = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def upgraded(self) -> None:
        while b"\r\n\r\n" not in self.unread:
            self._receive()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head

    def expect(self, kind: str) -> None:
        """Read on until a message of this type, past those that keep the connection alive."""
        while True:
            texts = self.texts(b"")
            kinds = [json.loads(text)["type"] for text in texts]
            assert {*kinds} <= {kind, "ka"}, texts
            if kind in kinds:
                return
            self._receive()

    def texts(self, data: bytes) -> list[bytes]:
        """The messages that are whole now."""
        texts, pings, self.unread = websocket.messages(self.unread + data)
        for ping in pings:
            self.send(websocket.pong(ping))
        return texts

    def _receive(self) -> None:
        data = self.socket.recv(65_536)
        assert data, "the server has hung up"
        self.unread += data


def _connected(asked: _Asked) -> list[_Subscriber]:
    parts, conversation = urlsplit(asked.url), asked.conversation
    address = parts.hostname or "127.0.0.1", parts.port or 80
    upgrade = websocket.upgrade(asked.url, None if conversation is None else conversation.subprotocol)
    found: list[_Subscriber] = []
    for first in range(0, asked.count, _TOGETHER):
        together = [_Subscriber(address) for _ in range(first, min(first + _TOGETHER, asked.count))]
        for one in together:
            one.send(upgrade)
        for one in together:
            one.upgraded()
        if conversation is not None:
            _begin(together, conversation, first)
        found += together
    return found


def _begin(together: Sequence[_Subscriber], conversation: Conversation, first: int) -> None:
    requests = conversation.requests
    for one in together:
        one.send(websocket.frame('{"type":"connection_init"}'))
    for one in together:
        one.expect("connection_ack")
    for number, one in enumerate(together, first):
        one.send(websocket.frame(json.dumps({"id": str(number), **requests[number % len(requests)]})))
    for one in together:
        one.expect(conversation.answer)


def _child(asked: _Asked) -> None:
    subscribers = {one.socket.fileno(): one for one in _connected(asked)}
    parent = sys.stdin.fileno()
    looks = select.epoll(len(subscribers) + 1)
    looks.register(parent, select.EPOLLIN)
    for descriptor, one in subscribers.items():
        one.socket.setblocking(False)
        looks.register(descriptor, select.EPOLLIN)
    print("ready", flush=True)
    arrived: list[tuple[float, int, bytes]] = []
    delays: list[float] = []
    expected = 0
    while True:
        for descriptor, _ in looks.poll(_QUIET):
            data = os.read(descriptor, 4_096)
            if descriptor != parent:
                arrived.append((time.perf_counter(), descriptor, data))
            elif data:
                expected = int(data)
            else:
                return
        if arrived and time.perf_counter() - arrived[-1][0] < _QUIET:
            time.sleep(_LOOK)
            continue
        for at, descriptor, data in arrived:
            delays += _delays(subscribers[descriptor], data, at)
        arrived.clear()
        if expected and len(delays) >= expected:
            print(json.dumps(delays), flush=True)
            delays.clear()
            expected = 0


def _delays(subscriber: _Subscriber, data: bytes, at: float) -> list[float]:
    assert data, "the server has hung up"
    return [at - float(match[1]) for text in subscriber.texts(data) if (match := _SENT.search(text))]


if __name__ == "__main__":
    _child(msgspec.json.decode(sys.argv[1], type=_Asked))

"""Thousands of web-socket subscribers in a process of their own, so that the measured server does not share its loop.

A message carries the instant at which it was sent (`"sent":<perf_counter>`; the counter is the machine's, so two
processes agree on it); the child answers with the delays.
"""

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import Literal, cast
from urllib.parse import urlsplit

from callpark.cli.loop import run

Protocol = Literal["plain", "appsync"]
_SENT = re.compile(rb'\\?"sent\\?":\\?"?([0-9.]+)')


class Subscribers:
    """The parent's handle on the child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, url: str, count: int, *, protocol: Protocol, starts: Sequence[dict[str, object]] = ()
    ) -> AsyncIterator["Subscribers"]:
        """Start the child and wait until every subscriber is connected and, for appsync, acknowledged.

        `starts` are AppSync's payloads of `start` frames, taken in turn.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.subscribers",
            json.dumps({"url": url, "count": count, "protocol": protocol, "starts": list(starts)}),
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


class _Subscriber(asyncio.Protocol):
    """A websocket client that does no more than it must: what is measured is the server, and a thousand clients of a
    library in one process need twice as long to read as the server does to write."""

    def __init__(self, upgrade: bytes, delays: list[float], arrived: asyncio.Event) -> None:
        self._upgrade = upgrade
        self._delays = delays
        self._arrived = arrived
        self._unread = b""
        self._open = False
        self._texts: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._upgrade)

    def data_received(self, data: bytes) -> None:
        received = time.perf_counter()
        self._unread += data
        if not self._open:
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._open, self._unread = True, rest
            self._texts.put_nowait(b"open")
        while (text := self._next_text()) is not None:
            if (match := _SENT.search(text)) is not None:
                self._delays.append(received - float(match[1]))
                self._arrived.set()
            else:
                self._texts.put_nowait(text)

    def _next_text(self) -> bytes | None:
        """The next whole message: servers neither mask nor, here, fragment."""
        unread = self._unread
        if len(unread) < 2:
            return None
        size, start = unread[1], 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(unread[2:start], "big")
        if len(unread) < start + size:
            return None
        self._unread = unread[start + size :]
        return unread[start : start + size]

    async def answer(self) -> bytes:
        """The next message that is none of those measured."""
        return await asyncio.wait_for(self._texts.get(), 30)

    def send(self, text: str) -> None:
        payload = text.encode()
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self._transport.write(b"\x81" + size + b"\0\0\0\0" + payload)  # a mask of noughts changes nothing

    def close(self) -> None:
        self._transport.close()


async def _child(url: str, count: int, protocol: Protocol, starts: Sequence[dict[str, object]]) -> None:
    delays: list[float] = []
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()
    upgrade = _upgrade(url, protocol)
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80

    async def subscribe(number: int) -> _Subscriber:
        _, subscriber = await loop.create_connection(lambda: _Subscriber(upgrade, delays, arrived), host, port)
        assert await subscriber.answer() == b"open"
        if protocol == "appsync":
            subscriber.send('{"type":"connection_init"}')
            assert b"connection_ack" in await subscriber.answer()
            subscriber.send(json.dumps({"id": str(number), "type": "start", "payload": starts[number % len(starts)]}))
            while b'"start_ack"' not in (frame := await subscriber.answer()):
                assert b'"ka"' in frame, frame
        return subscriber

    subscribers: list[_Subscriber] = []
    for first in range(0, count, 50):
        subscribers += await asyncio.gather(*(subscribe(n) for n in range(first, min(first + 50, count))))
    print("ready", flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        while len(delays) < int(line):
            arrived.clear()
            await asyncio.wait_for(arrived.wait(), 30)
        print(json.dumps(delays), flush=True)
        delays.clear()
    for subscriber in subscribers:
        subscriber.close()


def _upgrade(url: str, protocol: Protocol) -> bytes:
    parts = urlsplit(url)
    lines = [
        f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *(["Sec-WebSocket-Protocol: graphql-ws"] if protocol == "appsync" else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


if __name__ == "__main__":
    run(_child(**json.loads(sys.argv[1])))

"""A thousand web-socket subscribers in a process of their own, so that the measured server does not share its loop.

A message carries the instant at which it was sent (`"sent":<perf_counter>`; the counter is the machine's, so two
processes agree on it); the child answers with the delays.
"""

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from typing import Literal

Protocol = Literal["plain", "appsync"]
_SENT = re.compile(rb'\\?"sent\\?":\\?"?([0-9.]+)')


class Subscribers:
    """The parent's handle on the child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, url: str, count: int, *, protocol: Protocol, start: dict[str, object] | None = None
    ) -> AsyncIterator["Subscribers"]:
        """Start the child and wait until every subscriber is connected and, for appsync, acknowledged.

        `start` is AppSync's payload of the `start` frame; its `id` is filled in.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.subscribers",
            json.dumps({"url": url, "count": count, "protocol": protocol, "start": start}),
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


async def _child(url: str, count: int, protocol: Protocol, start: dict[str, object] | None) -> None:
    from websockets.asyncio.client import ClientConnection, connect
    from websockets.typing import Subprotocol

    delays: list[float] = []
    arrived = asyncio.Event()

    async def listen(connection: ClientConnection) -> None:
        async for message in connection:
            received = time.perf_counter()
            data = message.encode() if isinstance(message, str) else message
            match = _SENT.search(data)
            if match is not None:
                delays.append(received - float(match[1]))
                arrived.set()

    async def subscribe(number: int) -> ClientConnection:
        if protocol == "plain":
            return await connect(url, compression=None, max_queue=None, ping_interval=None)
        connection = await connect(
            url, subprotocols=[Subprotocol("graphql-ws")], compression=None, max_queue=None, ping_interval=None
        )
        await connection.send('{"type":"connection_init"}')
        await connection.recv()
        await connection.send(json.dumps({"id": str(number), "type": "start", "payload": start}))
        while '"start_ack"' not in (frame := str(await connection.recv())):
            assert '"ka"' in frame, frame
        return connection

    connections: list[ClientConnection] = []
    for first in range(0, count, 50):
        connections += await asyncio.gather(*(subscribe(n) for n in range(first, min(first + 50, count))))
    listeners = [asyncio.create_task(listen(connection)) for connection in connections]
    print("ready", flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        while len(delays) < int(line):
            arrived.clear()
            await asyncio.wait_for(arrived.wait(), 30)
        print(json.dumps(delays), flush=True)
        delays.clear()
    for listener in listeners:
        listener.cancel()


if __name__ == "__main__":
    asyncio.run(_child(**json.loads(sys.argv[1])))

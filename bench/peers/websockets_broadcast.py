"""websockets.broadcast to many sockets: the plain library without a protocol, subscriptions or filters.

The subscribers live in a child process, as they do in our own measurement, and report when each frame reached them.
"""

import asyncio
import time

from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.figures import percentile
from bench.subscribers import Subscribers


async def milliseconds_p99(subscribers: int, messages: int, pause: float) -> float:
    """p99 of the time from broadcasting a message to a subscriber having it; `pause` seconds between two."""
    connections: set[ServerConnection] = set()
    everybody_is_here = asyncio.Event()

    async def accept(connection: ServerConnection) -> None:
        connections.add(connection)
        if len(connections) == subscribers:
            everybody_is_here.set()
        await connection.wait_closed()

    async with serve(accept, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Subscribers.connect(f"ws://127.0.0.1:{port}", subscribers) as clients:
            await everybody_is_here.wait()
            for _ in range(messages):
                broadcast(connections, f'{{"sent":{time.perf_counter()!r},"token":"once upon a time"}}')
                await asyncio.sleep(pause)
            delays = await clients.delays(subscribers * messages)
        for connection in connections:
            await connection.close()
    return percentile(delays, 0.99) * 1_000

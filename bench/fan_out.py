"""Fan-out: from sending a mutation to each subscriber having its message, beside the plain library's broadcast.

The server is in this process, the subscribers are in another. Selection sets that differ are projected and serialised
one by one.
"""

import asyncio
import base64
import json
import tempfile
import time
from pathlib import Path

import httpx

from bench.figures import Figure, percentile
from bench.graphql import API
from bench.peers import websockets_broadcast
from bench.subscribers import Subscribers
from callpark.cli.collector import settle_collector
from callpark.graphql.urls import graphql_url, realtime_url
from callpark.kernel.limits import Limits
from callpark.projects.model import Project
from callpark.serving import served
from callpark.settings import Settings

WARM_UP = 5
MESSAGES = 30
#: Seconds between two messages for each thousand subscribers: a message is delivered before the next.
PAUSE = 0.05
SHAPES = (1, 50)
MUTATION = "mutation P($sent: String) { publish(sent: $sent) { sent token } }"


async def figures() -> list[Figure]:
    return [figure for subscribers in (1_000, 5_000) for figure in await _beside_broadcast(subscribers)]


async def _beside_broadcast(subscribers: int) -> list[Figure]:
    pause = PAUSE * subscribers / 1_000
    reach = 20 * subscribers // 1_000
    broadcast = await websockets_broadcast.milliseconds_p99(subscribers, MESSAGES, pause)
    found = []
    for shapes in SHAPES:
        milliseconds = await _milliseconds_p99(subscribers, shapes, pause)
        sets = "" if shapes == 1 else f" with {shapes} selection sets"
        found.append(
            Figure(
                f"fan-out to {subscribers:,} subscribers{sets}, p99",
                milliseconds,
                "ms",
                f"≤ {reach} ms",
                milliseconds <= reach,
                "websockets.broadcast",
                broadcast,
                False,
            )
        )
    return found


async def _milliseconds_p99(subscribers: int, shapes: int, pause: float) -> float:
    authorization = {"host": "127.0.0.1", "x-api-key": "da2-bench"}
    limits = Limits().override(["gateway.connections=6000"])
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data), port=0, limits=limits)
        async with (
            served(settings, lambda: Project("bench", Path(), apis=(API,))) as app,
            httpx.AsyncClient(trust_env=False, headers={"x-api-key": "da2-bench"}) as client,
        ):
            header = base64.b64encode(json.dumps(authorization).encode()).decode()
            url = f"{realtime_url(app.base_url, 'bench')}?header={header}&payload=e30="
            starts = [_start(shape, authorization) for shape in range(shapes)]
            async with Subscribers.connect(url, subscribers, protocol="appsync", starts=starts) as clients:
                settle_collector()
                for number in range(WARM_UP + MESSAGES):
                    if number == WARM_UP:
                        await clients.delays(subscribers * WARM_UP)
                    body = {"query": MUTATION, "variables": {"sent": repr(time.perf_counter())}}
                    response = await client.post(graphql_url(app.base_url, "bench"), json=body)
                    assert "errors" not in response.json(), response.text
                    await asyncio.sleep(pause)
                delays = await clients.delays(subscribers * MESSAGES)
    return percentile(delays, 0.99) * 1_000


def _start(shape: int, authorization: dict[str, str]) -> dict[str, object]:
    """The payload of a `start`; each shape is a selection set of its own."""
    token = "token" if shape == 0 else f"token{shape}: token"
    query = f"subscription {{ onMessage {{ sent {token} }} }}"
    return {
        "data": json.dumps({"query": query, "variables": {}}),
        "extensions": {"authorization": authorization},
    }

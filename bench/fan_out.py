"""Fan-out: from sending a mutation, or an event, to each subscriber having its message, beside the plain library's
broadcast.

The server is in this process, the subscribers are in another. Selection sets that differ are projected and serialised
one by one.
"""

import asyncio
import base64
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx

from bench.figures import Figure, percentile
from bench.graphql import API
from bench.peers import websockets_broadcast
from bench.subscribers import Conversation, Subscribers
from callpark.app import App
from callpark.cli.collector import settle_collector
from callpark.graphql.channels.model import EventApiDefinition, NamespaceDefinition
from callpark.graphql.channels.urls import event_realtime_url, event_url
from callpark.graphql.model import ApiKey, AuthenticationProvider
from callpark.graphql.urls import graphql_url, realtime_url
from callpark.kernel.limits import Limits
from callpark.projects.model import Project
from callpark.serving import served
from callpark.settings import Settings

WARM_UP = 5
#: Of all messages together. Those of one message come late together, so the p99 of few messages is the worst of them.
DELIVERIES = 200_000
#: Seconds between two messages for each thousand subscribers: a message is delivered before the next.
PAUSE = 0.05
SHAPES = (1, 50)
MUTATION = "mutation P($sent: String) { publish(sent: $sent) { sent token } }"
AUTHORIZATION = {"host": "127.0.0.1", "x-api-key": "da2-bench"}

_KEY = ("API_KEY",)
EVENTS = EventApiDefinition(
    api_id="events",
    name="events",
    authentication=(AuthenticationProvider("API_KEY"),),
    connection_modes=_KEY,
    publish_modes=_KEY,
    subscribe_modes=_KEY,
    namespaces=(NamespaceDefinition("default"),),
    api_keys=(ApiKey("da2-bench", 4e9),),
)


async def figures() -> list[Figure]:
    return [figure for subscribers in (1_000, 5_000) for figure in await _beside_broadcast(subscribers)]


async def _beside_broadcast(subscribers: int) -> list[Figure]:
    reach = 20 * subscribers // 1_000
    messages = DELIVERIES // subscribers
    broadcast = await websockets_broadcast.milliseconds_p99(subscribers, messages, PAUSE * subscribers / 1_000)
    found = []
    async with _serving() as (app, client):
        measured = {
            f"fan-out to {subscribers:,} subscribers" + ("" if shapes == 1 else f" with {shapes} selection sets"): (
                await _mutations(app, client, subscribers, shapes)
            )
            for shapes in SHAPES
        }
        measured[f"an event to {subscribers:,} subscribers"] = await _events(app, client, subscribers)
    for name, milliseconds in measured.items():
        found.append(
            Figure(
                f"{name}, p99",
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


@contextlib.asynccontextmanager
async def _serving() -> AsyncIterator[tuple[App, httpx.AsyncClient]]:
    limits = Limits().override(["gateway.connections=6000"])
    project = Project("bench", Path(), apis=(API,), event_apis=(EVENTS,))
    with tempfile.TemporaryDirectory() as data:
        async with (
            served(Settings(data=Path(data), port=0, limits=limits), lambda: project) as app,
            httpx.AsyncClient(trust_env=False, headers={"x-api-key": "da2-bench"}) as client,
        ):
            yield app, client


async def _mutations(app: App, client: httpx.AsyncClient, subscribers: int, shapes: int) -> float:
    header = base64.b64encode(json.dumps(AUTHORIZATION).encode()).decode()
    url = f"{realtime_url(app.base_url, 'bench')}?header={header}&payload=e30="
    conversation = Conversation("graphql-ws", [_start(shape) for shape in range(shapes)], "start_ack")
    async with Subscribers.connect(url, subscribers, conversation) as clients:
        return await _milliseconds_p99(
            client,
            graphql_url(app.base_url, "bench"),
            lambda sent: {"query": MUTATION, "variables": {"sent": sent}},
            clients,
            subscribers,
        )


async def _events(app: App, client: httpx.AsyncClient, subscribers: int) -> float:
    header = base64.urlsafe_b64encode(json.dumps(AUTHORIZATION).encode()).decode().rstrip("=")
    subscribe: dict[str, object] = {"type": "subscribe", "channel": "/default/all", "authorization": AUTHORIZATION}
    conversation = Conversation(f"aws-appsync-event-ws, header-{header}", [subscribe], "subscribe_success")
    async with Subscribers.connect(event_realtime_url(app.base_url, "events"), subscribers, conversation) as clients:
        return await _milliseconds_p99(
            client,
            event_url(app.base_url, "events"),
            lambda sent: {
                "channel": "/default/all",
                "events": [json.dumps({"sent": sent, "token": "once upon a time"})],
            },
            clients,
            subscribers,
        )


async def _milliseconds_p99(
    client: httpx.AsyncClient, url: str, body: Callable[[str], object], clients: Subscribers, subscribers: int
) -> float:
    settle_collector()
    messages = DELIVERIES // subscribers
    for number in range(WARM_UP + messages):
        if number == WARM_UP:
            await clients.delays(subscribers * WARM_UP)
        response = await client.post(url, json=body(repr(time.perf_counter())))
        assert response.is_success, response.text
        assert "errors" not in response.json(), response.text
        await asyncio.sleep(PAUSE * subscribers / 1_000)
    return percentile(await clients.delays(subscribers * messages), 0.99) * 1_000


def _start(shape: int) -> dict[str, object]:
    """A `start`; each shape is a selection set of its own."""
    token = "token" if shape == 0 else f"token{shape}: token"
    query = f"subscription {{ onMessage {{ sent {token} }} }}"
    payload = {
        "data": json.dumps({"query": query, "variables": {}}),
        "extensions": {"authorization": AUTHORIZATION},
    }
    return {"type": "start", "payload": payload}

"""Several nodes over HTTP, beside one on SQLite: events that are acknowledged while they also run, what crosses from
node to node; then 10 and 100 nodes, simulated from what this run measured.

Everything shares the machine's cores, so more nodes here show what they cost, not what they bring.
"""

import asyncio
import base64
import contextlib
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
from tests.store.nats.servers import BINARY, Server, running
from tests.store.nats.servers import cluster as servers_of
from websockets.asyncio.client import connect

from bench import cluster_simulation, load
from bench.fan_out import MUTATION
from bench.figures import Figure, percentile
from bench.nodes import Cluster, Used, cluster, stored, write_project
from bench.subscribers import Conversation, Subscribers
from callpark.flows.api import phone_frames
from callpark.graphql.urls import graphql_url, realtime_url

_CONNECTIONS = 16
_EVENTS = 2_000
_ALONE = 200
_RESTING_SECONDS = 1.0
_CROSSINGS = 100
_CALLS = 40


@dataclass(frozen=True, slots=True)
class Measured:
    """A load of events, and events one at a time before it; `messages` that the stream kept for each."""

    nodes: int
    report: load.Report
    used: Used
    messages: float
    alone: load.Report
    alone_used: Used
    alone_messages: float

    @property
    def events(self) -> int:
        return len(self.report.latencies)

    @property
    def done(self) -> float:
        """Events a second until the last has run."""
        return self.events / self.used.at


async def figures() -> list[Figure]:
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        project = write_project(folder / "project")
        async with cluster(project, folder / "sqlite", []) as alone:
            await alone.add()
            found += _rows("SQLite, 1 node", await _load(alone))
        if not BINARY.exists():
            return found
        with running(folder / "one") as server:
            one = await _growing(project, folder / "with one", [server])
        for measured in one:
            found += _rows(f"1 NATS server, {measured.nodes} nodes", measured)
        with servers_of(folder / "three") as servers:
            async with cluster(project, folder / "with three", servers) as nodes:
                three = [await _grown(nodes) for _ in range(3)]
                crossing = await _crossing(nodes)
        for measured in three:
            found += _rows(f"3 NATS servers, {measured.nodes} nodes", measured)
    return [*found, *crossing, *cluster_simulation.figures(_calibrated(three))]


async def _growing(project: Path, folder: Path, servers: list[Server]) -> list[Measured]:
    async with cluster(project, folder, servers) as nodes:
        return [await _grown(nodes) for _ in range(3)]


async def _grown(nodes: Cluster) -> Measured:
    """With one node more."""
    await nodes.add()
    return await _load(nodes)


async def _load(nodes: Cluster) -> Measured:
    await nodes.events(_CONNECTIONS * 20, _CONNECTIONS)
    await nodes.done()
    before = nodes.used()
    await asyncio.sleep(_RESTING_SECONDS)
    resting = nodes.used().since(before)
    alone, used, messages = await _used(nodes, _ALONE, 1)
    loaded = await _used(nodes, _EVENTS, _CONNECTIONS)
    return Measured(len(nodes.nodes), *loaded, alone, used.without(resting), messages)


async def _used(nodes: Cluster, events: int, connections: int) -> tuple[load.Report, Used, float]:
    """Until all have run."""
    servers = nodes.servers
    before, kept = nodes.used(), await stored(servers[0]) if servers else 0
    report = await nodes.events(events, connections)
    await nodes.done()
    messages = (await stored(servers[0]) - kept) / len(report.latencies) if servers else 0.0
    return report, nodes.used().since(before), messages


def _rows(name: str, measured: Measured) -> list[Figure]:
    report, used, events = measured.report, measured.used, measured.events
    servers = ""
    if used.servers:
        leader, *others = sorted((each / events * 1e6 for each in used.servers), reverse=True)
        servers = f"; servers {leader:.0f}" + "".join(f" + {each:.0f}" for each in others)
        servers += f" µs, {measured.messages:.1f} messages"
    note = f"nodes {used.nodes / events * 1e6:.0f} µs, handlers {used.handlers / events * 1e6:.0f}{servers}"
    return [
        Figure(f"{name}: Events acknowledged, while they run", report.rate, "/s"),
        Figure("  p50", report.percentile(0.5) * 1e3, "ms"),
        Figure("  p99", report.percentile(0.99) * 1e3, "ms"),
        Figure("  until all have run", measured.done, "/s"),
        Figure("  one at a time, p50", measured.alone.percentile(0.5) * 1e3, "ms"),
        Figure(f"  CPU: {note}", used.measured / events * 1e6, "µs"),
    ]


# What crosses from node to node


async def _crossing(nodes: Cluster) -> list[Figure]:
    published = await _published(nodes)
    returned = await _returned(nodes)
    late = percentile(returned, 0.99) * 1e3
    return [
        Figure("publication on one node → subscriber on another, p50", percentile(published, 0.5) * 1e3, "ms"),
        Figure("  p99", percentile(published, 0.99) * 1e3, "ms"),
        Figure("function returned on one node → call on another, p50", percentile(returned, 0.5) * 1e3, "ms"),
        Figure("  p99", late, "ms", "≤ 20 ms", late <= 20),
    ]


async def _published(nodes: Cluster) -> list[float]:
    """Seconds from before the mutation is sent."""
    maker, hearer = nodes.nodes[0].endpoint, nodes.nodes[1].endpoint
    async with httpx.AsyncClient(trust_env=False) as client:
        (api,) = (await client.get(f"{maker}/_callpark/health")).json()["apis"]
        authorization = {"host": "127.0.0.1", "x-api-key": api["api_key"]}
        header = base64.b64encode(json.dumps(authorization).encode()).decode()
        data = json.dumps({"query": "subscription { onMessage { sent } }", "variables": {}})
        start: dict[str, object] = {
            "type": "start",
            "payload": {"data": data, "extensions": {"authorization": authorization}},
        }
        conversation = Conversation("graphql-ws", [start], "start_ack")
        url = f"{realtime_url(hearer, api['id'])}?header={header}&payload=e30="
        async with Subscribers.connect(url, 1, conversation) as subscribers:
            for _ in range(_CROSSINGS):
                body = {"query": MUTATION, "variables": {"sent": repr(time.perf_counter())}}
                answer = await client.post(
                    graphql_url(maker, api["id"]), json=body, headers={"x-api-key": api["api_key"]}
                )
                assert "errors" not in answer.json(), answer.text
                await asyncio.sleep(0.01)
            return await subscribers.delays(_CROSSINGS)


async def _returned(nodes: Cluster) -> list[float]:
    """Seconds from the handler's return to what the caller hears, who is at another node."""
    owner = nodes.owner("Narrow")
    endpoint = nodes.nodes[(owner + 1) % len(nodes.nodes)].endpoint.replace("http", "ws", 1)
    url = f"{endpoint}{phone_frames.PATH}?{urlencode({'target': 'Asking'})}"
    found: list[float] = []
    for _ in range(_CALLS + 1):
        async with contextlib.AsyncExitStack() as stack:
            socket = await stack.enter_async_context(connect(url, proxy=None, compression=None))
            async for text in socket:
                at = time.perf_counter()
                frame = phone_frames.from_server(text)
                assert not isinstance(frame, phone_frames.Refused), frame
                if isinstance(frame, phone_frames.Heard):
                    found.append(at - float(frame.text))
                    break
    return found[1:]  # the first one starts the handler's process


# The simulation


def _calibrated(three: list[Measured]) -> cluster_simulation.Run:
    """What one node more costs is what following costs; what an event costs more when it is alone in its messages is
    what a message costs."""
    first, last = three[0], three[-1]
    further = last.nodes - first.nodes
    loaded, alone = (
        [each / events for each in used]
        for used, events in (
            (_in_all(last.used), last.events),
            (_in_all(last.alone_used), len(last.alone.latencies)),
        )
    )
    messages = last.messages, last.alone_messages
    followed_alone = (alone[0] - first.alone_used.nodes / len(first.alone.latencies)) / further
    followed = _part((loaded[0] - first.used.nodes / first.events) / further, followed_alone, *messages)
    leader, *replicas = (_part(one, other, *messages) for one, other in zip(loaded[1:], alone[1:], strict=True))
    own = max(50e-6, first.used.nodes / first.events - followed.of(first.messages, 1))
    costs = cluster_simulation.Costs(
        own=own,
        followed=followed,
        handler=first.used.handlers / first.events,
        leader=leader,
        replica=max(replicas, key=lambda each: each.of(1, 1)),
        waits=tuple(max(0.0, each - own / 2) for each in _quiet(min(three, key=_alone).alone.latencies)),
    )
    here = {each.nodes: cluster_simulation.Here(each.done, each.used.cores) for each in three}
    return cluster_simulation.Run(costs, here)


def _in_all(used: Used) -> list[float]:
    """Of nodes, then of servers, who leads first."""
    return [used.nodes, *sorted(used.servers, reverse=True)]


def _part(loaded: float, alone: float, messages: float, messages_alone: float) -> cluster_simulation.Part:
    """Of what an event costs with others in its messages, and what it costs alone in its."""
    if messages_alone - messages < 0.1:
        return cluster_simulation.Part(0.0, max(1e-6, loaded))
    message = min(loaded / messages, max(0.0, (alone - loaded) / (messages_alone - messages)))
    return cluster_simulation.Part(message, max(1e-6, loaded - messages * message))


def _alone(measured: Measured) -> float:
    return measured.alone.percentile(0.5)


def _quiet(waits: list[float]) -> list[float]:
    """Without the slowest tenth, which on a machine with other work on it is the others' making."""
    return sorted(waits)[: len(waits) * 9 // 10]

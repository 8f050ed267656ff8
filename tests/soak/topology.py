"""Three NATS servers and three nodes, each pair of them joined by a `Link` that can be cut.

Nodes reach each server by a link of their own, servers reach each other by links, and what a node advertises to the
others is a link. Clients of the nodes come directly. Made by `cluster.py`, mistreated by `faults.py`.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.project import write
from tests.journeys.servers import launch
from tests.soak.links import Link
from tests.store.nats.servers import Server, free_port

_LIMITS = ("lambda.environments=6", "lambda.throttle_base_seconds=0.2", "lambda.throttle_maximum_seconds=2")
_READY_SECONDS = 90.0

#: Where nobody listens: servers are found by the routes that they are told, which are links.
_NOWHERE = "127.0.0.1:1"


class NodeProcess:
    """`callpark start`, started again as a supervisor does it. `advertise`: where the other nodes reach it."""

    def __init__(self, name: str, project: Path, data: Path, store: str, port: int, advertise: str) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self.process: asyncio.subprocess.Process | None = None
        self.paused = False
        limits = [part for limit in _LIMITS for part in ("--limit", limit)]
        self._command = ["start", str(project), "--port", str(port), "--data", str(data), *limits]
        self._command += ["--store", store, "--node-name", name, "--advertise", advertise]
        self._errors = data.with_suffix(".errors")
        self._drain: asyncio.Task[None] | None = None

    @property
    def lives(self) -> bool:
        return self.process is not None and not self.paused

    async def start(self) -> None:
        """Again when the servers are not there yet."""
        for _ in range(20):
            if await self._start():
                return
            await asyncio.sleep(1.0)
        raise AssertionError(f"{self.name} does not start: {self.said()[-2_000:]}")

    async def _start(self) -> bool:
        with self._errors.open("ab") as errors:
            process = await launch(self._command, errors)
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), _READY_SECONDS)).decode()
        if not line.startswith("ready http://"):
            await process.wait()
            return False
        self.process = process
        self._drain = asyncio.create_task(_drain(process.stdout))
        return True

    def pause(self) -> None:
        assert self.process is not None
        self.paused = True
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self.paused and self.process is not None:
            os.kill(self.process.pid, signal.SIGCONT)
        self.paused = False

    async def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            assert self._drain is not None
            await asyncio.wait_for(self._drain, 30)

    def said(self) -> str:
        return self._errors.read_text(errors="replace") if self._errors.exists() else ""


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


@dataclass(frozen=True, slots=True)
class Topology:
    """`stores[n][s]`: from node n to server s; `routes[s, t]`: that server s has opened to server t; `peers[n]`: from
    any node to node n."""

    servers: list[Server]
    nodes: list[NodeProcess]
    stores: list[list[Link]]
    routes: dict[tuple[int, int], Link]
    peers: list[Link]

    def links(self) -> list[Link]:
        return [*(link for each in self.stores for link in each), *self.routes.values(), *self.peers]


@contextlib.asynccontextmanager
async def running(folder: Path, *flows: str, servers: int = 3, nodes: int = 3) -> AsyncIterator[Topology]:
    """All ready; ended with the context. `flows`: more resources of the project."""
    project = write(folder / "project", *flows, seen=str(folder / "seen"))
    made = [Server(folder / "servers" / f"s{n}") for n in range(servers)]
    ports = [free_port() for _ in range(nodes)]
    stores = [[Link(server.port) for server in made] for _ in ports]
    pairs = [(s, t) for s in range(servers) for t in range(servers) if s != t]
    routes = {(s, t): Link(made[t].cluster_port) for s, t in pairs}
    peers = [Link(port) for port in ports]
    processes = [
        NodeProcess(
            f"n{n + 1}",
            project,
            folder / f"data{n + 1}",
            "nats://" + ",".join(f"127.0.0.1:{link.port}" for link in stores[n]),
            port,
            f"http://127.0.0.1:{peers[n].port}",
        )
        for n, port in enumerate(ports)
    ]
    found = Topology(made, processes, stores, routes, peers)
    for number, server in enumerate(made if servers > 1 else []):
        told = ", ".join(f'"nats://127.0.0.1:{routes[s, t].port}"' for s, t in pairs if s == number)
        server.configure(
            f'server_name: "s{number}"\ncluster {{ name: "soak", listen: "127.0.0.1:{server.cluster_port}",'
            f' advertise: "{_NOWHERE}", no_advertise: true, ping_interval: "2s", ping_max: 2, routes: [{told}] }}'
        )
    try:
        for link in found.links():
            link.start()
        for server in made:
            await asyncio.to_thread(server.start)
        await asyncio.gather(*(each.start() for each in processes))
        yield found
    finally:
        for each in processes:
            each.resume()
            await each.kill()
        for server in made:
            server.remove()
        for link in found.links():
            link.close()

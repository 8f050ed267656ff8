"""Several nodes in one process: real servers on loopback, one memory as their store, handlers that are Python
callables."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import boto3
import httpx
from botocore.config import Config

from callpark.app import App
from callpark.cluster.node import Node
from callpark.gateway.server import Server, bind
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import ClusterLimits, Limits
from callpark.projects.load import load_project
from callpark.settings import Settings
from callpark.store.memory import MemoryStore
from tests.cluster.project import write
from tests.functions.plain_environments import Handler, PlainEnvironments

LIMITS = replace(Limits(), cluster=ClusterLimits(beat_seconds=0.1, fence_seconds=0.6, silence_seconds=1.0))


@dataclass
class Running:
    """One node."""

    app: App
    node: Node
    server: Server
    environments: PlainEnvironments
    stopped: bool = False

    @property
    def url(self) -> str:
        return self.app.base_url

    def client(self, service: str):  # type: ignore[no-untyped-def]
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="callpark",
            aws_secret_access_key="callpark",
            config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30),
        )

    async def stop(self) -> None:
        """As SIGTERM does it."""
        if not self.stopped:
            self.stopped = True
            await self.app.drain()
            self.app.queues.dismiss()
            await self.server.stop()
            await self.app.close()


@dataclass
class Several:
    folder: Path
    handlers: dict[str, Handler]
    store: MemoryStore
    project: Path
    bound: contextlib.ExitStack
    nodes: list[Running] = field(default_factory=list)
    limits: Limits = LIMITS

    async def add(self) -> Running:
        number = len(self.nodes)
        clock, ids = SystemClock(), SystemIds()
        listening = self.bound.enter_context(bind("127.0.0.1", 0))
        settings = Settings(data=self.folder / f"data{number}", port=0, limits=self.limits)
        store = self.store.another_node()
        node = Node(store, clock, ids, self.limits.cluster, name=f"n{number}", url=listening.base_url)
        made: list[PlainEnvironments] = []

        def environments(app: App) -> PlainEnvironments:
            made.append(PlainEnvironments(app.clock, self.handlers))
            return made[0]

        app = App(settings, listening.base_url, store, clock=clock, ids=ids, environments=environments, node=node)
        server = Server(app.gateway, listening, self.limits.gateway, direct=app.gateway)
        await server.start()
        await app.start(
            lambda: load_project(
                self.project, place=settings.place, base_url=listening.base_url, parameters={}, limits=self.limits
            )
        )
        running = Running(app, node, server, made[0])
        self.nodes.append(running)
        return running

    def holder(self, kind: str, name: str) -> Running:
        (found,) = [each for each in self.nodes if not each.stopped and each.node.holds((kind, name))]
        return found

    def others(self, kind: str, name: str) -> list[Running]:
        return [each for each in self.nodes if not each.stopped and not each.node.holds((kind, name))]

    async def settled(self, count: int) -> None:
        """Until so many members agree."""
        async with asyncio.timeout(10):
            while True:
                living = [each for each in self.nodes if not each.stopped]
                views = {each.node.view.epoch for each in living}
                ready = all(
                    each.node.standing.settled == each.node.view.epoch and len(each.node.view.members) == count
                    for each in living
                )
                if ready and len(views) == 1:
                    return
                await living[0].node.changed()


@contextlib.asynccontextmanager
async def several(
    folder: Path, handlers: dict[str, Handler], *flows: str, count: int = 3, limits: Limits = LIMITS
) -> AsyncIterator[Several]:
    with contextlib.ExitStack() as bound:
        found = Several(folder, handlers, MemoryStore(SystemClock()), write(folder / "project", *flows), bound)
        found.limits = limits
        try:
            for _ in range(count):
                await found.add()
            await found.settled(count)
            yield found
        finally:
            for each in found.nodes:
                await each.stop()


async def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=30, verify=False) as client:
        return await client.post(url, content=body, headers=headers or {})

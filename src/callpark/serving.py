"""The application behind a real socket: what commands and tests open.

A bound port, every service open, the project loaded, the server answering; everything closed in the opposite order at
the end.
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from pathlib import Path

from callpark.app import App
from callpark.cluster.node import Node
from callpark.functions.environments.ports import Environments
from callpark.gateway.server import Server, bind
from callpark.kernel.clock import Clock, SystemClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids, SystemIds
from callpark.projects.load import load_project
from callpark.settings import Settings, Source
from callpark.store.opening import open_store
from callpark.store.ports import Store, StoreFailure


@contextlib.asynccontextmanager
async def served(
    settings: Settings,
    project: Path | Source | None = None,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    environments: Callable[[App], Environments] | None = None,
) -> AsyncIterator[App]:
    """The application behind a real socket. Raises ProjectError when the port, the data folder or the project cannot
    be used. `project` is a path, or what reads one, or none at all; `environments` replaces the real processes."""
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        bound = stack.enter_context(bind(settings.host, settings.port))
        ids = ids or SystemIds()
        name = settings.node or f"{socket.gethostname()}-{bound.port}"
        store = await open_store(
            settings.store,
            settings.data,
            clock,
            ids,
            settings.limits.store,
            node=name,
            replicas=settings.store_replicas,
        )
        node = _node(settings, name, bound.base_url, store, clock, ids) if settings.store else None
        app = App(settings, bound.base_url, store, clock=clock, ids=ids, environments=environments, node=node)
        stack.push_async_callback(app.close)
        try:
            await app.start(_source(project, app))
        except StoreFailure as failure:
            raise ProjectError(
                f"the store failed while this server started: {failure}",
                "see what the NATS servers say, then start again" if settings.store else "see to the disk of --data",
            ) from failure
        server = Server(app.gateway, bound, settings.limits.gateway, direct=app.gateway, certificate=app.certificate)
        await server.start()
        stack.push_async_callback(server.stop)
        stack.callback(app.live_logs.close)
        stack.callback(app.queues.dismiss)
        stack.push_async_callback(app.drain)
        yield app


def _node(settings: Settings, name: str, base_url: str, store: Store, clock: Clock, ids: Ids) -> Node:
    url = (settings.advertise or base_url).rstrip("/")
    return Node(store, clock, ids, settings.limits.cluster, name=name, url=url, version=version("callpark"))


def _source(project: Path | Source | None, app: App) -> Source | None:
    if not isinstance(project, Path):
        return project
    return lambda: load_project(
        project,
        place=app.settings.place,
        base_url=app.base_url,
        parameters=app.settings.parameters,
        limits=app.settings.limits,
        databases=app.settings.databases,
    )

"""Serving a project until told to stop, as `start` and `dev` do.

Apart from the commands' options, so that quick commands do not import the services.
"""

import asyncio
import contextlib
import ipaddress
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from callpark.app import App
from callpark.cli import exits, options
from callpark.cli.collector import settle_collector
from callpark.cli.screen import remarks, show_warnings
from callpark.cli.status import show
from callpark.kernel.errors import ProjectError
from callpark.serving import served
from callpark.settings import Settings


def settle(asked: options.Serving) -> Settings:
    """Raises ProjectError."""
    project = asked.project
    if not project.exists():
        raise ProjectError(f"there is no project at {project}", "name a folder with a template.yaml, or a flow file")
    root = project if project.is_dir() else project.parent
    return Settings(
        data=(asked.data or root / ".callpark").absolute(),
        host=asked.host,
        port=asked.port,
        limits=options.limits(asked.limit),
        parameters=options.parameters(asked.parameter),
        upstreams=options.upstreams(asked.upstream),
        databases=options.databases(asked.database),
        access_keys=options.access_keys(),
        key_sources=options.key_sources(asked.jwks),
        strict=asked.strict,
        store=asked.store,
        store_replicas=asked.store_replicas,
        node=asked.node_name,
        advertise=_address(asked.advertise),
    )


def _address(advertised: str) -> str:
    """Raises ProjectError."""
    if advertised and not advertised.startswith(("http://", "https://")):
        raise ProjectError(f"not an address of this node: {advertised}", "write --advertise http://host:port")
    return advertised


async def serve(settings: Settings, project: Path | None) -> int:
    """Serve until the first stop signal. Without a project there is what the APIs make."""
    stop = stop_signal()
    with _broken_off_by(stop) as ready:
        async with served(settings, project) as app:
            ready()
            await announce(app)
            settle_collector()
            await stop.wait()
            say_stopping(app)
    return exits.OK


@contextlib.contextmanager
def _broken_off_by(stop: asyncio.Event) -> Iterator[Callable[[], object]]:
    """A start may wait for others for long: a stop signal that comes before `ready` ends it there."""
    task, stopped = asyncio.current_task(), asyncio.ensure_future(stop.wait())
    assert task is not None, "a command's coroutine runs as one"

    def break_off(_: "asyncio.Future[Literal[True]]") -> None:
        if not stopped.cancelled():
            task.cancel()

    stopped.add_done_callback(break_off)
    try:
        yield lambda: stopped.remove_done_callback(break_off)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        task.uncancel()
    finally:
        stopped.remove_done_callback(break_off)
        stopped.cancel()


async def announce(app: App) -> None:
    """What is served and how to reach it; `ready` is the first line of standard output."""
    host = app.settings.host
    if not _is_loopback(host):
        show_warnings(
            [
                f"listening on {host}: whoever reaches this machine can run its functions, because local credentials "
                "are not verified; --host 127.0.0.1 keeps it to yourself"
            ]
        )
        if app.settings.upstreams.reaches_aws():
            show_warnings([f"whoever reaches {host} also uses AWS with your credentials, as --upstream …=aws says"])
    show_warnings(app.deployment.warnings)
    show(app.base_url, app.health())
    if app.graphql.apis() or app.event_apis.apis():
        await _announce_tls(app)
    remarks.print("Ctrl-C stops", style="dim")


async def _announce_tls(app: App) -> None:
    """Clients like Amplify's insist on wss://; what they have to trust is there before they are told."""
    try:
        path = await asyncio.to_thread(app.certificate.ensure)
    except ProjectError as error:
        show_warnings([f"no https:// and wss://: {error}; {error.remedy}"])
        return
    if app.graphql.apis():
        remarks.print(f"{app.base_url}/graphql is GraphiQL in a browser", style="dim")
    url = app.base_url.replace("http://", "https://", 1)
    remarks.print(f"{url} and wss:// too; clients trust {path} (Node.js: NODE_EXTRA_CA_CERTS)", style="dim")


def say_stopping(app: App) -> None:
    seconds = app.settings.limits.gateway.shutdown_seconds
    remarks.print(f"stopping; what runs has up to {seconds} s, Ctrl-C again ends it at once", style="dim")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def stop_signal() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM; a second one ends the process at once, as `kill -9` would: what was accepted
    is on disk, and the functions' processes end with their parent."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopped() -> None:
        if stop.is_set():
            os._exit(exits.INTERRUPTED)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped)
    return stop

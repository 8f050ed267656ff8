"""Serving a project until told to stop, as `start` and `dev` do.

Apart from the commands' options, so that quick commands do not import the services.
"""

import asyncio
import signal
from pathlib import Path

from callpark.app import App, Settings, served
from callpark.cli import exits, options
from callpark.cli.screen import remarks, show_warnings
from callpark.cli.status import show
from callpark.kernel.errors import ProjectError


def settle(
    project: Path,
    host: str,
    port: int,
    data: Path | None,
    limit: list[str] | None,
    parameter: list[str] | None,
) -> Settings:
    """The options of `start` and `dev` as settings. Raises ProjectError."""
    if not project.exists():
        raise ProjectError(f"there is no project at {project}", "name a folder with a template.yaml, or a flow file")
    root = project if project.is_dir() else project.parent
    return Settings(
        data=data or root / ".callpark",
        host=host,
        port=port,
        limits=options.limits(limit),
        parameters=options.parameters(parameter),
    )


async def serve(settings: Settings, project: Path) -> int:
    """Serve until the first stop signal."""
    stop = stop_signal()
    async with served(settings, project) as app:
        announce(app)
        await stop.wait()
        remarks.print("stopping", style="dim")
    return exits.OK


def announce(app: App) -> None:
    show_warnings(app.warnings)
    show(app.base_url, app.health())
    remarks.print("Ctrl-C stops", style="dim")


def stop_signal() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM; a second one ends the process the hard way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first, number)
    return stop

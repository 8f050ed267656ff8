"""Serving a project and reloading it when its files change, as `dev` does.

A change that does not load is shown, and the last good version keeps serving.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from callpark.app import App
from callpark.cli import exits
from callpark.cli.collector import settle_collector
from callpark.cli.logs import follow
from callpark.cli.screen import remarks, show_error, show_warnings
from callpark.cli.serving import announce, say_stopping, stop_signal
from callpark.cli.status import show_resources
from callpark.kernel.errors import ProjectError
from callpark.kernel.tasks import Tasks
from callpark.serving import served
from callpark.settings import Settings


async def serve_and_reload(settings: Settings, project: Path) -> int:
    """Serve, follow and reload until the first stop signal."""
    stop = stop_signal()
    async with served(settings, project) as app:
        with follow(app.trace):  # while it announces itself it is already asked
            await announce(app)
            settle_collector()
            await _reload_on_change(app, stop)
        say_stopping(app)
    return exits.OK


@dataclass(frozen=True, slots=True)
class Places:
    """What is looked at: `folders` with all below them, `parents` for the names directly in them."""

    folders: frozenset[Path]
    parents: frozenset[Path]


def places(watched: Iterable[Path]) -> Places:
    """Where changes of these files and folders show. A file is seen through its folder, because editors replace files
    instead of writing into them; what is gone is seen through the nearest folder that is there."""
    folders, parents = set(), set()
    for path in watched:
        if path.is_dir():
            folders.add(path)
        parents.add(next(parent for parent in path.parents if parent.is_dir()))
    return Places(frozenset(folders), frozenset(parents - folders))


class ProjectFilter(DefaultFilter):
    """What a change of may change the project: not byte code, not version control, not our own data."""

    def __init__(self, data: Path) -> None:
        self._data = data
        super().__init__()

    def __call__(self, change: Change, path: str) -> bool:
        return super().__call__(change, path) and not Path(path).is_relative_to(self._data)


async def _reload_on_change(app: App, stop: asyncio.Event) -> None:
    while not stop.is_set():
        found = places(app.deployment.watched)
        async with _changes(found, app.settings.data.resolve(), stop) as batches:
            healthy = await _read_again(app)  # what was edited before the watch stood
            while places(app.deployment.watched) == found and (batch := await batches.get()) is not None:
                changed = {path for path in batch if not healthy or _matters(path, app.deployment.watched, found)}
                if changed:
                    healthy = await _reload(app, changed)


def _matters(path: Path, watched: Iterable[Path], found: Places) -> bool:
    return path in watched or any(path.is_relative_to(folder) for folder in found.folders)


@contextlib.asynccontextmanager
async def _changes(
    found: Places, data: Path, stop: asyncio.Event
) -> AsyncIterator["asyncio.Queue[frozenset[Path] | None]"]:
    """Batches of changed paths while the context is open; None when `stop` is set."""
    batches: asyncio.Queue[frozenset[Path] | None] = asyncio.Queue()

    async def watch(folders: frozenset[Path], recursive: bool) -> None:
        wanted = ProjectFilter(data)
        async for batch in awatch(*folders, watch_filter=wanted, debounce=200, step=50, recursive=recursive):
            batches.put_nowait(frozenset(Path(path) for _, path in batch))

    async def end() -> None:
        await stop.wait()
        batches.put_nowait(None)

    watchers = Tasks("hot reload")
    watchers.spawn(end(), "stop")
    for folders, recursive in ((found.folders, True), (found.parents, False)):
        if folders:
            watchers.spawn(watch(folders, recursive), "recursive" if recursive else "flat")
    try:
        yield batches
    finally:
        await watchers.aclose()


async def _reload(app: App, changed: set[Path]) -> bool:
    """Serve what is on disk now and say so; whether it can be served."""
    before = app.health()
    if not await _read_again(app):
        return False
    names = sorted(path.name for path in changed)
    show_warnings(app.deployment.warnings)
    remarks.print(f"reloaded ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})", style="dim")
    if app.health() != before:
        show_resources(app.health())
    return True


async def _read_again(app: App) -> bool:
    """Whether what is on disk now is what is served."""
    try:
        await app.deployment.reload()
    except ProjectError as error:
        show_error(error)
        remarks.print("       the last good version keeps serving", style="dim")
        return False
    return True

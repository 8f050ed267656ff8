"""Serving a project and reloading it when its files change, as `dev` does.

A change that does not load is shown, and the last good version keeps serving.
"""

import asyncio
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from callpark.app import App, Settings, served
from callpark.cli import exits
from callpark.cli.logs import follow
from callpark.cli.screen import remarks, show_error, show_warnings
from callpark.cli.serving import announce, stop_signal
from callpark.kernel.errors import ProjectError


async def serve_and_reload(settings: Settings, project: Path) -> int:
    """Serve, follow and reload until the first stop signal."""
    stop = stop_signal()
    async with served(settings, project) as app:
        announce(app)
        with follow(app.trace):
            await _reload_on_change(app, settings, stop)
        remarks.print("stopping", style="dim")
    return exits.OK


async def _reload_on_change(app: App, settings: Settings, stop: asyncio.Event) -> None:
    data = settings.data.resolve()

    class Watched(DefaultFilter):
        def __call__(self, change: Change, path: str) -> bool:
            return super().__call__(change, path) and not Path(path).is_relative_to(data)

    async for changes in awatch(*app.watched, watch_filter=Watched(), stop_event=stop, debounce=200, step=50):
        changed = sorted({Path(path).name for _, path in changes})
        try:
            await app.reload()
        except ProjectError as error:
            show_error(error)
            remarks.print("the last good version keeps serving", style="dim")
        else:
            show_warnings(app.warnings)
            remarks.print(f"reloaded ({', '.join(changed[:3])}{', …' if len(changed) > 3 else ''})", style="dim")

"""A server with one function, Till, which answers its event; and commands that talk to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.cli import commands
from callpark.kernel.limits import Limits
from callpark.serving import served
from callpark.settings import Settings

TEMPLATE = """
Resources:
  Till:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: Till, Runtime: python3.11, Handler: app.handler, Role: r, Code: src}
"""


@contextlib.asynccontextmanager
async def till(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> AsyncIterator[App]:
    """The server, with one limit overridden; commands find it through CALLPARK_ENDPOINT."""
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text("def handler(event, context):\n    return event\n")
    (folder / "template.yaml").write_text(TEMPLATE)
    limits = Limits().override([limit])
    async with served(Settings(data=folder / "data", port=0, limits=limits), folder) as app:
        monkeypatch.setenv("CALLPARK_ENDPOINT", app.base_url)
        yield app


async def callpark(*arguments: str) -> int:
    return await asyncio.to_thread(commands.run, arguments)

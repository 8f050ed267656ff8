"""A functions slice for tests that need all of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.kernel.clock import VirtualClock
from tests.functions.scene import Scene, opened


@pytest.fixture
async def scene(clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Scene]:
    scene = await opened(clock, tmp_path)
    yield scene
    await scene.functions.close()
    await scene.store.close()

"""A queues slice for the tests of this folder."""

from collections.abc import AsyncIterator

import pytest

from callpark.kernel.clock import VirtualClock
from tests.queues.scene import Scene


@pytest.fixture
async def scene(clock: VirtualClock) -> AsyncIterator[Scene]:
    scene = await Scene.open(clock)
    yield scene
    await scene.queues.close()
    await scene.store.close()

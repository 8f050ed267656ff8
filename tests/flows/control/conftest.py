"""What the tests of Connect's control plane share."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.flows.control.scene import Scene

Refused: TypeAlias = Callable[..., Awaitable[CallerError]]


@pytest.fixture
async def scene(clock: VirtualClock) -> Scene:
    return await Scene(clock).opened()


@pytest.fixture
def refused(scene: Scene) -> Refused:
    """What an operation refuses."""

    async def refused(operation: str, **parameters: object) -> CallerError:
        with pytest.raises(CallerError) as refusal:
            await scene.call(operation, **parameters)
        return refusal.value

    return refused

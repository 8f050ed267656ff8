"""What the tests of AppSync's control plane share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.store.memory import MemoryStore
from tests.graphql.control.scene import Scene

Refused: TypeAlias = Callable[..., Awaitable[tuple[str, str]]]


@pytest.fixture
async def scene(clock: VirtualClock, ids: SeededIds) -> AsyncIterator[Scene]:
    made = Scene(clock, ids, MemoryStore(clock))
    yield made
    made.service.close()


@pytest.fixture
def refused(scene: Scene) -> Refused:
    """Code and message of what an operation refuses."""

    async def refused(operation: str, **parameters: object) -> tuple[str, str]:
        with pytest.raises(CallerError) as refusal:
            await scene.call(operation, **parameters)
        return refusal.value.code, refusal.value.message

    return refused

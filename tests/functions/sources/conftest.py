"""Functions fed from real queues, on virtual time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from callpark.adapters import QueuesAsSource
from callpark.functions.sources.happenings import BatchEnded
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import LambdaLimits, SqsLimits
from callpark.queues.model import Queue, Submission
from callpark.queues.service import Queues
from callpark.store.memory import MemoryStore
from callpark.store.ports import Store
from tests.functions.plain_environments import PlainEnvironments, Run
from tests.functions.scene import PLACE, Scene, opened_on

ROLE = "arn:aws:iam::123456789012:role/r"


@dataclass(slots=True)
class Fed:
    """A functions slice beside a queues slice."""

    scene: Scene
    queues: Queues
    clock: VirtualClock

    def arn(self, name: str) -> str:
        return PLACE.arn("sqs", name)

    async def queue(self, name: str, **attributes: str) -> Queue:
        fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
        return await self.clock.run_until(self.queues.administration.create(name, {**fifo, **attributes}, {}))

    async def send(self, name: str, *bodies: str, group: str | None = None) -> list[str]:
        sent = await self.clock.run_until(
            self.queues.send(self.queues.queue(self.arn(name)), [Submission(body, group=group) for body in bodies])
        )
        return [one.message_id for one in sent]

    async def map(self, queue: str, function: str = "f", **parameters: object) -> dict[str, object]:
        return await self.scene.call(
            "CreateEventSourceMapping", EventSourceArn=self.arn(queue), FunctionName=function, **parameters
        )

    async def left(self, name: str) -> int:
        counts = await self.clock.run_until(self.queues.counts(self.queues.queue(self.arn(name))))
        return counts.visible + counts.in_flight + counts.delayed

    def bodies(self) -> list[list[str]]:
        """What each run was given."""
        return [bodies(run) for run in self.scene.environments.runs]

    def times(self) -> list[float]:
        return self.scene.environments.times(self.scene.start)

    def ended(self) -> list[BatchEnded]:
        return self.scene.trace_of(BatchEnded)

    async def close(self) -> None:
        await self.scene.functions.close()
        await self.queues.close()


def bodies(run: Run) -> list[str]:
    assert isinstance(run.event, dict)
    return [record["body"] for record in run.event["Records"]]


async def feed(
    clock: VirtualClock,
    directory: Path,
    store: Store,
    limits: LambdaLimits | None = None,
    before: Scene | None = None,
) -> Fed:
    """Newly started on a store; with the handlers and definitions of `before`."""
    queues = Queues(
        clock=clock,
        ids=SeededIds(2 if before is None else 3),
        limits=SqsLimits(),
        place=PLACE,
        store=store,
        base_url="http://127.0.0.1:4566",
    )
    await queues.start()
    await queues.apply(())
    environments = PlainEnvironments(clock, dict(before.environments.handlers) if before is not None else {})
    definitions = before.definitions if before is not None else None
    scene = await opened_on(store, clock, directory, environments, limits, definitions, QueuesAsSource(queues))
    return Fed(scene, queues, clock)


@pytest.fixture
async def fed(clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Fed]:
    limits = replace(LambdaLimits(), idle_environment_seconds=0.0)
    fed = await feed(clock, tmp_path, MemoryStore(clock), limits)
    yield fed
    await fed.close()

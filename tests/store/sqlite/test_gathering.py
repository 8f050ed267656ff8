"""When the writer is woken: alone at once, many together, never for nothing, and never not at all."""

import asyncio

import pytest

from callpark.store.ports import Done, SetRow
from callpark.store.sqlite import gathering
from callpark.store.sqlite.gathering import ENOUGH, Gathering, urgent

pytestmark = pytest.mark.unit


class Writer:
    """Takes everything with a wake; `batches` are the sizes. The test says when a batch is settled."""

    def __init__(self) -> None:
        self.lined_up = 0
        self.batches: list[int] = []
        self.taken = asyncio.Event()
        self.gathering = Gathering(lambda: self.lined_up, self.take)

    def add(self, urgent: bool = True) -> None:
        self.lined_up += 1
        self.gathering.add(urgent)

    def take(self) -> None:
        self.batches.append(self.lined_up)
        self.lined_up = 0
        self.taken.set()


async def _turns(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def _ready(batch: int) -> Writer:
    """A writer that has just written this many."""
    writer = Writer()
    for _ in range(batch):
        writer.add()
    await _turns()
    writer.gathering.settled()
    assert writer.batches == [batch]
    writer.batches.clear()
    writer.taken.clear()
    return writer


async def test_a_lone_commit_goes_after_its_turn() -> None:
    writer = await _ready(1)
    writer.add()
    await _turns(1)
    assert writer.batches == [1]


async def test_commits_of_one_turn_go_together() -> None:
    writer = await _ready(1)
    for _ in range(5):
        writer.add()
    await _turns(1)
    assert writer.batches == [5]


async def test_after_a_larger_batch_turns_that_bring_more_are_waited_for() -> None:
    writer = await _ready(8)
    for _ in range(4):
        writer.add()
        await _turns(1)
    assert writer.batches == []
    await _turns(1)
    assert writer.batches == [4]


async def test_enough_are_enough() -> None:
    writer = await _ready(8)
    for _ in range(ENOUGH):
        writer.add()
    await _turns(1)
    assert writer.batches == [ENOUGH]


async def test_what_comes_during_a_batch_waits_for_its_end() -> None:
    writer = await _ready(2)
    writer.add()
    await _turns()
    writer.add()
    await _turns()
    assert writer.batches == [1]
    writer.gathering.settled()
    await _turns()
    assert writer.batches == [1, 1]


async def test_a_full_batch_does_not_wait_for_the_end_of_another() -> None:
    writer = await _ready(2)
    writer.add()
    await _turns()
    for _ in range(ENOUGH):
        writer.add()
    assert writer.batches == [1, ENOUGH]
    for _ in range(3 * ENOUGH):
        writer.add()
    await _turns()
    assert writer.batches == [1, ENOUGH], "once is enough: the writer takes all there is"
    writer.gathering.settled()
    await _turns()
    assert writer.batches == [1, ENOUGH, 3 * ENOUGH]


async def test_patient_removals_wait_for_company_and_go_with_whoever_is_in_a_hurry() -> None:
    writer = await _ready(1)
    writer.add(urgent=False)
    await _turns()
    writer.add(urgent=False)
    await _turns()
    assert writer.batches == []
    writer.add()
    await _turns()
    assert writer.batches == [3]


async def test_patient_removals_go_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "LINGER_SECONDS", 0.0)
    writer = await _ready(1)
    writer.add(urgent=False)
    await asyncio.wait_for(writer.taken.wait(), 10)
    assert writer.batches == [1]


def test_who_is_urgent() -> None:
    assert not urgent([Done("q", "a", patient=True), Done("q", "b", patient=True)])
    assert urgent([Done("q", "a", patient=True), Done("q", "b")])
    assert urgent([SetRow("t", "k", b"")])

"""Both stores against one simple model, step by step, through restarts."""

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callpark.kernel.clock import VirtualClock
from callpark.store.memory import MemoryStore
from callpark.store.ports import Change, Defer, DeleteRow, Done, Put, RevisionConflict, Row, SetRow, Store, WorkItem
from callpark.store.sqlite import SqliteStore
from callpark.store.window import Bounds

pytestmark = pytest.mark.sim

T = TypeVar("T")
QUEUES = st.sampled_from(["one", "two"])
IDS = st.sampled_from("abcdefgh")
SECONDS = st.sampled_from([0.0, 0.0, 1.0, 5.0, 60.0])
KEYS = st.sampled_from(["k", "k/1", "k/2"])


@dataclass(slots=True)
class Model:
    """What the port promises, in the simplest words."""

    items: dict[tuple[str, str], tuple[int, WorkItem]]
    leased: set[tuple[str, str]]
    rows: dict[str, Row]
    sequence: int = 0

    def apply(self, changes: list[Change]) -> bool:
        """False when a revision is not met; then nothing is applied."""
        rows = dict(self.rows)
        for change in changes:
            if isinstance(change, SetRow):
                current = rows[change.key].revision if change.key in rows else 0
                if change.revision not in (None, current):
                    return False
                rows[change.key] = Row(change.key, change.value, current + 1)
            elif isinstance(change, DeleteRow):
                rows.pop(change.key, None)
        self.rows = rows
        for change in changes:
            self._apply_to_items(change)
        return True

    def _apply_to_items(self, change: Change) -> None:
        if isinstance(change, Put):
            name = (change.item.queue, change.item.id)
            if name not in self.items:
                self.sequence += 1
                self.items[name] = self.sequence, change.item
        elif isinstance(change, Defer) and (change.queue, change.id) in self.items:
            name = (change.queue, change.id)
            sequence, item = self.items[name]
            self.items[name] = sequence, msgspec.structs.replace(item, state=change.state, ready_at=change.ready_at)
            self.leased.discard(name)
        elif isinstance(change, Done):
            self.items.pop((change.queue, change.id), None)
            self.leased.discard((change.queue, change.id))

    def lease(self, queue: str, limit: int, now: float) -> list[WorkItem]:
        ready = sorted(
            (item.ready_at, sequence, name)
            for name, (sequence, item) in self.items.items()
            if name[0] == queue and name not in self.leased and item.ready_at <= now
        )[:limit]
        self.leased |= {name for _, _, name in ready}
        return [self.items[name][1] for _, _, name in ready]


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = VirtualClock()
        self.model = Model({}, set(), {})
        self.bodies = 0
        self.directory = tempfile.TemporaryDirectory()
        self.store: Store = self.open()

    def open(self) -> Store:
        raise NotImplementedError

    async def reopen(self) -> Store:
        raise NotImplementedError

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.loop.close()
        self.directory.cleanup()

    def _item_change(self, kind: int, queue: str, item_id: str, seconds: float) -> Change:
        self.bodies += 1
        at, mark = self.clock.now() + seconds, str(self.bodies).encode()
        if kind <= 2:
            return Put(WorkItem(queue, item_id, mark, b"new", at))
        return Defer(queue, item_id, mark, at) if kind == 3 else Done(queue, item_id)

    @rule(
        drawn=st.lists(st.tuples(st.integers(0, 4), QUEUES, IDS, SECONDS), max_size=6),
        rows=st.lists(st.tuples(KEYS, st.sampled_from([None, None, 0, 1, 2]), st.booleans()), max_size=2),
        together=st.booleans(),
    )
    def commit(
        self,
        drawn: list[tuple[int, str, str, float]],
        rows: list[tuple[str, int | None, bool]],
        together: bool,
    ) -> None:
        changes = [self._item_change(*one) for one in drawn]
        changes += [SetRow("t", key, b"v", revision) if keep else DeleteRow("t", key) for key, revision, keep in rows]
        commits = [changes] if together else [[change] for change in changes]

        async def write() -> list[bool]:
            started = [self.store.commit(changes) for changes in commits]
            ended = await asyncio.gather(*started, return_exceptions=True)
            assert all(error is None or isinstance(error, RevisionConflict) for error in ended), ended
            return [error is None for error in ended]

        assert self.run(write()) == [self.model.apply(changes) for changes in commits]

    @rule(queue=QUEUES, limit=st.integers(1, 20))
    def lease(self, queue: str, limit: int) -> None:
        async def lease() -> list[WorkItem]:
            await self.clock.settle()
            return list(self.store.lease(queue, limit))

        found = self.run(lease())
        expected = self.model.lease(queue, len(found), self.clock.now())
        assert found == expected
        if len(found) < limit:
            assert self._lease_rest(queue, limit - len(found)) == self.model.lease(
                queue, limit - len(found), self.clock.now()
            )

    def _lease_rest(self, queue: str, limit: int) -> list[WorkItem]:
        """What was on disk only comes after a moment."""

        async def lease() -> list[WorkItem]:
            rest: list[WorkItem] = []
            for _ in range(20):
                await self.clock.settle()
                rest += self.store.lease(queue, limit - len(rest)) if len(rest) < limit else ()
            return rest

        return self.run(lease())

    @rule(seconds=SECONDS)
    def advance(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @rule()
    def restart(self) -> None:
        self.store = self.run(self.reopen())
        self.model.leased.clear()

    @invariant()
    def counts_and_rows_agree(self) -> None:
        async def read() -> tuple[dict[str, int], list[Row]]:
            counts = {queue: await self.store.count(queue) for queue in await self.store.queues()}
            return counts, list(await self.store.scan("t"))

        counts: dict[str, int] = {}
        for queue, _ in self.model.items:
            counts[queue] = counts.get(queue, 0) + 1
        assert self.run(read()) == (counts, [self.model.rows[key] for key in sorted(self.model.rows)])


class MemoryMachine(StoreMachine):
    def open(self) -> Store:
        return MemoryStore(self.clock)

    async def reopen(self) -> Store:
        assert isinstance(self.store, MemoryStore)
        return self.store.crash()


class SqliteMachine(StoreMachine):
    def open(self) -> Store:
        return SqliteStore.open(Path(self.directory.name), self.clock, window=Bounds(2, 100_000))

    async def reopen(self) -> Store:
        await self.store.close()
        return self.open()


_SETTINGS = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestMemoryStore = MemoryMachine.TestCase
TestMemoryStore.settings = _SETTINGS
TestSqliteStore = SqliteMachine.TestCase
TestSqliteStore.settings = _SETTINGS

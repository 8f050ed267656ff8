"""Random histories of a queue against a simple model, on a store that delays and refuses, across crashes.

What must hold whatever happens: an acknowledged message is never lost, never delivered before its time, never twice
within its visibility; receive counts and the move to the dead-letter queue are exact; FIFO groups keep their order and
duplicates are dropped.
"""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.store.memory import MemoryFaults, MemoryStore
from tests.queues.scene import Scene, arn

pytestmark = pytest.mark.sim

T = TypeVar("T")

VISIBILITY = 30
MAXIMUM_RECEIVES = 3
PICKS = st.integers(0, 99)
HISTORIES = settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass
class Known:
    """What the model knows of a message."""

    body: str
    group: str
    ready_at: float
    receives: int = 0
    visible_at: float = 0.0
    handle: str = ""
    handles: list[str] = field(default_factory=list)


class QueueHistories(RuleBasedStateMachine):
    """One loop for the whole history; every rule is one request, or time, or a crash."""

    fifo = False

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = VirtualClock()
        self.known: list[Known] = []
        self.dead: list[str] = []
        self.numbers = 0

    def teardown(self) -> None:
        self.run(self.scene.queues.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def open(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        suffix = ".fifo" if self.fifo else ""
        store = MemoryStore(self.clock, MemoryFaults(seed=1, failures=0.0))
        self.scene = await Scene.open(self.clock, store)
        create = self.scene.fifo if self.fifo else self.scene.create
        self.dead_url = await create(f"dead{suffix}")
        policy = json.dumps({"deadLetterTargetArn": arn(f"dead{suffix}"), "maxReceiveCount": MAXIMUM_RECEIVES})
        self.url = await create(f"work{suffix}", RedrivePolicy=policy, VisibilityTimeout=str(VISIBILITY))

    def _fail(self, share: float) -> None:
        store = self.scene.store
        assert isinstance(store, MemoryStore)
        store._faults = MemoryFaults(seed=self.numbers, failures=share)

    @rule(group=st.sampled_from("xyz"), delay=st.sampled_from([0, 0, 0, 7]), fails=st.integers(0, 9))
    def send(self, group: str, delay: int, fails: int) -> None:
        self.numbers += 1
        body = str(self.numbers)
        members: dict[str, object] = {"DelaySeconds": 0 if self.fifo else delay}
        if self.fifo:
            members |= {"MessageGroupId": group, "MessageDeduplicationId": body}
        if fails == 0:
            self._fail(1.0)
            with pytest.raises(CallerError, match="ServiceUnavailable"):
                self.run(self.scene.send(self.url, body, **members))
            self._fail(0.0)
            return
        self.run(self.scene.send(self.url, body, **members))
        ready_at = self.clock.now() + (0 if self.fifo else delay)
        self.known.append(Known(body, group if self.fifo else body, ready_at))
        if self.fifo and fails == 1:
            self.run(self.scene.send(self.url, "a duplicate", **members))

    def _open_front(self, now: float) -> list[Known]:
        """What a receive may give: everything visible; of a FIFO group only its front while nothing of it is held."""
        if not self.fifo:
            return [one for one in self.known if one.ready_at <= now and one.visible_at <= now]
        held = {one.group for one in self.known if one.visible_at > now}
        return [one for one in self.known if one.group not in held]

    @rule(limit=st.integers(1, 10), visibility=st.sampled_from([VISIBILITY, 5, 0]))
    def receive(self, limit: int, visibility: int) -> None:
        now = self.clock.now()
        possible = self._open_front(now)
        poisoned = [one for one in possible if one.receives >= MAXIMUM_RECEIVES]
        messages = self.run(self.scene.receive(self.url, limit, VisibilityTimeout=visibility))
        by_body = {one.body: one for one in possible}
        order: dict[str, list[str]] = {}
        for message in messages:
            one = by_body.pop(message["Body"])  # a KeyError: not visible, given twice, or never sent
            assert one.receives < MAXIMUM_RECEIVES
            one.receives += 1
            assert message["Attributes"]["ApproximateReceiveCount"] == str(one.receives)
            one.visible_at = now + visibility
            one.handle = message["ReceiptHandle"]
            one.handles.append(one.handle)
            order.setdefault(one.group, []).append(one.body)
        dead = {body for _, body in self._peek(self.dead_url)}
        gone = [one for one in poisoned if one.body in dead]
        assert dead >= set(self.dead)
        self.dead = sorted(dead)
        for one in gone:
            self.known.remove(one)
        left = [one for one in possible if one.body in by_body and one not in gone]
        assert not left or len(messages) + len(gone) >= limit, "a receive that could give more gave less"
        if self.fifo:
            for group, bodies in order.items():
                front = [one.body for one in possible if one.group == group and one not in gone]
                assert bodies == front[: len(bodies)]

    def _peek(self, url: str) -> list[tuple[str, str]]:
        queue = self.scene.queues.at(url)
        return [(message_id, m.body) for message_id, m, _, _ in self.run(self.scene.queues.peek(queue, 1000))]

    def _received(self, pick: int) -> Known | None:
        """One that has a handle. What is drawn depends on no answer: which messages a receive gives may vary."""
        received = [one for one in self.known if one.handle]
        return received[pick % len(received)] if received else None

    @rule(pick=PICKS, old=st.booleans())
    def delete(self, pick: int, old: bool) -> None:
        one = self._received(pick)
        if one is None:
            return
        handle = one.handles[0] if old else one.handle
        current = handle == one.handle
        refused = self._refused("DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)
        if self.fifo:
            in_time = current and one.visible_at > self.clock.now()
            assert refused is (not in_time)
            if in_time:
                self.known.remove(one)
        else:
            assert not refused
            if current:
                self.known.remove(one)

    @rule(pick=PICKS, seconds=st.sampled_from([0, 3, 60]))
    def change_visibility(self, pick: int, seconds: int) -> None:
        one = self._received(pick)
        if one is None:
            return
        now = self.clock.now()
        refused = self._refused(
            "ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=one.handle, VisibilityTimeout=seconds
        )
        assert refused is (self.fifo and one.visible_at <= now)
        if not refused:
            one.visible_at = now + seconds

    def _refused(self, operation: str, **parameters: object) -> bool:
        code = ""
        try:
            self.run(self.scene.call(operation, **parameters))
        except CallerError as error:
            code = error.code
        assert code in ("", "InvalidParameterValueException")
        return bool(code)

    @rule(seconds=st.sampled_from([1, 5, 7, 29, 30, 31]))
    def time_passes(self, seconds: int) -> None:
        self.run(self.clock.advance(seconds))

    @rule()
    def crash(self) -> None:
        self.run(self.scene.restart())

    @precondition(lambda self: not self.fifo)
    @rule()
    def disk_fails_for_a_receive(self) -> None:
        now = self.clock.now()
        self._fail(1.0)
        if self._open_front(now):
            with pytest.raises(CallerError, match="ServiceUnavailable"):
                self.run(self.scene.receive(self.url))
        else:
            assert self.run(self.scene.receive(self.url)) == []
        self._fail(0.0)
        self.run(self.clock.advance(1))  # until what could not be received is given back

    @invariant()
    def nothing_is_lost_and_nothing_is_left(self) -> None:
        if not hasattr(self, "scene"):
            return
        held = sorted(body for _, body in self._peek(self.url))
        assert held == sorted(one.body for one in self.known)

    @invariant()
    def counts_are_exact(self) -> None:
        if not hasattr(self, "scene"):
            return
        now = self.clock.now()
        flying = sum(one.visible_at > now for one in self.known)
        delayed = sum(one.ready_at > now and not one.receives for one in self.known)
        assert self.run(self.scene.counts(self.url)) == (len(self.known) - flying - delayed, flying, delayed)


class FifoHistories(QueueHistories):
    fifo = True


TestStandard = QueueHistories.TestCase
TestStandard.settings = HISTORIES
TestFifo = FifoHistories.TestCase
TestFifo.settings = HISTORIES

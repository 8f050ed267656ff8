"""The queue's scheduling: concurrency, back-off, fairness, volume, restarts.

Facts: lambda.md §4.4, §4.5, rules L3, L8.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from callpark.functions.environments.ports import EnvironmentUnavailable, Saturated
from callpark.functions.events import happenings
from callpark.functions.model import EventInvokeConfig, Invocation
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.ports import StoreFailure
from tests.functions.plain_environments import Handler, HandlerError, PlainEnvironments, Run
from tests.functions.scene import Scene, opened, opened_on

pytestmark = pytest.mark.sim


def fails(run: Run) -> object:
    raise HandlerError("boom")


def sleeps(clock: VirtualClock, seconds: float) -> Handler:
    async def handler(run: Run) -> object:
        await sleep(clock, seconds)
        return run.event

    return handler


def busiest(spans: list[tuple[float, float]]) -> int:
    """How many of the spans overlapped at most."""
    edges = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans], key=lambda e: (e[0], e[1]))
    running = most = 0
    for _, step in edges:
        running += step
        most = max(most, running)
    return most


async def ended(scene: Scene, request_ids: list[str]) -> None:
    for request_id in request_ids:
        await scene.clock.run_until(scene.functions.wait_for_event(request_id))


async def test_a_thousand_events_run_once_each(scene: Scene) -> None:
    await scene.declare("f", lambda run: run.event)
    sent = [scene.functions.invoke_event(Invocation("f", b"%d" % n)) for n in range(1000)]
    request_ids = await scene.clock.run_until(asyncio.gather(*sent))
    await ended(scene, list(request_ids))
    assert Counter(run.event for run in scene.environments.runs) == Counter(range(1000))
    assert len({run.request_id for run in scene.environments.runs}) == 1000
    await scene.clock.settle()
    assert await scene.store.count("events/f") == 0


async def test_slow_events_run_side_by_side(scene: Scene) -> None:
    await scene.declare("f", sleeps(scene.clock, 10))
    request_ids = [await scene.send("f", n) for n in range(100)]
    await ended(scene, request_ids)
    assert scene.since_start() == 10


async def test_one_noisy_function_does_not_delay_another(scene: Scene) -> None:
    await scene.declare("noisy", sleeps(scene.clock, 60))
    await scene.declare("quiet", lambda run: "done")
    for n in range(1000):
        await scene.send("noisy", n)
    await scene.clock.settle()
    request_id = await scene.send("quiet")
    await scene.clock.settle()
    assert scene.functions.event_result(request_id) is not None
    assert scene.since_start() == 0


async def test_reserved_concurrency_bounds_events(scene: Scene) -> None:
    spans: list[tuple[float, float]] = []

    async def handler(run: Run) -> object:
        await sleep(scene.clock, 10)
        spans.append((run.at, scene.clock.now()))
        return None

    await scene.declare("f", handler, reserved=2)
    await ended(scene, [await scene.send("f", n) for n in range(7)])
    assert busiest(spans) == 2
    assert scene.since_start() == 40


async def test_fifteen_events_behind_one_slot_use_it_promptly(scene: Scene) -> None:
    """Recorded: fifteen events behind concurrency 1 whose first sleeps 22 s had finished after about 70 s."""

    async def handler(run: Run) -> object:
        await sleep(scene.clock, 22 if run.event == 0 else 1)
        return None

    await scene.declare("f", handler, reserved=1)
    await ended(scene, [await scene.send("f", n) for n in range(15)])
    assert scene.since_start() == 22 + 14


async def test_a_synchronous_call_meanwhile_is_throttled(scene: Scene) -> None:
    await scene.declare("f", sleeps(scene.clock, 10), reserved=1)
    await scene.send("f")
    await scene.clock.settle()
    with pytest.raises(CallerError) as refusal:
        await scene.functions.invoke(Invocation("f", b"{}"))
    assert refusal.value.status == 429
    assert refusal.value.body == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }


async def test_an_event_behind_a_synchronous_call_runs_as_soon_as_it_ends(scene: Scene) -> None:
    await scene.declare("f", sleeps(scene.clock, 10), reserved=1)
    call = asyncio.ensure_future(scene.functions.invoke(Invocation("f", b"0")))
    await scene.clock.settle()
    request_id = await scene.send("f", 1)
    await ended(scene, [request_id])
    assert scene.environments.times(scene.start) == [0, 10]
    assert [type(h).__name__ for h in scene.happened(request_id)].count("EventThrottled") == 4  # at 0, 1, 3, 7 s
    await call


async def test_a_raised_limit_wakes_the_queue_at_once(scene: Scene) -> None:
    await scene.create("f", sleeps(scene.clock, 100))
    await scene.functions.administration.put_concurrency("f", 1)
    request_ids = [await scene.send("f", n) for n in range(3)]
    await scene.clock.advance(20)
    assert scene.environments.times(scene.start) == [0]
    await scene.functions.administration.put_concurrency("f", 3)
    await scene.clock.settle()
    assert scene.environments.times(scene.start) == [0, 20, 20]
    await ended(scene, request_ids)


@pytest.mark.parametrize("refusal", [Saturated(), EnvironmentUnavailable("no node here; install Node.js")])
async def test_system_errors_back_off_from_one_second_doubling(scene: Scene, refusal: Exception) -> None:
    def handler(run: Run) -> object:
        raise refusal

    await scene.declare("f", handler, config=EventInvokeConfig(maximum_event_age_seconds=1000))
    request_id = await scene.send("f")
    result = await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert scene.environments.times(scene.start) == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]
    assert (result.condition, result.attempts) == ("EventAgeExceeded", 0)


async def test_throttles_do_not_use_up_retries_and_their_counter_resets(scene: Scene) -> None:
    seen: Counter[str] = Counter()

    def handler(run: Run) -> object:
        seen["runs"] += 1
        if seen["runs"] in (1, 2, 4, 5):
            raise Saturated
        raise HandlerError("boom")

    await scene.declare("f", handler)
    result = await scene.clock.run_until(scene.functions.wait_for_event(await scene.send("f")))
    assert scene.environments.times(scene.start) == [0, 1, 3, 63, 64, 66, 186]
    assert (result.condition, result.attempts) == ("RetriesExhausted", 3)


async def test_events_expire_while_their_only_slot_is_taken(scene: Scene) -> None:
    config = EventInvokeConfig(maximum_event_age_seconds=60)
    await scene.declare("f", sleeps(scene.clock, 600), config=config, reserved=1)
    first = await scene.send("f", 0)
    waiting = [await scene.send("f", n) for n in range(1, 20)]
    await ended(scene, waiting)
    assert scene.since_start() <= 60
    results = [scene.functions.event_result(request_id) for request_id in waiting]
    assert {(r.condition, r.attempts) for r in results if r is not None} == {("EventAgeExceeded", 0)}
    await ended(scene, [first])


async def test_the_account_limit_is_shared_fairly(clock: VirtualClock, tmp_path: Path) -> None:
    scene = await opened(clock, tmp_path, replace(LambdaLimits(), account_concurrency=2))
    for name in ("a", "b", "c"):
        await scene.declare(name, sleeps(clock, 10))
    request_ids = [await scene.send(name, n) for name in ("a", "b", "c") for n in range(4)]
    await ended(scene, request_ids)
    first_six = Counter(run.function for run in scene.environments.runs[:6])
    assert set(first_six) == {"a", "b", "c"}
    assert scene.since_start() <= 60 + 10
    await clock.run_until(scene.functions.close())


async def test_events_of_a_deleted_function_are_discarded(scene: Scene) -> None:
    await scene.create("f", fails)
    request_id = await scene.send("f")
    await scene.clock.advance(30)
    await scene.functions.administration.delete_function("f")
    result = await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert (result.condition, result.attempts) == ("FunctionDeleted", 1)
    assert len(scene.environments.runs) == 1


async def test_a_project_that_drops_a_function_drops_its_events(scene: Scene) -> None:
    await scene.declare("f", sleeps(scene.clock, 10), reserved=1)
    running, waiting = await scene.send("f", 0), await scene.send("f", 1)
    await scene.clock.settle()
    await scene.functions.apply(())
    await ended(scene, [running, waiting])
    assert len(scene.environments.runs) == 1
    assert [r.condition for r in (scene.functions.event_result(i) for i in (running, waiting)) if r] == [
        "FunctionDeleted",
        "FunctionDeleted",
    ]


async def test_a_crash_loses_nothing(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    scene = await opened_on(store, clock, tmp_path, environments)
    attempts: Counter[object] = Counter()

    async def handler(run: Run) -> object:
        attempts[run.event] += 1
        await sleep(clock, 5)
        if run.event == 3 and attempts[run.event] == 1:
            raise HandlerError("boom")
        return None

    await scene.declare("f", handler, reserved=4)
    request_ids = [await scene.send("f", n) for n in range(10)]
    await clock.advance(7)  # four have run and one of them waits for its retry; four run
    await clock.run_until(scene.functions.close())
    following = store.crash()
    again = await opened_on(following, clock, tmp_path, environments, definitions=scene.definitions)
    for n, request_id in enumerate(request_ids):
        if n in (0, 1, 2):
            continue
        await clock.run_until(again.functions.wait_for_event(request_id))
    assert set(attempts) == set(range(10))
    assert {n: attempts[n] for n in range(4)} == {0: 1, 1: 1, 2: 1, 3: 2}
    assert all(attempts[n] <= 2 for n in range(4, 10))
    await again.functions.close()


async def test_orphaned_events_are_named_and_discarded(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    scene = await opened_on(store, clock, tmp_path, environments)
    await scene.declare("f", fails)
    await scene.send("f")
    await scene.clock.settle()
    await clock.run_until(scene.functions.close())
    functions = (await opened_on(store.crash(), clock, tmp_path, environments, definitions=scene.definitions)).functions
    # Started with its project, the event goes on; loaded again without it, the event is dropped.
    assert await functions.apply(()) == ["function f does not exist any more: its 1 waiting events are discarded"]
    await clock.advance(60)
    assert len(environments.runs) == 1
    await functions.close()


async def test_a_store_that_fails_now_and_then_delays_but_loses_nothing(clock: VirtualClock, tmp_path: Path) -> None:
    store = MemoryStore(clock, MemoryFaults(seed=7, delay_seconds=0.2, reorder=True, failures=0.3))
    scene = await opened_on(store, clock, tmp_path, PlainEnvironments(clock))
    failed: set[object] = set()

    def handler(run: Run) -> object:
        if run.event not in failed:
            failed.add(run.event)
            raise HandlerError("first time")
        return None

    await scene.declare("f", handler)
    accepted, refused = [], []
    for n in range(60):
        try:
            accepted.append(await scene.send("f", n))
        except CallerError as refusal:
            refused.append(refusal.status)
    assert len(accepted) > 20
    assert set(refused) == {503}
    await ended(scene, accepted)
    assert {run.request_id for run in scene.environments.runs} >= set(accepted)
    await clock.run_until(scene.functions.close())


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_happens_every_event_ends(clock: VirtualClock, tmp_path: Path, seed: int) -> None:
    """A small pool, slow and failing handlers, shifting reservations, a store that fails: nothing waits for ever
    (a stall is a Deadlock), no event runs more often than its policy allows."""
    chance = random.Random(seed)
    limits = replace(LambdaLimits(), environments=chance.randint(2, 12), account_concurrency=chance.randint(101, 120))
    store = MemoryStore(clock, MemoryFaults(seed=seed, delay_seconds=0.05, failures=0.05, reorder=True))
    scene = await opened_on(store, clock, tmp_path, PlainEnvironments(clock), limits)
    pool = chance.randint(1, 6)
    running = 0

    async def handler(run: Run) -> object:
        nonlocal running
        if running >= pool:
            raise Saturated
        running += 1
        assert isinstance(run.event, dict)
        await sleep(clock, run.event["seconds"])
        running -= 1
        if run.event["fails"]:
            raise HandlerError("boom")
        return None

    names = ["a", "b", "c"]
    for name in names:
        await clock.run_until(created(scene, name, handler))
    accepted: list[str] = []
    for _ in range(60):
        event = {"seconds": chance.choice([0, 0.1, 3, 40]), "fails": chance.random() < 0.3}
        try:
            accepted.append(await scene.send(chance.choice(names), event))
        except CallerError:
            continue
        if chance.random() < 0.1:
            await scene.clock.advance(chance.choice([0.5, 7, 90]))
        if chance.random() < 0.1:
            await clock.run_until(reserve(scene, chance.choice(names), chance.randint(0, 4)))
    for request_id in accepted:
        result = await clock.run_until(scene.functions.wait_for_event(request_id))
        assert result.attempts <= 3
    runs = Counter(h.subject for h in scene.trace_of(happenings.EventAttemptEnded))
    assert all(runs[request_id] <= 3 for request_id in accepted)
    await clock.run_until(scene.functions.close())


async def created(scene: Scene, name: str, handler: Handler) -> None:
    """Create a function, as often as the store needs."""
    while True:
        with contextlib.suppress(StoreFailure):
            await scene.create(name, handler)
            return


async def reserve(scene: Scene, name: str, reserved: int) -> None:
    with contextlib.suppress(CallerError, StoreFailure):
        await scene.functions.administration.put_concurrency(name, reserved)


async def test_a_bug_of_ours_backs_off_and_is_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    crashes = iter([True, False])

    def handler(run: Run) -> object:
        if next(crashes):
            raise RuntimeError("not the user's fault")
        return "fine"

    await scene.declare("f", handler)
    result = await scene.clock.run_until(scene.functions.wait_for_event(await scene.send("f")))
    assert (result.condition, result.attempts) == ("Success", 1)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    caplog.clear()


async def test_a_success_after_a_failure_says_how_many_runs_it_took(scene: Scene) -> None:
    failing = iter([True, False])

    def handler(run: Run) -> object:
        if next(failing):
            raise HandlerError("boom")
        return None

    await scene.declare("f", handler)
    request_id = await scene.send("f")
    await ended(scene, [request_id])
    assert scene.happened(request_id)[-1] == happenings.EventSucceeded(request_id, "f", 2)

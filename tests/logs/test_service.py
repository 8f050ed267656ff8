"""Logs on virtual time: batches, bounds, retention, restarts, failing disks."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.logs.model import GroupDefinition, Line, Selection
from callpark.logs.upkeep import CHUNKS, GROUPS, INDEX
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.sqlite.store import SqliteStore
from tests.logs.scene import GROUP, opened

pytestmark = pytest.mark.sim

DAY = 86_400


async def test_lines_are_there_at_once_and_on_disk_a_second_later(clock: VirtualClock) -> None:
    scene = await opened(clock)
    for number in range(100):
        scene.say(f"line {number}")
    assert await scene.filtered() == [f"line {number}" for number in range(100)]
    assert not await scene.store.scan(CHUNKS)
    await clock.advance(1)
    assert len(await scene.store.scan(CHUNKS)) == len(await scene.store.scan(INDEX)) == 1
    assert [row.key for row in await scene.store.scan(GROUPS)] == [GROUP]


async def test_a_quiet_function_costs_one_row_however_often_it_writes(clock: VirtualClock) -> None:
    scene = await opened(clock)
    for number in range(20):
        scene.say(f"line {number}")
        await clock.advance(5)
    assert len(await scene.store.scan(CHUNKS)) == 1
    assert len(await scene.filtered()) == 20


async def test_many_streams_share_a_row(clock: VirtualClock) -> None:
    scene = await opened(clock)
    for number in range(50):
        scene.say("hello", stream=f"environment-{number}")
    await clock.advance(1)
    assert len(await scene.store.scan(CHUNKS)) == 1
    assert len(scene.logs.streams(GROUP)) == 50


async def test_a_full_chunk_is_closed_and_never_written_again(clock: VirtualClock) -> None:
    scene = await opened(clock, chunk_bytes=1_000)
    for number in range(12):
        scene.say(f"{number} " + "x" * 300)
        await clock.advance(1)
    rows = await scene.store.scan(CHUNKS)
    assert len(rows) >= 3
    assert [line.split()[0] for line in await scene.filtered()] == [str(number) for number in range(12)]
    first = rows[0].revision
    scene.say("more")
    await clock.advance(1)
    assert (await scene.store.scan(CHUNKS))[0].revision == first


async def test_a_flood_is_written_before_the_second_is_over(clock: VirtualClock) -> None:
    scene = await opened(clock, buffer_bytes=10_000)
    for _ in range(200):
        scene.say("x" * 100)
    await clock.settle()
    assert len(await scene.store.scan(CHUNKS)) == 1


async def test_what_comes_faster_than_it_can_be_stored_is_dropped_and_told(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await opened(clock, unwritten_bytes=1_000)
    for _ in range(100):
        scene.say("x" * 100)
    await clock.advance(1)
    kept = len(await scene.filtered())
    assert kept < 20
    assert f"{100 - kept} log lines were dropped" in caplog.text


async def test_lines_survive_a_restart(clock: VirtualClock, tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, clock)
    scene = await opened(clock, store)
    await scene.call("CreateLogGroup", logGroupName="mine", tags={"team": "a"})
    await scene.call("PutRetentionPolicy", logGroupName="mine", retentionInDays=7)
    scene.say("before", subject="request-1")
    await clock.run_until(scene.logs.close())
    await store.close()

    store = SqliteStore.open(tmp_path, clock)
    scene = await opened(clock, store)
    scene.say("after")
    assert await scene.filtered() == ["before", "after"]
    group = scene.logs.group("mine")
    assert (group.retention_days, dict(group.tags)) == (7, {"team": "a"})
    found = [line async for line in scene.logs.read(GROUP, Selection(subject="request-1"))]
    assert [line.message for line in found] == ["before"]
    await clock.run_until(scene.logs.close())
    await store.close()


async def test_a_crash_loses_no_more_than_the_last_second(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    scene = await opened(clock, store)
    scene.say("kept")
    await clock.advance(1)
    scene.say("lost")
    scene = await opened(clock, store.crash())
    assert await scene.filtered() == ["kept"]


async def test_what_the_api_put_survives_a_crash(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    scene = await opened(clock, store)
    await scene.call("CreateLogGroup", logGroupName="mine")
    await scene.call("CreateLogStream", logGroupName="mine", logStreamName="s")
    now = int(clock.now() * 1000)
    await scene.call(
        "PutLogEvents", logGroupName="mine", logStreamName="s", logEvents=[{"timestamp": now, "message": "durable"}]
    )
    scene = await opened(clock, store.crash())
    assert await scene.filtered("mine") == ["durable"]


async def test_a_disk_that_fails_for_a_while_loses_nothing(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await opened(clock, faults=MemoryFaults(seed=3, failures=0.6))
    for number in range(10):
        scene.say(f"line {number}")
        await clock.advance(1)
    await clock.advance(60)
    assert await scene.filtered() == [f"line {number}" for number in range(10)]
    assert "logs cannot be stored" in caplog.text
    assert isinstance(scene.store, MemoryStore)
    again = await opened(clock, scene.store.crash())
    assert len(await again.filtered()) == 10


async def test_what_changes_while_a_flush_is_under_way_is_written_too(clock: VirtualClock) -> None:
    scene = await opened(clock, faults=MemoryFaults(seed=1, delay_seconds=2))
    scene.say("x")
    await clock.advance(1.05)
    created = asyncio.ensure_future(scene.logs.create_stream(GROUP, "late"))
    tagged = asyncio.ensure_future(scene.logs.tag(GROUP, {"a": "1"}))
    await clock.run_until(asyncio.gather(created, tagged))
    assert isinstance(scene.store, MemoryStore)
    again = await opened(clock, scene.store.crash())
    assert set(again.logs.streams(GROUP)) == {"s", "late"}
    assert dict(again.logs.group(GROUP).tags) == {"a": "1"}


async def test_retention_takes_old_lines_on_the_clock(clock: VirtualClock) -> None:
    scene = await opened(clock, chunk_bytes=1)
    scene.say("old")
    await clock.advance(1)
    await scene.call("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=1)
    await clock.advance(DAY / 2)
    scene.say("young")
    await clock.advance(DAY / 2)
    assert await scene.filtered() == ["young"]
    await clock.advance(1)
    assert len(await scene.store.scan(CHUNKS)) == 1
    await clock.advance(DAY)
    assert await scene.filtered() == []
    assert not await scene.store.scan(CHUNKS)
    assert not await scene.store.scan(INDEX)


async def test_without_retention_nothing_is_due(clock: VirtualClock) -> None:
    """A timer days ahead would let a stuck run in virtual time jump to it instead of saying that it is stuck."""
    scene = await opened(clock)
    scene.say("x")
    await clock.advance(1)
    assert "nothing is due" in clock.explain()


async def test_a_group_keeps_its_newest_lines_within_its_bound(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await opened(clock, chunk_bytes=1_000, group_bytes=5_000)
    for number in range(100):
        scene.say(f"{number} " + "x" * 200)
        await clock.advance(1)
    kept = [int(line.split()[0]) for line in await scene.filtered()]
    assert kept == list(range(kept[0], 100))
    assert 15 <= len(kept) <= 25
    assert len(await scene.store.scan(CHUNKS)) <= 6
    assert caplog.text.count("log group /aws/lambda/Echo is full") == 1


async def test_all_groups_together_keep_within_the_bound_oldest_first(clock: VirtualClock) -> None:
    scene = await opened(clock, chunk_bytes=1, total_bytes=1_000)
    for number in range(40):
        scene.say(f"{number} " + "x" * 100, group=f"/aws/lambda/f{number % 2}")
        await clock.advance(1)
    assert sum(group.stored_bytes for group in scene.logs.groups()) <= 1_000
    assert [line.split()[0] for line in await scene.filtered("/aws/lambda/f1")] == ["33", "35", "37", "39"]


async def test_a_deleted_group_leaves_nothing(clock: VirtualClock) -> None:
    scene = await opened(clock, chunk_bytes=1)
    for _ in range(3):
        scene.say("x")
        await clock.advance(1)
    scene.say("not written yet")
    await scene.call("DeleteLogGroup", logGroupName=GROUP)
    await clock.advance(5)
    for table in (GROUPS, INDEX, CHUNKS):
        assert not await scene.store.scan(table)
    with pytest.raises(CallerError, match="The specified log group does not exist"):
        await scene.filtered()


async def test_a_deleted_stream_leaves_the_others_also_after_a_restart(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    scene = await opened(clock, store, chunk_bytes=100)
    for number in range(6):
        scene.say(f"{number} " + "x" * 60, stream="ab"[number % 2])
        await clock.advance(1)
    await scene.call("DeleteLogStream", logGroupName=GROUP, logStreamName="a")
    assert [line.split()[0] for line in await scene.filtered()] == ["1", "3", "5"]
    scene = await opened(clock, store.crash())
    assert [line.split()[0] for line in await scene.filtered()] == ["1", "3", "5"]
    scene.say("again", stream="a")
    assert await scene.filtered(logStreamNames=["a"]) == ["again"]


async def test_followers_hear_each_line_once_and_then_no_more(clock: VirtualClock) -> None:
    scene = await opened(clock)
    heard: list[tuple[str, str]] = []

    def hear(group: str, line: Line) -> None:
        heard.append((group, line.message))

    end = scene.logs.follow(hear)
    scene.say("one")
    scene.say("two", group="other")
    end()
    scene.say("three")
    assert heard == [(GROUP, "one"), ("other", "two")]


async def test_reading_while_chunks_are_written_closed_and_trimmed_never_fails(clock: VirtualClock) -> None:
    scene = await opened(clock, chunk_bytes=500, group_bytes=2_000)

    async def read() -> list[int]:
        return [int(line.message.split()[0]) async for line in scene.logs.read(GROUP, Selection())]

    async def write() -> None:
        for number in range(200):
            scene.say(f"{number} " + "x" * 100)
            if number % 3 == 0:
                await scene.logs.flush()
            await asyncio.sleep(0)

    writing = asyncio.ensure_future(write())
    reads = 0
    while not writing.done():
        await asyncio.sleep(0)
        found = await read() if scene.logs.groups() else []
        assert found == sorted(found)
        reads += bool(found)
    await clock.run_until(writing)
    assert reads
    assert (await read())[-1] == 199


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("say"), st.sampled_from("ab"), st.integers(0, 5)),
            st.tuples(st.just("flush"), st.just(""), st.just(0)),
            st.tuples(st.just("restart"), st.just(""), st.just(0)),
        ),
        max_size=40,
    ),
    chunk=st.integers(1, 200),
)
async def test_lines_come_back_in_order_both_ways_whatever_happened(
    steps: list[tuple[str, str, int]], chunk: int
) -> None:
    """Against a list: what was said, by instant, then by order."""
    clock = VirtualClock()
    store = MemoryStore(clock)
    scene = await opened(clock, store, chunk_bytes=chunk)
    said: list[tuple[int, str, str]] = []
    base = int(clock.now())
    for number, (step, stream, seconds) in enumerate(steps):
        if step == "say":
            scene.logs.append(GROUP, stream, "", base + seconds, f"line {number}")
            said.append((seconds, stream, f"line {number}"))
        elif step == "flush":
            await clock.run_until(scene.logs.flush())
        else:
            await clock.run_until(scene.logs.close())
            store = store.crash()
            scene = await opened(clock, store, chunk_bytes=chunk)
    if not said:
        return
    wanted = [message for _, _, message in sorted(said, key=lambda line: line[0])]
    assert [line.message async for line in scene.logs.read(GROUP, Selection())] == wanted
    backwards = [line.message async for line in scene.logs.read(GROUP, Selection(), newest_first=True)]
    assert backwards == wanted[::-1]
    only_a = [line.message async for line in scene.logs.read(GROUP, Selection(streams=frozenset("a")))]
    assert only_a == [message for _, stream, message in sorted(said, key=lambda line: line[0]) if stream == "a"]
    late = [line.message async for line in scene.logs.read(GROUP, Selection(start=(base + 3) * 1000))]
    assert late == [message for seconds, _, message in sorted(said, key=lambda line: line[0]) if seconds >= 3]


async def test_a_projects_groups(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    scene = await opened(clock, store, groups=2)
    scene.say("before", group="kept")
    declared = [GroupDefinition("kept", 7, {"team": "a"}), GroupDefinition("new")]
    assert await clock.run_until(scene.logs.apply(declared)) == []
    assert [(group.name, group.retention_days, dict(group.tags)) for group in scene.logs.groups()] == [
        ("kept", 7, {"team": "a"}),
        ("new", None, {}),
    ]
    changed = [GroupDefinition("kept", None, {"cost": "b"}), GroupDefinition("third")]
    refused = ["log group third: Resource limit exceeded: 2 log groups"]
    assert await clock.run_until(scene.logs.apply(changed)) == refused

    scene = await opened(clock, store)
    kept, new = scene.logs.groups()
    assert (kept.retention_days, dict(kept.tags), new.name) == (None, {"cost": "b"}, "new")
    assert await scene.filtered("kept") == ["before"]


async def test_a_declared_groups_retention_takes_lines(clock: VirtualClock) -> None:
    scene = await opened(clock)
    await clock.run_until(scene.logs.apply([GroupDefinition(GROUP, 1)]))
    scene.say("old")
    await clock.advance(86_400 + 10)
    scene.say("new")
    assert await scene.filtered() == ["new"]


async def test_groups_that_cannot_be_kept_are_told(clock: VirtualClock) -> None:
    scene = await opened(clock, faults=MemoryFaults(failures=1.0))
    (warning,) = await clock.run_until(scene.logs.apply([GroupDefinition("g")]))
    assert warning.startswith("log group g: The logs could not be stored: ")

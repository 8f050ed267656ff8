"""What every store promises in `store/ports.py`. Collected by `test_memory.py` and `test_sqlite.py`, once per store.

A store joins by a module that imports everything from here and has a fixture `house`, a House of that store.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.store.ports import (
    BEFORE_ALL,
    Change,
    Defer,
    DeleteRow,
    Done,
    Put,
    RevisionConflict,
    Row,
    SetRow,
    Store,
    StoreFailure,
    WorkItem,
)

Reopen = Callable[[Store], Awaitable[Store]]


@dataclass(slots=True)
class House:
    """A store under test on a clock, and how its process dies and comes back."""

    clock: VirtualClock
    store: Store
    reopen: Reopen

    async def commit(self, *changes: Change) -> None:
        await self.clock.run_until(self.store.commit(changes))

    async def restart(self) -> None:
        self.store = await self.reopen(self.store)

    def put(self, item_id: str, after: float = 0.0, body: bytes = b"", queue: str = "q") -> Put:
        return Put(WorkItem(queue, item_id, body, b"new", self.clock.now() + after))

    def lease(self, limit: int = 100, queue: str = "q") -> list[str]:
        return [item.id for item in self.store.lease(queue, limit)]

    async def lease_soon(self, wanted: int, queue: str = "q") -> list[WorkItem]:
        """Lease `wanted` ready items, waiting for those that are not in memory yet."""
        found: list[WorkItem] = []
        more = asyncio.Event()
        end = self.store.watch(queue, more.set)
        while len(found) < wanted:
            await self.clock.run_until(more.wait())
            more.clear()
            found += self.store.lease(queue, wanted - len(found))
        end()
        return found


class Calls:
    """A watch callback that counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


class TestOrder:
    async def test_items_come_by_readiness_then_in_the_order_of_putting(self, house: House) -> None:
        await house.commit(house.put("late", 2), house.put("a", 1), house.put("b", 1))
        await house.commit(house.put("c", 1), house.put("first"))
        await house.clock.advance(5)
        assert house.lease() == ["first", "a", "b", "c", "late"]

    async def test_a_deferred_item_keeps_its_place_among_equals(self, house: House) -> None:
        await house.commit(house.put("a"), house.put("b"))
        assert house.lease() == ["a", "b"]
        at = house.clock.now() + 5
        await house.commit(Defer("q", "b", b"2", at))
        await house.commit(Defer("q", "a", b"2", at), house.put("c", 5))
        await house.clock.advance(5)
        assert house.lease() == ["a", "b", "c"]

    async def test_queues_do_not_mix(self, house: House) -> None:
        await house.commit(house.put("same", queue="one"), house.put("same", queue="two", body=b"2"))
        assert [item.body for item in house.store.lease("two", 9)] == [b"2"]
        await house.commit(Done("two", "same"))
        assert house.lease(queue="one") == ["same"]

    async def test_a_lease_takes_no_more_than_its_limit(self, house: House) -> None:
        await house.commit(*(house.put(str(n)) for n in range(5)))
        assert house.lease(2) == ["0", "1"]
        assert house.lease(0) == []
        assert house.lease(9) == ["2", "3", "4"]
        assert house.lease(9) == []


class TestReadiness:
    async def test_an_item_is_not_leased_before_its_instant(self, house: House) -> None:
        await house.commit(house.put("later", 60))
        await house.clock.advance(59.999)
        assert house.lease() == []
        await house.clock.advance(0.001)
        assert house.lease() == ["later"]

    async def test_a_leased_item_carries_what_was_put(self, house: House) -> None:
        item = WorkItem("q", "i", bytes(range(256)), b"\x00state", house.clock.now())
        await house.commit(Put(item))
        assert list(house.store.lease("q", 1)) == [item]

    async def test_a_defer_gives_new_state_and_readiness_and_the_same_body(self, house: House) -> None:
        await house.commit(house.put("i", body=b"payload"))
        house.lease()
        at = house.clock.now() + 60
        await house.commit(Defer("q", "i", b"second try", at))
        assert house.lease() == []
        await house.clock.advance(60)
        assert list(house.store.lease("q", 1)) == [WorkItem("q", "i", b"payload", b"second try", at)]

    async def test_an_item_before_its_commit_is_not_leased(self, house: House) -> None:
        committed = house.store.commit([house.put("i")])
        assert house.lease() == []
        await house.clock.run_until(committed)
        assert house.lease() == ["i"]


class TestLeases:
    async def test_an_item_is_leased_once(self, house: House) -> None:
        await house.commit(house.put("i"))
        assert house.lease() == ["i"]
        assert house.lease() == []
        await house.commit(house.put("other"))
        assert house.lease() == ["other"]

    async def test_done_is_for_good(self, house: House) -> None:
        await house.commit(house.put("i"))
        house.lease()
        await house.commit(Done("q", "i"))
        assert await house.store.count("q") == 0
        await house.restart()
        assert house.lease() == []

    async def test_a_waiting_item_can_be_done_and_deferred_too(self, house: House) -> None:
        await house.commit(house.put("gone"), house.put("moved", body=b"m"))
        await house.commit(Done("q", "gone"), Defer("q", "moved", b"s", house.clock.now() + 1))
        assert house.lease() == []
        await house.clock.advance(1)
        assert house.lease() == ["moved"]

    async def test_done_and_defer_of_what_is_not_there_do_nothing(self, house: House) -> None:
        await house.commit(Done("q", "ghost"), Defer("q", "ghost", b"", 0.0))
        assert house.lease() == []
        assert await house.store.count("q") == 0

    async def test_a_lease_ends_with_the_process(self, house: House) -> None:
        await house.commit(house.put("a"), house.put("b", body=b"body"), house.put("c", 60))
        assert house.lease() == ["a", "b"]
        await house.commit(Done("q", "a"))
        await house.restart()
        assert [(item.id, item.body) for item in house.store.lease("q", 9)] == [("b", b"body")]
        await house.clock.advance(60)
        assert house.lease() == ["c"]


class TestPuttingAgain:
    async def test_an_item_that_waits_is_not_put_twice(self, house: House) -> None:
        await house.commit(house.put("i", body=b"first"))
        await house.commit(house.put("i", body=b"second"), house.put("j"))
        assert [(item.id, item.body) for item in house.store.lease("q", 9)] == [("i", b"first"), ("j", b"")]
        assert await house.store.count("q") == 2

    async def test_a_leased_item_is_not_put_twice(self, house: House) -> None:
        await house.commit(house.put("i"))
        house.lease()
        await house.commit(house.put("i"))
        assert house.lease() == []

    async def test_twice_in_one_commit_is_once(self, house: House) -> None:
        await house.commit(house.put("i", body=b"first"), house.put("i", body=b"second"))
        assert [item.body for item in house.store.lease("q", 9)] == [b"first"]

    async def test_an_item_that_is_done_may_come_again(self, house: House) -> None:
        await house.commit(house.put("i", body=b"first"))
        house.lease()
        await house.commit(Done("q", "i"), house.put("i", body=b"second"))
        assert [item.body for item in house.store.lease("q", 9)] == [b"second"]

    async def test_put_and_done_in_one_commit_leave_nothing(self, house: House) -> None:
        await house.commit(house.put("i"), Done("q", "i"))
        assert house.lease() == []
        assert await house.store.count("q") == 0

    async def test_commits_that_are_not_awaited_keep_their_order(self, house: House) -> None:
        commits = [
            house.store.commit([house.put("i", body=b"1")]),
            house.store.commit([Defer("q", "i", b"deferred", house.clock.now())]),
            house.store.commit([Done("q", "i")]),
            house.store.commit([house.put("i", body=b"2")]),
        ]
        for commit in commits:
            await house.clock.run_until(commit)
        assert [(item.body, item.state) for item in house.store.lease("q", 9)] == [(b"2", b"new")]


class TestWatches:
    async def test_a_watcher_hears_of_a_put(self, house: House) -> None:
        heard = asyncio.Event()
        house.store.watch("q", heard.set)
        await house.commit(house.put("i"))
        await house.clock.run_until(heard.wait())

    async def test_a_watcher_hears_of_what_is_ready_already(self, house: House) -> None:
        await house.commit(house.put("i"))
        calls = Calls()
        house.store.watch("q", calls)
        assert calls.times == 0, "soon, not at once"
        await house.clock.settle()
        assert calls.times == 1

    async def test_a_watcher_hears_of_an_item_when_its_instant_comes(self, house: House) -> None:
        start, heard = house.clock.now(), asyncio.Event()
        await house.commit(house.put("i", 60))
        house.store.watch("q", heard.set)
        await house.clock.run_until(heard.wait())
        assert house.clock.now() == start + 60

    async def test_an_earlier_item_is_heard_of_earlier(self, house: House) -> None:
        start, heard = house.clock.now(), asyncio.Event()
        house.store.watch("q", heard.set)
        await house.commit(house.put("i", 60))
        await house.commit(house.put("j", 30))
        await house.clock.run_until(heard.wait())
        assert house.clock.now() == start + 30

    async def test_a_watcher_is_not_called_again_before_a_lease(self, house: House) -> None:
        calls = Calls()
        house.store.watch("q", calls)
        for n in range(3):
            await house.commit(house.put(str(n)))
            await house.clock.settle()
        assert calls.times == 1
        assert house.lease() == ["0", "1", "2"]
        await house.clock.settle()
        assert calls.times == 1, "nothing is left"
        await house.commit(house.put("3"))
        await house.clock.settle()
        assert calls.times == 2

    async def test_a_lease_that_leaves_ready_items_is_followed_by_a_call(self, house: House) -> None:
        await house.commit(house.put("a"), house.put("b"))
        calls = Calls()
        house.store.watch("q", calls)
        await house.clock.settle()
        house.lease(1)
        await house.clock.settle()
        assert calls.times == 2
        house.lease(0)
        await house.clock.settle()
        assert calls.times == 2, "a lease of nothing is no lease"

    async def test_a_watch_that_has_ended_is_silent(self, house: House) -> None:
        calls = Calls()
        end = house.store.watch("q", calls)
        await house.commit(house.put("i"))
        end()
        end()
        await house.clock.settle()
        before = calls.times
        house.lease()
        await house.commit(house.put("j"))
        await house.clock.advance(1)
        assert calls.times == before

    async def test_every_watcher_of_a_queue_is_called(self, house: House) -> None:
        first, second = Calls(), Calls()
        house.store.watch("q", first)
        house.store.watch("q", second)
        await house.commit(house.put("i"))
        await house.clock.settle()
        assert (first.times, second.times) == (1, 1)


class TestBacklog:
    async def test_more_items_than_fit_in_memory_come_out_in_order(self, house: House) -> None:
        start = house.clock.now()
        for batch in range(5):
            await house.commit(*(house.put(f"{n:03}", 500 - n) for n in range(batch * 100, batch * 100 + 100)))
        assert await house.store.count("q") == 500
        await house.restart()
        await house.clock.advance(501)
        found = await house.lease_soon(500)
        assert [item.id for item in found] == [f"{n:03}" for n in reversed(range(500))]
        assert [item.ready_at for item in found] == [start + 500 - n for n in reversed(range(500))]

    async def test_defers_and_dones_reach_items_that_are_not_in_memory(self, house: House) -> None:
        await house.commit(*(house.put(f"{n:03}", n) for n in range(200)))
        await house.restart()
        await house.commit(Done("q", "150"), Defer("q", "199", b"early", house.clock.now() - 1))
        found = await house.clock.run_until(_after(house, 300, house.lease_soon(199)))
        assert [item.id for item in found] == ["199", *(f"{n:03}" for n in range(199) if n != 150)]

    async def test_a_large_body(self, house: House) -> None:
        body = bytes(range(256)) * 4096
        await house.commit(*(house.put(str(n), body=body + bytes([n])) for n in range(6)))
        await house.restart()
        found = await house.lease_soon(6)
        assert [item.body for item in found] == [body + bytes([n]) for n in range(6)]

    async def test_count_and_queues(self, house: House) -> None:
        assert list(await house.store.queues()) == []
        await house.commit(house.put("a", queue="two"), house.put("b", 60, queue="one"), house.put("c", queue="one"))
        assert sorted(await house.store.queues()) == ["one", "two"]
        house.lease(queue="one")
        assert await house.store.count("one") == 2
        assert await house.store.count("none") == 0
        await house.commit(Done("two", "a"))
        assert list(await house.store.queues()) == ["one"]


class TestLooking:
    async def test_an_item_is_found_as_it_was_committed_last_leased_or_not(self, house: House) -> None:
        await house.commit(house.put("i", body=b"body"), house.put("i", queue="other"))
        at = house.clock.now() + 60
        house.lease()
        found = await house.store.find("q", "i")
        assert found is not None
        assert found.state == b"new"
        await house.commit(Defer("q", "i", b"again", at))
        assert await house.store.find("q", "i") == WorkItem("q", "i", b"body", b"again", at)
        await house.commit(Done("q", "i"))
        assert await house.store.find("q", "i") is None

    async def test_browsing_goes_on_behind_a_position_and_leases_nothing(self, house: House) -> None:
        await house.commit(*(house.put(str(n), 5) for n in range(5)), house.put("first"), house.put("x", queue="other"))
        assert house.lease() == ["first"]
        page = await house.store.browse("q", BEFORE_ALL, 3)
        assert [item.id for _, item in page] == ["first", "0", "1"]
        rest = await house.store.browse("q", page[-1][0], 9)
        assert [item.id for _, item in rest] == ["2", "3", "4"]
        assert list(await house.store.browse("q", rest[-1][0], 9)) == []
        await house.clock.advance(5)
        assert house.lease() == ["0", "1", "2", "3", "4"]

    async def test_ready_items_are_counted_apart(self, house: House) -> None:
        await house.commit(house.put("a"), house.put("b", 60), house.put("c", 120))
        house.lease()
        now = house.clock.now()
        assert await house.store.count("q", now) == 1
        assert await house.store.count("q", now + 60) == 2
        assert await house.store.count("q") == 3

    async def test_a_patient_removal_is_durable_as_well(self, house: House) -> None:
        await house.commit(house.put("i"))
        await house.commit(Done("q", "i", patient=True))
        assert await house.store.count("q") == 0


async def _after(house: House, seconds: float, then: Awaitable[list[WorkItem]]) -> list[WorkItem]:
    house.clock.timer(house.clock.now() + seconds, lambda: None)
    return await then


class TestRows:
    async def test_a_row_is_read_as_written_and_counts_its_revisions(self, house: House) -> None:
        assert await house.store.get("t", "k") is None
        await house.commit(SetRow("t", "k", b"1"))
        assert await house.store.get("t", "k") == Row("k", b"1", 1)
        await house.commit(SetRow("t", "k", b"2"), SetRow("t", "k", b"3"))
        assert await house.store.get("t", "k") == Row("k", b"3", 3)
        await house.restart()
        assert await house.store.get("t", "k") == Row("k", b"3", 3)

    async def test_a_deleted_row_is_gone_and_begins_again_at_one(self, house: House) -> None:
        await house.commit(SetRow("t", "k", b"1"), SetRow("t", "other", b"o"))
        await house.commit(DeleteRow("t", "k"), DeleteRow("t", "never there"))
        assert await house.store.get("t", "k") is None
        await house.commit(SetRow("t", "k", b"2", revision=0))
        assert await house.store.get("t", "k") == Row("k", b"2", 1)

    @pytest.mark.parametrize(("expected", "accepted"), [(0, False), (1, True), (2, False), (None, True)])
    async def test_an_expected_revision_must_be_met(self, house: House, expected: int | None, accepted: bool) -> None:
        await house.commit(SetRow("t", "k", b"1"))
        write = house.commit(SetRow("t", "k", b"2", revision=expected))
        if accepted:
            await write
        else:
            with pytest.raises(RevisionConflict) as refusal:
                await write
            assert (refusal.value.table, refusal.value.key) == ("t", "k")
        row = await house.store.get("t", "k")
        assert row == (Row("k", b"2", 2) if accepted else Row("k", b"1", 1))

    async def test_of_a_refused_commit_nothing_is_applied(self, house: House) -> None:
        await house.commit(SetRow("t", "k", b"1"))
        with pytest.raises(RevisionConflict):
            await house.commit(
                SetRow("t", "new", b"n"), house.put("i"), DeleteRow("t", "k"), SetRow("t", "k", b"2", revision=1)
            )
        assert await house.store.get("t", "new") is None
        assert await house.store.get("t", "k") == Row("k", b"1", 1)
        assert house.lease() == []

    async def test_of_two_racing_writers_one_wins(self, house: House) -> None:
        commits = [house.store.commit([SetRow("t", "k", bytes([n]), revision=0), house.put(str(n))]) for n in range(5)]
        won: list[int] = []
        for n, commit in enumerate(commits):
            try:
                await house.clock.run_until(commit)
                won.append(n)
            except RevisionConflict:
                pass
        assert len(won) == 1
        assert await house.store.get("t", "k") == Row("k", bytes(won), 1)
        assert house.lease() == [str(won[0])]

    async def test_tables_do_not_mix(self, house: House) -> None:
        await house.commit(SetRow("one", "k", b"1"), SetRow("two", "k", b"2"))
        await house.commit(DeleteRow("one", "k"))
        assert await house.store.get("two", "k") == Row("k", b"2", 1)

    async def test_a_scan_finds_keys_by_prefix_in_order(self, house: House) -> None:
        keys = ["a", "a/", "a/1", "a/10", "a/2", "a0", "b", "a/\U0010ffff", "a/\U0010ffffz", "a/\ud7ff", "a/\ue000"]
        await house.commit(*(SetRow("t", key, key.encode()) for key in keys), SetRow("u", "a/3", b""))
        for prefix in ["", "a", "a/", "a/1", "a/\U0010ffff", "a/\ud7ff", "z"]:
            found = [row.key for row in await house.store.scan("t", prefix)]
            assert found == sorted(key for key in keys if key.startswith(prefix)), prefix

    async def test_an_awaited_write_is_read(self, house: House) -> None:
        for n in range(20):
            await house.commit(SetRow("t", "k", str(n).encode()))
            row = await house.store.get("t", "k")
            assert row is not None
            assert row.value == str(n).encode()


class TestBlobs:
    async def test_a_blob_comes_back_by_its_digest(self, house: House) -> None:
        data = b"zip" * 100_000
        digest = await house.store.put_blob(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert await house.store.put_blob(data) == digest
        await house.restart()
        assert await house.store.get_blob(digest) == data

    @pytest.mark.parametrize("digest", ["0" * 64, "", "../../etc/passwd", "A" * 64])
    async def test_what_was_never_kept_is_not_found(self, house: House, digest: str) -> None:
        assert await house.store.get_blob(digest) is None

    async def test_a_deleted_blob_is_gone_and_may_come_again(self, house: House) -> None:
        digest, other = await house.store.put_blob(b"gone"), await house.store.put_blob(b"stays")
        for _ in range(2):
            await house.store.delete_blob(digest)
        await house.store.delete_blob("no digest")
        assert await house.store.get_blob(digest) is None
        assert await house.store.get_blob(other) == b"stays"
        assert await house.store.put_blob(b"gone") == digest
        assert await house.store.get_blob(digest) == b"gone"


class TestTopics:
    async def test_a_message_reaches_those_who_subscribe_now(self, house: House) -> None:
        one: list[bytes] = []
        two: list[bytes] = []
        house.store.publish("t", b"nobody")
        end = house.store.subscribe("t", one.append)
        house.store.publish("t", b"first")
        house.store.subscribe("t", two.append)
        house.store.subscribe("u", two.append)
        house.store.publish("t", b"second")
        await house.clock.settle()
        assert (one, two) == ([b"first", b"second"], [b"second"])
        end()
        end()
        house.store.publish("t", b"third")
        await house.clock.settle()
        assert (one, two) == ([b"first", b"second"], [b"second", b"third"])

    async def test_a_subscription_that_has_ended_gets_nothing_that_was_on_its_way(self, house: House) -> None:
        got: list[bytes] = []
        end = house.store.subscribe("t", got.append)
        house.store.publish("t", b"on its way")
        end()
        await house.clock.settle()
        assert got == []


class TestTime:
    async def test_virtual_time_does_not_pass_a_commit(self, house: House) -> None:
        start = house.clock.now()
        fired: list[bool] = []
        committed = asyncio.ensure_future(house.store.commit([house.put(str(n)) for n in range(50)]))
        house.clock.timer(start + 1, lambda: fired.append(committed.done()))
        await house.clock.advance(2)
        assert fired == [True]

    async def test_virtual_time_does_not_pass_a_read(self, house: House) -> None:
        await house.commit(SetRow("t", "k", b"v"))
        start = house.clock.now()
        house.clock.timer(start + 1, lambda: None)
        await house.clock.run_until(house.store.get("t", "k"))
        assert house.clock.now() == start


class TestClosing:
    async def test_what_was_committed_before_closing_is_durable(self, house: House) -> None:
        commits = [house.store.commit([house.put(str(n))]) for n in range(10)]
        await house.store.close()
        assert all(await asyncio.gather(*(_succeeded(commit) for commit in commits)))

    async def test_a_closed_store_refuses(self, house: House) -> None:
        await house.store.close()
        with pytest.raises(StoreFailure):
            await house.store.commit([house.put("i")])
        await house.store.close()


async def _succeeded(commit: Awaitable[None]) -> bool:
    await commit
    return True

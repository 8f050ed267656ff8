"""What a store promises of work items: order, readiness, leases, and finding them without a lease."""

from collections.abc import Awaitable

from callpark.store.ports import BEFORE_ALL, Defer, Done, Put, WorkItem
from tests.store.conformance.house import House


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

"""What a store promises to those who watch a queue."""

import asyncio

from tests.store.conformance.house import House


class Calls:
    """A watch callback that counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


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

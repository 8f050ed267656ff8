"""What a store promises of topics, of virtual time and of its end."""

import asyncio
from collections.abc import Awaitable

import pytest

from callpark.store.ports import SetRow, StoreFailure
from tests.store.conformance.house import House


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

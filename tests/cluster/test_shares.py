"""The account's concurrency goes to the nodes that need it, over real sockets."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from callpark.kernel.limits import LambdaLimits
from tests.cluster.several import LIMITS, Several, post, several
from tests.functions.plain_environments import Handler, Run

pytestmark = pytest.mark.process

_ACCOUNT = 31
_LIMITS = replace(LIMITS, lambda_=LambdaLimits(account_concurrency=_ACCOUNT, unreserved_concurrency=0))


class Doors:
    """A handler that runs until it is let out."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.running = 0

    async def handle(self, run: Run) -> object:
        self.running += 1
        await self.open.wait()
        self.running -= 1
        return run.event


def _shares(cluster: Several) -> list[int]:
    return [each.app.functions.unreserved_share() for each in cluster.nodes if not each.stopped]


async def _busy(cluster: Several, doors: Doors, count: int) -> None:
    """Until so many run; what nodes hold is within the account all the while."""
    while doors.running < count:
        assert sum(_shares(cluster)) <= _ACCOUNT - 1, "Narrow has one of its own"
        await asyncio.sleep(0.02)


async def test_a_busy_node_has_what_idle_ones_do_not_need(tmp_path: Path) -> None:
    doors = Doors()
    handlers: dict[str, Handler] = {"Plain": doors.handle, "Narrow": doors.handle, "Worker": doors.handle}
    async with several(tmp_path, handlers, limits=_LIMITS) as cluster, asyncio.timeout(50):
        one, two, three = cluster.nodes
        assert 0 not in _shares(cluster), "each can run something"

        async def insist(url: str) -> int:
            """As an SDK does."""
            while True:
                answer = await post(f"{url}/2015-03-31/functions/Plain/invocations", b"{}")
                if answer.status_code != 429:
                    return answer.status_code
                await asyncio.sleep(0.05)

        first = [asyncio.ensure_future(insist(one.url)) for _ in range(24)]
        await _busy(cluster, doors, 24)
        assert max(_shares(cluster)) >= 24
        second = [asyncio.ensure_future(insist(two.url)) for _ in range(5)]
        await _busy(cluster, doors, 29)
        doors.open.set()
        assert set(await asyncio.gather(*first, *second)) == {200}
        await three.stop()
        await cluster.settled(2)
        await cluster.add()
        await cluster.settled(3)
        while 0 in _shares(cluster) or sum(_shares(cluster)) < _ACCOUNT - 1:
            assert sum(_shares(cluster)) <= _ACCOUNT - 1
            await asyncio.sleep(0.02)

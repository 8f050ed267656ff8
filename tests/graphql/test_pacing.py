"""Many resolvers take turns with everybody else."""

import asyncio

import pytest

from callpark.graphql.pacing import Pacer
from tests.graphql.conftest import Bench

pytestmark = pytest.mark.unit


async def evaluated(pacer: Pacer, name: int, order: list[int]) -> None:
    if pacer.crowded():
        await pacer.turn()
    order.append(name)


async def test_beyond_a_turns_share_one_goes_on_in_each_turn() -> None:
    pacer = Pacer(0.0)
    order: list[int] = []
    others: list[int] = []

    async def neighbour() -> None:
        while len(order) < 10:
            others.append(len(order))
            await asyncio.sleep(0)

    await asyncio.gather(*(evaluated(pacer, name, order) for name in range(10)), neighbour())
    assert order == [*range(10)], "first come, first served"
    assert len(set(others)) >= 8, "the neighbour had its turns in between"


async def test_who_gives_up_does_not_hold_up_the_others() -> None:
    pacer = Pacer(0.0)
    order: list[int] = []
    tasks = [asyncio.create_task(evaluated(pacer, name, order)) for name in range(6)]
    await asyncio.sleep(0)
    for one in (tasks[1], tasks[2], tasks[5]):
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 3, 4]
    await evaluated(pacer, 7, order)
    assert order[-1] == 7


async def test_a_flood_of_resolvers_lets_others_in(bench: Bench) -> None:
    bench.api(
        "type Query { a: Int }", {"Query.a": "export function request(ctx) { return { payload: 1 }; }"}, source="NONE"
    )
    flood = asyncio.create_task(bench.run("{" + " ".join(f"a{n}: a" for n in range(1_000)) + "}"))
    turns = 0
    while not flood.done():
        turns += 1
        await asyncio.sleep(0)
    assert (await flood).data == {f"a{n}": 1 for n in range(1_000)}
    assert turns > 3

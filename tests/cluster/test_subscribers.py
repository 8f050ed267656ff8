"""Subscribers of AppSync on several nodes: each hears every mutation of every node once and in order, whoever comes or
goes."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.growing import Growing
from tests.cluster.several import Running, several
from tests.cluster.several import post as sent
from tests.cluster.subscribers import listening

pytestmark = pytest.mark.process


@dataclass
class Maker:
    """Mutations at one node, one after the other: `<name>-0`, `<name>-1`, …"""

    name: str
    node: Running
    made: int = 0
    over: bool = False

    async def mutate(self) -> None:
        (api,) = self.node.app.health().apis
        answer = await sent(
            f"{self.node.url}/apis/{api.id}/graphql",
            json.dumps({"query": f'mutation {{ add(text: "{self.name}-{self.made}") {{ text }} }}'}).encode(),
            {"x-api-key": api.api_key or "", "content-type": "application/json"},
        )
        assert "errors" not in answer.json(), answer.text
        self.made += 1

    async def run(self) -> None:
        while not self.over:
            await self.mutate()

    async def times(self, count: int) -> None:
        for _ in range(count):
            await self.mutate()

    def of(self, heard: list[object]) -> list[int]:
        """Its numbers among what was heard."""
        return [int(str(text).partition("-")[2]) for text in heard if str(text).startswith(f"{self.name}-")]

    @property
    def last(self) -> str:
        return f"{self.name}-{self.made - 1}"


def _ear(node: Running) -> contextlib.AbstractAsyncContextManager[Growing]:
    (api,) = node.app.health().apis
    return listening(node.url, api.id, api.api_key or "")


async def test_a_subscriber_on_each_node_hears_every_mutation_once_and_in_order(tmp_path: Path) -> None:
    async with several(tmp_path, {}) as cluster, contextlib.AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(_ear(node)) for node in cluster.nodes]
        makers = [Maker(str(number), node) for number, node in enumerate(cluster.nodes)]
        await asyncio.gather(*(maker.times(20) for maker in makers))
        await asyncio.gather(*(maker.times(1) for maker in makers))  # behind them nothing else can come
        for ear in ears:
            await ear.until_has(*(maker.last for maker in makers))
            assert [maker.of(ear) for maker in makers] == [list(range(21))] * 3


async def test_nobody_misses_anything_while_a_fourth_node_joins_and_another_one_leaves(tmp_path: Path) -> None:
    async with several(tmp_path, {}) as cluster, contextlib.AsyncExitStack() as stack:
        one, two, leaving = cluster.nodes
        ears = [await stack.enter_async_context(_ear(node)) for node in cluster.nodes]
        makers = [Maker("one", one), Maker("two", two)]
        making = asyncio.gather(*(maker.run() for maker in makers))
        joined = await cluster.add()
        await cluster.settled(4)
        fresh = await stack.enter_async_context(_ear(joined))
        third = Maker("three", joined)
        await third.times(5)
        await leaving.stop()
        await cluster.settled(3)
        await third.times(5)
        for maker in makers:
            maker.over = True
        await making
        for ear in (*ears[:2], fresh):
            await ear.until_has(*(maker.last for maker in (*makers, third)))
            assert third.of(ear) == list(range(10))
        for maker in makers:
            assert all(maker.of(ear) == list(range(maker.made)) for ear in ears[:2])
            heard = maker.of(fresh)
            assert heard == list(range(heard[0], maker.made)), "all of it from some moment on"
            assert maker.of(ears[2]) == list(range(len(maker.of(ears[2])))), "all of it up to its end"
        assert third.of(ears[2])[:5] == list(range(5)), "what was made while it lived"

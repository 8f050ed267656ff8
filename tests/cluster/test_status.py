"""`GET /_callpark/cluster` and `callpark cluster status`: what a cluster carries, and what is wrong with it."""

import asyncio
from pathlib import Path

import httpx
import pytest

from callpark.clustered.status import troubles
from tests.cluster.several import several
from tests.journeys.commands import command

pytestmark = pytest.mark.process

_SERVER = {"name": "s1", "current": True, "offline": False, "behind": 0}


@pytest.mark.parametrize(
    ("store", "found"),
    [
        ({"led": True, "replicas": [_SERVER]}, []),
        ({}, []),
        ({"led": False, "replicas": []}, ["the store's stream has no leader: nothing can be acknowledged"]),
        ({"failure": "no answer"}, ["the store does not answer: no answer"]),
        ({"led": True, "replicas": [{**_SERVER, "offline": True}]}, ["server s1 is offline"]),
        ({"led": True, "replicas": [{**_SERVER, "current": False}]}, ["server s1 is not up to date"]),
        ({"led": True, "replicas": [{**_SERVER, "behind": 20_000}]}, ["server s1 is 20000 messages behind"]),
    ],
)
def test_what_is_wrong_with_the_store(store: dict[str, object], found: list[str]) -> None:
    assert troubles(settled=True, fenced=False, silent=(), store=store) == found


def test_what_is_wrong_with_the_members() -> None:
    assert troubles(settled=False, fenced=False, silent=("n2",), store={}) == [
        "node n2 does not answer",
        "things are changing hands",
    ]
    (fenced,) = troubles(settled=False, fenced=True, silent=(), store={})
    assert fenced.startswith("most other nodes have not heard this one")


async def test_any_node_tells_what_all_carry_and_the_command_fails_when_one_is_silent(tmp_path: Path) -> None:
    async with several(tmp_path, {}) as cluster, asyncio.timeout(50):
        one, _, three = cluster.nodes
        async with httpx.AsyncClient(trust_env=False, timeout=30, verify=False) as client:
            told = [(await client.get(f"{each.url}/_callpark/cluster")).json() for each in cluster.nodes]
        for each in told:
            assert each["troubles"] == []
            assert each["eventsWaiting"] == 0
            assert sum(member["queues"] for member in each["members"]) == 3
            assert sum(member["concurrencyShare"] for member in each["members"]) <= 999, "Narrow has one of its own"
            assert [member["running"] for member in each["members"]] == [0, 0, 0]
        await three.server.stop()  # it lives, and answers nobody
        async with command("cluster", "status", "--endpoint", one.url) as asked:
            assert await asked.ended() == 1
        assert any("events waiting: 0" in line for line in asked.lines)
        assert any("node n2 does not answer" in line for line in asked.lines)
        assert sum(" runs, " in line for line in asked.lines) == 2

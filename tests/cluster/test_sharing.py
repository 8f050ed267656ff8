"""Shares of what all nodes use follow need, and never add up to more than there is."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.cluster import sharing
from callpark.cluster.sharing import Sharing, Word, divide

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("total", "needs", "shares"),
    [
        (1_000, {"a": 0, "b": 0}, {"a": 500, "b": 500}),
        (1_000, {"a": 900, "b": 0}, {"a": 950, "b": 50}),
        (1_000, {"a": 5_000, "b": 0}, {"a": 999, "b": 1}),
        (1_000, {"a": 5_000, "b": 5_000, "c": 10}, {"a": 495, "b": 495, "c": 10}),
        (10, {"a": 0}, {"a": 10}),
        (2, {"a": 0, "b": 0, "c": 9}, {"a": 0, "b": 1, "c": 1}),
        (0, {"a": 3}, {"a": 0}),
    ],
)
def test_who_needs_more_gets_more(total: int, needs: dict[str, int], shares: dict[str, int]) -> None:
    assert divide(total, needs) == shares


@given(st.integers(0, 2_000), st.dictionaries(st.text("abcdef", min_size=1), st.integers(0, 3_000), min_size=1))
def test_all_of_it_is_divided_at_least_one_each_and_nobody_goes_short_for_anothers_spare(
    total: int, needs: dict[str, int]
) -> None:
    shares = divide(total, needs)
    assert sum(shares.values()) == total
    assert total < len(needs) or min(shares.values()) >= 1
    short = [name for name in needs if shares[name] < needs[name]]
    if short:
        assert all(shares[name] <= max(1, needs[name]) for name in needs), "nobody has more than it needs"
        assert max(shares.values()) - min(shares[name] for name in short) <= 1, "who is short has as much as any"


@dataclass
class Cluster:
    """Nodes whose words are late, lost or overtaken; what each uses is within what it held when it began."""

    total: int
    chance: random.Random
    nodes: dict[str, Sharing] = field(default_factory=dict)
    using: dict[str, int] = field(default_factory=dict)
    needs: dict[str, int] = field(default_factory=dict)
    on_the_way: list[tuple[str, Word]] = field(default_factory=list)
    epoch: int = 0
    born: int = 0

    def join(self) -> None:
        self.born += 1
        name = f"n{self.born}"
        self.nodes[name], self.using[name], self.needs[name] = Sharing(name), 0, 0
        self.look()

    def leave(self) -> None:
        """A node that has let go of everything, or is dead."""
        name = self.chance.choice(sorted(self.nodes))
        for each in (self.nodes, self.using, self.needs):
            del each[name]
        self.look()

    def look(self) -> None:
        """A new view, settled: all know it."""
        self.epoch += 1
        self.nodes = {name: sharing.viewed(node, name, self.epoch) for name, node in self.nodes.items()}

    @property
    def granter(self) -> str:
        """Another one in each view."""
        names = sorted(self.nodes)
        return names[self.epoch % len(names)]

    def speak(self, name: str) -> None:
        self.nodes[name], word = sharing.spoken(
            self.nodes[name],
            need=self.needs[name],
            using=self.using[name],
            total=self.total,
            members=sorted(self.nodes),
            grants=name == self.granter,
        )
        self.on_the_way += [(other, word) for other in self.nodes if other != name]

    def hear(self, lost: float) -> None:
        to, word = self.on_the_way.pop(self.chance.randrange(len(self.on_the_way)))
        if to in self.nodes and self.chance.random() >= lost:
            self.nodes[to] = sharing.heard(self.nodes[to], word, self.granter)

    def work(self, name: str) -> None:
        """Runs begin within the share, and end when they like."""
        ended = self.chance.randint(0, self.using[name])
        self.using[name] -= ended
        self.using[name] += max(0, min(self.needs[name], self.nodes[name].share) - self.using[name])

    def check(self) -> None:
        held = {name: max(node.share, self.using[name]) for name, node in self.nodes.items()}
        assert sum(held.values()) <= self.total, held


@given(st.integers(0, 10**9), st.sampled_from((3, 40, 1_000)))
def test_what_nodes_hold_is_never_more_than_there_is(seed: int, total: int) -> None:
    chance = random.Random(seed)
    cluster = Cluster(total, chance)
    cluster.join()
    for _ in range(150):
        name = chance.choice(sorted(cluster.nodes))
        match chance.randrange(10):
            case 0 if len(cluster.nodes) < 5 and chance.random() < 0.3:
                cluster.join()
            case 1 if len(cluster.nodes) > 1 and chance.random() < 0.3:
                cluster.leave()
            case 2:
                cluster.needs[name] = chance.choice((0, 1, 10, 100, 5_000))
            case 3 | 4:
                cluster.work(name)
            case 5 | 6 | 7 if cluster.on_the_way:
                cluster.hear(lost=0.2)
            case _:
                cluster.speak(name)
        cluster.check()
    cluster.using = dict.fromkeys(cluster.nodes, 0)
    for _ in range(6):
        for name in sorted(cluster.nodes):
            cluster.speak(name)
        while cluster.on_the_way:
            cluster.hear(lost=0.0)
        cluster.check()
    assert {name: node.share for name, node in cluster.nodes.items()} == divide(total, cluster.needs), (
        "in the end each has what it should"
    )

"""A hundred nodes, as far as `members.py` decides: what a death costs them, and what they say to each other meanwhile.

Beats arrive at once and nobody is busy, so this is the protocol's own time.
"""

from collections.abc import Iterable

import msgspec
import pytest

from callpark.cluster import members
from callpark.cluster.members import Beat, Member, Standing, View
from callpark.kernel.limits import ClusterLimits

pytestmark = pytest.mark.sim

LIMITS = ClusterLimits()


class Crowd:
    """Nodes that beat in turn, spread over the interval; each lets go at once, and the view is where all can read."""

    def __init__(self, count: int) -> None:
        everybody = [_member(number) for number in range(count)]
        self.view = View(1, tuple(everybody))
        self.nodes = {
            each.id: members.let_go(members.looked(Standing(each, "up"), self.view, 0.0), 1) for each in everybody
        }
        self.now = 0.0
        self.beats = self.bytes = 0

    def round(self) -> None:
        """One interval: everybody beats once, and looks around."""
        pause = LIMITS.beat_seconds / len(self.nodes)
        for id_ in tuple(self.nodes):
            self.now += pause
            self.nodes[id_] = members.ticked(self.nodes[id_], self.now, LIMITS)
            self._say(id_)
            self._look(id_)

    def settled(self) -> bool:
        return all(each.settled == self.view.epoch for each in self.nodes.values())

    def until_settled(self, seconds: float) -> float:
        began, epoch = self.now, self.view.epoch
        while self.view.epoch == epoch or not self.settled():
            assert self.now - began < seconds
            self.round()
        return self.now - began

    def _say(self, id_: str) -> None:
        self.nodes[id_], beat = members.beaten(self.nodes[id_], self.now)
        self.beats += 1
        self.bytes += len(msgspec.msgpack.encode(beat))
        self._hear(beat, (other for other in tuple(self.nodes) if other != id_))

    def _hear(self, beat: Beat, others: Iterable[str]) -> None:
        for other in others:
            self.nodes[other] = members.listened(self.nodes[other], beat, self.now)

    def _look(self, id_: str) -> None:
        proposal = members.proposal(self.nodes[id_], self.now, LIMITS)
        if proposal is not None:
            assert proposal.epoch == self.view.epoch + 1
            self.view = proposal
        if self.nodes[id_].view.epoch < self.view.epoch:
            self.nodes[id_] = members.let_go(members.looked(self.nodes[id_], self.view, self.now), self.view.epoch)
            self._say(id_)


def _member(number: int) -> Member:
    name = f"callpark-6d5f9c7b8-{number:05}"
    return Member(f"{name}-1f2e3d4c", name, f"http://10.0.0.{number}:4566", "0.1.0")


@pytest.mark.parametrize("count", [10, 100])
def test_a_death_is_made_up_for_as_soon_among_many_as_among_few(count: int) -> None:
    crowd = Crowd(count)
    crowd.round()
    assert crowd.settled()
    said = crowd.beats / crowd.now, crowd.bytes / crowd.now
    keys = [("queue", f"q{number}") for number in range(1_000)]
    before = {key: members.owner(crowd.view, key) for key in keys}
    dead = crowd.nodes.pop(_member(count // 2).id)
    crowd.beats = 0
    seconds = crowd.until_settled(10.0)
    print(f"{count} nodes: each hears {said[0]:.0f} beats, {said[1] / 1e6:.2f} MB a second")
    print(f"… of a death: owners again after {seconds:.1f} s, {crowd.beats} beats")
    assert said[0] == pytest.approx(count / LIMITS.beat_seconds)
    assert seconds <= LIMITS.silence_seconds + 3 * LIMITS.beat_seconds
    moved = [key for key in keys if members.owner(crowd.view, key) != before[key]]
    assert {before[key] for key in moved} == {dead.me}
    assert len(moved) == pytest.approx(1_000 / count, rel=0.9)

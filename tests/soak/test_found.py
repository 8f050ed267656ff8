"""The judgement of a cluster's soak: it passes what kept all promises, and names each one that was broken."""

import json
from collections import Counter
from collections.abc import Callable

import pytest

from tests.soak.faults import KINDS, Fault, drawn
from tests.soak.found import Found, Suffered

pytestmark = pytest.mark.unit

KILLED = Suffered(Fault("kill a node", 0, 1.0, 1.0), at=100.0, during=2.0, afterwards=5.0)


def kept() -> Found:
    """Event 2 was running when its node was killed."""
    return Found(
        events={1, 2},
        runs={1: [50.0], 2: [99.0, 104.0]},
        sent={7},
        received=Counter({7: 2}),
        ordered={0: [0, 1, 1, 2]},
        fifo_sent=Counter({0: 3}),
        faults=[KILLED],
        said={"n1": "warning: node n2 is silent"},
    )


def test_what_was_kept() -> None:
    found = kept()
    assert found.problems() == []
    assert "1 run again" in found.summary()
    assert "served again after 2.0 s" in found.summary()


BROKEN: list[tuple[Callable[[Found], object], str]] = [
    (lambda found: found.events.add(3), "event 3 was acknowledged and never ran"),
    (lambda found: found.sent.add(8), "message 8 was acknowledged and never received"),
    (lambda found: found.runs[1].append(51.0), "event 1 ran 2 times, 1 are allowed"),
    (lambda found: found.fifo_sent.update([0]), "group 0: 1 of 4 were never received, the first is 3"),
    (lambda found: found.ordered.update({0: [0, 2, 1]}), "group 0: received in the order … [0, 2, 1] …"),
    (lambda found: found.said.update(n1="Traceback (most recent call last)"), "n1 met a bug of its own"),
]


@pytest.mark.parametrize(("change", "problem"), BROKEN)
def test_each_broken_promise_is_named(change: Callable[[Found], object], problem: str) -> None:
    found = kept()
    change(found)
    (told,) = found.problems()
    assert problem in told


def test_runs_are_read_from_what_handlers_wrote() -> None:
    lines = [json.dumps(["Plain", {"n": n}, "id", "http://n1", at]) for n, at in ((1, 5.0), (2, 6.0), (1, 7.0))]
    assert Found().read_runs(lines) == {1: [5.0, 7.0], 2: [6.0]}


def test_faults_are_the_same_for_the_same_seed_and_of_every_kind() -> None:
    plan = drawn(1, 50)
    assert plan == drawn(1, 50) != drawn(2, 50)
    counts = Counter(fault.kind for fault in plan)
    assert set(counts) == set(KINDS)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert {fault.kind for fault in drawn(1, 9, among=KINDS[:2])} == set(KINDS[:2])

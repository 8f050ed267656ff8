"""Who is next at a backend."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.models.scheduling import Decided, Line, asked, ended

pytestmark = pytest.mark.unit


def _line(*callers: str, at_once: int = 1, longest: int = 10) -> Line:
    line = Line(at_once, longest)
    for ticket, caller in enumerate(callers):
        line = asked(line, ticket, caller).line
    return line


def test_a_free_backend_starts_at_once() -> None:
    decided = asked(Line(2, 5), 1, "a")
    assert decided.started == (1,)
    assert decided.refused is None


def test_a_busy_one_lets_wait_and_takes_the_next_when_it_is_free() -> None:
    line = _line("a", "a")
    assert list(line.waiting) == [1]
    assert ended(line, 0).started == (1,)


def test_callers_take_turns_whatever_one_of_them_asks() -> None:
    line = _line("greedy", "greedy", "greedy", "greedy", "modest", "modest")
    order = []
    for _ in range(5):
        decided = ended(line, next(iter(line.running)))
        line = decided.line
        order.append(line.running[decided.started[0]])
    assert order == ["modest", "greedy", "modest", "greedy", "greedy"]


def test_the_caller_with_fewer_running_is_next() -> None:
    line = _line("a", "a", "b", "a", "b", "a", at_once=3)
    assert sorted(line.running.values()) == ["a", "a", "b"]
    decided = ended(line, 1)  # one each, and a began first
    assert decided.line.running[decided.started[0]] == "a"
    decided = ended(_line("a", "a", "b", "a", "b", at_once=3), 2)
    assert decided.line.running[decided.started[0]] == "b"


def test_past_the_bound_the_newest_is_refused() -> None:
    line = _line("a", "b", "c", longest=2)
    decided = asked(line, 9, "d")
    assert decided.refused == 9
    assert list(decided.line.waiting) == [1, 2]


def test_a_full_queue_makes_room_at_the_cost_of_whoever_fills_it() -> None:
    line = _line("greedy", "greedy", "greedy", "greedy", longest=3)
    decided = asked(line, 9, "modest")
    assert decided.refused == 3
    assert decided.line.waiting[9] == "modest"


def test_without_a_queue_only_what_starts_is_taken() -> None:
    line = _line("a", longest=0)
    assert asked(line, 1, "b").refused == 1


def test_giving_up_waiting_starts_nobody() -> None:
    decided = ended(_line("a", "b"), 1)
    assert decided.started == ()
    assert not decided.line.waiting


@given(st.data())
def test_whatever_happens_the_bounds_hold_and_nobody_is_lost(data: st.DataObject) -> None:
    at_once, longest = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 5))
    steps = data.draw(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.integers(0, 20)), max_size=40))
    line = Line(at_once, longest)
    inside: set[int] = set()
    for ticket, (arrives, caller, which) in enumerate(steps):
        decided: Decided
        if arrives or not inside:
            decided = asked(line, ticket, caller)
            inside.add(ticket)
        else:
            leaving = sorted(inside)[which % len(inside)]
            decided = ended(line, leaving)
            inside.discard(leaving)
        if decided.refused is not None:
            inside.remove(decided.refused)
        line = decided.line
        assert {*line.running, *line.waiting} == inside
        assert len(line.running) <= at_once
        assert len(line.waiting) <= longest
        assert not line.waiting or len(line.running) == at_once
        assert {*line.turns} <= {*line.running.values(), *line.waiting.values()}

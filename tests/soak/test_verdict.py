"""The soak's own judgement: it passes what kept all promises, and names each one that was broken."""

import json
from collections import Counter
from collections.abc import Callable

import pytest

from tests.soak.plan import SUBJECTS, Planned, planned
from tests.soak.project import Run
from tests.soak.verdict import Found, Message, judge

pytestmark = pytest.mark.unit

SUBJECT = {subject.name: subject for subject in SUBJECTS}
PLAN = [
    Planned(0, SUBJECT["Patient"], "succeed"),
    Planned(1, SUBJECT["Patient"], "fail"),
    Planned(2, SUBJECT["Once"], "crash"),
    Planned(3, SUBJECT["Closed"], "succeed"),
]


def letter(number: int, code: str, message: str) -> Message:
    attributes = {
        "RequestID": ("String", f"r{number}"),
        "ErrorCode": ("Number", code),
        "ErrorMessage": ("String", message),
    }
    return Message(PLAN[number].body(1).decode(), attributes)


def record(number: int, condition: str, count: int) -> Message:
    context = {"requestId": f"r{number}", "condition": condition, "approximateInvokeCount": count}
    return Message(json.dumps({"requestContext": context, "requestPayload": json.loads(PLAN[number].body(1))}), {})


def kept() -> Found:
    """Everything as promised; the first event was in flight at a kill."""
    return Found(
        acknowledged={f"r{planned.number}": (planned.number, 1) for planned in PLAN},
        runs={
            "r0": Run(0, 1, Counter(a=1, b=1), ended=1),
            "r1": Run(1, 1, Counter(a=3)),
            "r2": Run(2, 1, Counter(b=1)),
        },
        queues={
            "Patient-dead": [letter(1, "200", "intended")],
            "Once-dead": [letter(2, "200", "RequestId: r2 Error: Runtime exited with error: exit status 3")],
            "Closed-dead": [letter(3, "429", "Rate Exceeded.")],
            "Patient-done": [record(0, "Success", 1)],
            "Patient-failed": [record(1, "RetriesExhausted", 3)],
            "Closed-failed": [record(3, "ZeroReservedConcurrency", 0)],
        },
        said="",
    )


def test_what_was_kept() -> None:
    verdict = judge(PLAN, kept())
    assert verdict.problems == []
    assert verdict.counts["runs again after a kill"] == 1
    assert (verdict.counts["dead"], verdict.counts["succeeded"], verdict.counts["acknowledged"]) == (3, 1, 4)


def without(found: Found, queue: str) -> Found:
    return with_queue(found, queue, [])


def with_queue(found: Found, queue: str, messages: list[Message]) -> Found:
    return Found(found.acknowledged, found.runs, {**found.queues, queue: messages}, found.said)


def with_run(found: Found, request_id: str, run: Run | None) -> Found:
    runs = {key: value for key, value in found.runs.items() if key != request_id}
    return Found(found.acknowledged, runs if run is None else {**runs, request_id: run}, found.queues, found.said)


BROKEN: list[tuple[Callable[[Found], Found], str]] = [
    (lambda found: with_run(found, "r0", None), "lost: acknowledged, and never done"),
    (lambda found: with_run(found, "r0", Run(0, 1, Counter(a=2), ended=2)), "ran 2 times, 1 are allowed"),
    (lambda found: with_run(found, "r1", Run(1, 1, Counter(a=4))), "ran 4 times, 3 are allowed"),
    (lambda found: with_run(found, "r1", Run(1, 1, Counter(a=2))), "ran 2 times, 3 are due"),
    (lambda found: with_run(found, "r3", Run(3, 1, Counter(a=1))), "ran 1 times, 0 are allowed"),
    (lambda found: without(found, "Once-dead"), "lies in the dead-letter queues of [], not ['Once']"),
    (lambda found: without(found, "Patient-done"), "has records in done of [], not ['Patient']"),
    (
        lambda found: with_queue(found, "Patient-dead", [letter(1, "200", "intended")] * 2),
        "lies in the dead-letter queues of ['Patient', 'Patient']",
    ),
    (
        lambda found: with_queue(found, "Once-dead", [letter(2, "200", "another")]),
        "dead letter's attributes are",
    ),
    (
        lambda found: with_queue(found, "Patient-dead", [Message("{ }", letter(1, "200", "intended").attributes)]),
        "dead letter's body is",
    ),
    (lambda found: with_queue(found, "Patient-failed", [record(1, "RetriesExhausted", 2)]), "record says"),
    (lambda found: Found(found.acknowledged, found.runs, found.queues, "Traceback (most recent"), "a bug of its own"),
]


@pytest.mark.parametrize(("change", "problem"), BROKEN)
def test_each_broken_promise_is_named(change: Callable[[Found], Found], problem: str) -> None:
    (found,) = judge(PLAN, change(kept())).problems
    assert problem in found


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    assert planned(5, 100) == planned(5, 100)
    assert planned(5, 100) != planned(6, 100)
    assert {event.subject.name for event in planned(5, 500)} == set(SUBJECT)

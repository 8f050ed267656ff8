"""Which messages go together, and which are done: tables and properties."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.sources.batches import Batch, BatchRules, Gathered, Gathering, by_group, cut, done, still_held
from callpark.functions.sources.ports import SourceMessage

pytestmark = pytest.mark.unit


def message(name: str, *, visible_at: float = 1_000.0, group: str | None = None, size: int = 10) -> Gathered:
    one = SourceMessage(name, f"handle-{name}", "body", "digest", visible_at, group=group)
    return Gathered(one, b'"' + b"x" * (size - 2) + b'"')


def rules(size: int = 10, window: int = 0, payload_bytes: int = 6_291_456) -> BatchRules:
    return BatchRules(size, window, payload_bytes, 1.0)


def names(batch: Batch | Gathering) -> list[str]:
    return [one.message.message_id for one in batch.messages]


def gathered(count: int, now: float = 0.0, **more: float) -> Gathering:
    visible_at = more.get("visible_at", 1_000.0)
    return Gathering().with_messages([message(str(n), visible_at=visible_at) for n in range(count)], now)


@pytest.mark.parametrize(
    ("count", "size", "window", "now", "sizes", "rest"),
    [
        (3, 10, 0, 0.0, [3], 0),
        (10, 10, 0, 0.0, [10], 0),
        (3, 10, 5, 0.0, [], 3),
        (3, 10, 5, 4.9, [], 3),
        (3, 10, 5, 5.0, [3], 0),
        (10, 10, 5, 0.0, [10], 0),
        (25, 10, 5, 0.0, [10, 10], 5),
        (25, 10, 5, 5.0, [10, 10, 5], 0),
        (0, 10, 5, 9.0, [], 0),
    ],
)  # fmt: skip
def test_size_and_window(count: int, size: int, window: int, now: float, sizes: list[int], rest: int) -> None:
    batches, following = cut(gathered(count), rules(size, window), now)
    assert ([len(batch.messages) for batch in batches], len(following.messages)) == (sizes, rest)


def test_a_batch_never_exceeds_the_payload_of_an_invocation() -> None:
    """services-sqs-configure: batch size, window or 6 MB, whichever comes first."""
    gathering = Gathering().with_messages([message(str(n), size=400) for n in range(10)], 0.0)
    batches, following = cut(gathering, rules(100, 5, payload_bytes=1_300), 0.0)
    assert [len(batch.messages) for batch in batches] == [3, 3, 3]
    assert all(len(batch.payload()) <= 1_300 for batch in batches)
    assert names(following) == ["9"]


def test_a_batch_goes_out_before_its_messages_come_back() -> None:
    gathering = gathered(1, now=100.0, visible_at=130.0)
    assert gathering.due_at(rules(10, 300)) == 129.0
    assert gathering.due_at(rules(10, 5)) == 105.0
    assert Gathering().due_at(rules()) is None


def test_a_message_that_comes_again_replaces_itself() -> None:
    gathering = gathered(2, now=0.0).with_messages([message("0", visible_at=2_000.0)], 9.0)
    assert names(gathering) == ["1", "0"]
    assert gathering.opened_at == 0.0
    assert gathering.messages[1].message.visible_at == 2_000.0


def test_fifo_batches_are_of_one_group_each() -> None:
    mixed = [message(f"{group}{n}", group=group) for n in range(3) for group in "ab"]
    batches = by_group(mixed, rules(2))
    assert [(batch.group, names(batch)) for batch in batches] == [
        ("a", ["a0", "a1"]),
        ("a", ["a2"]),
        ("b", ["b0", "b1"]),
        ("b", ["b2"]),
    ]


def test_what_is_somebody_elses_by_now_is_left_out() -> None:
    standard = Batch((message("a", visible_at=10.0), message("b", visible_at=20.0)))
    held = still_held(standard, 15.0)
    assert held is not None
    assert names(held) == ["b"]
    assert still_held(standard, 20.0) is None
    assert still_held(Batch(standard.messages, "g"), 15.0) is None
    assert still_held(Batch(standard.messages, "g"), 5.0) is not None


TWO = Batch((message("a"), message("b")))


@pytest.mark.parametrize(
    ("answer", "deleted"),
    [
        # recorded, or API documentation: everything has succeeded
        (None, ["a", "b"]),
        ({}, ["a", "b"]),
        ({"batchItemFailures": []}, ["a", "b"]),
        ({"batchItemFailures": None}, ["a", "b"]),
        # recorded: only those stay
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, ["b"]),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "a"}]}, ["b"]),
        ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "a"}]}, []),
        # recorded: malformed, the whole batch fails
        ({"batchItemFailures": [{"foo": "a"}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"foo": "b"}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, None),
        ({"batchItemFailures": ["a"]}, None),
        ({"batchItemFailures": "a"}, None),
        ({"batchItemFailures": {}}, None),
        ([{"foo": 1}], None),
        ([], None),
        ("text", None),
        (7, None),
    ],
)  # fmt: skip
def test_reports(answer: object, deleted: list[str] | None) -> None:
    found = done(json.dumps(answer).encode(), TWO, reports=True)
    assert (None if found is None else [one.message_id for one in found]) == deleted
    every = done(json.dumps(answer).encode(), TWO, reports=False)
    assert every is not None
    assert len(every) == 2, "without ReportBatchItemFailures the answer means nothing"


def test_invalid_json_fails_the_batch_and_silence_does_not() -> None:
    assert done(b"{", TWO, reports=True) is None
    silent = done(b"", TWO, reports=True)
    assert silent is not None
    assert len(silent) == 2


messages = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from("abc"), st.integers(3, 300)),
    max_size=60,
    unique_by=lambda one: one[0],
).map(lambda found: [message(str(n), group=group, size=size) for n, group, size in found])


@given(messages, st.integers(1, 12), st.integers(0, 9), st.floats(0, 10), st.integers(60, 900))
def test_cutting_loses_and_repeats_nothing(
    found: list[Gathered], size: int, window: int, now: float, payload_bytes: int
) -> None:
    asked = rules(size, window, payload_bytes)
    batches, following = cut(Gathering().with_messages(found, 0.0), asked, now)
    assert [name for batch in batches for name in names(batch)] + names(following) == [
        one.message.message_id for one in found
    ]
    for batch in batches:
        assert 1 <= len(batch.messages) <= size
        assert len(batch.payload()) <= payload_bytes or len(batch.messages) == 1
    assert not following.messages or (now < window and len(following.messages) < size)


@given(messages, st.integers(1, 12))
def test_groups_keep_their_order(found: list[Gathered], size: int) -> None:
    batches = by_group(found, rules(size))
    for group in "abc":
        together = [name for batch in batches if batch.group == group for name in names(batch)]
        assert together == [one.message.message_id for one in found if one.message.group == group]
    assert all(len({one.message.group for one in batch.messages}) == 1 for batch in batches)

"""Names and subjects, there and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.errors import ProjectError
from callpark.store.nats.batches import batches
from callpark.store.nats.connection import Address, parse_address
from callpark.store.nats.records import (
    HEADER,
    Head,
    ItemHead,
    MemberHead,
    PartHead,
    Parts,
    RowHead,
    WithdrawalHead,
    ordered,
    read,
    spelled,
)
from callpark.store.nats.subjects import Subjects, text, token

pytestmark = pytest.mark.unit

SUBJECTS = Subjects("name")
TOKEN = re.compile(r"[A-Za-z0-9_=-]+")


@given(st.text())
def test_any_text_is_one_token(anything: str) -> None:
    assert TOKEN.fullmatch(token(anything))
    assert text(token(anything)) == anything


@given(st.text(), st.text())
def test_names_come_back_from_their_subjects(one: str, two: str) -> None:
    assert SUBJECTS.item_of(SUBJECTS.item(one, two)) == (one, two)
    assert SUBJECTS.row_of(SUBJECTS.row(one, two)) == (one, two)
    assert SUBJECTS.queue_withdrawn_from(SUBJECTS.withdrawal(one, two)) == one
    assert SUBJECTS.member_of(SUBJECTS.member(two)) == two
    assert SUBJECTS.topic_of(SUBJECTS.topic(one)) == one


def matches(pattern: str, subject: str) -> bool:
    """NATS's rule for `>`: one token or more."""
    start = pattern.removesuffix(">")
    return subject.startswith(start) and len(subject) > len(start)


@given(st.text("ab/", max_size=6), st.text("ab/", max_size=8))
def test_what_is_asked_for_a_prefix_covers_every_key_that_begins_with_it(prefix: str, rest: str) -> None:
    assert matches(SUBJECTS.rows("t", prefix), SUBJECTS.row("t", prefix + rest))


def test_a_prefix_narrows_what_is_asked_to_its_last_slash() -> None:
    assert SUBJECTS.rows("stories", "contact/1/").endswith(".r.stories.contact.1.>")
    assert SUBJECTS.rows("stories", "contact/1").endswith(".r.stories.contact.>")
    assert SUBJECTS.rows("stories", "").endswith(".r.stories.>")


@pytest.mark.parametrize("namespace", ["", "a.b", "a b", "x" * 65, ">"])
def test_a_namespace_that_no_stream_can_have(namespace: str) -> None:
    with pytest.raises(ProjectError):
        Subjects(namespace)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("nats://a", Address(("nats://a",))),
        ("nats://a:1,b:2/shop", Address(("nats://a:1", "nats://b:2"), "shop")),
        ("tls://u:p@a:1, b", Address(("tls://u:p@a:1", "tls://b"))),
    ],
)
def test_addresses(written: str, expected: Address) -> None:
    assert parse_address(written) == expected


@pytest.mark.parametrize("written", ["", "a:4222", "http://a", "nats://", "nats://a,,b", "nats://a:port"])
def test_no_addresses(written: str) -> None:
    with pytest.raises(ProjectError, match="no address of a store"):
        parse_address(written)


HEADS: list[Head] = [
    ItemHead(1_767_225_600.123456, 7, "holder", 12),
    ItemHead(float("-inf"), 7, "-", 0, Parts(3, "h.9")),
    RowHead(1),
    RowHead(10, Parts(2, "h.1")),
    PartHead(),
    MemberHead("holder"),
    WithdrawalHead("holder", frozenset()),
    WithdrawalHead("holder", frozenset({"a", "b c", ""})),
    None,
]


@pytest.mark.parametrize("head", HEADS)
def test_a_head_comes_back_from_its_header(head: Head) -> None:
    found = read("s", 5, {HEADER: spelled("h.1", head)}, b"payload")
    assert found is not None
    assert (found.subject, found.sequence, found.token, found.head, found.payload) == ("s", 5, "h.1", head, b"payload")


def test_an_item_that_was_never_deferred_is_ordered_by_its_own_sequence() -> None:
    found = read("s", 5, {HEADER: spelled("h.1", ItemHead(0.0, 0, "h", 0))})
    assert found is not None
    assert found.head == ItemHead(0.0, ordered(5), "h", 0)


@pytest.mark.parametrize("headers", [None, {}, {"Other": "x"}, {HEADER: ""}, {HEADER: "t z of a newer callpark"}])
def test_what_nobody_here_wrote_is_passed_over(headers: dict[str, str] | None) -> None:
    assert read("s", 5, headers) is None


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(1, 5), st.integers(1, 120))
def test_slices_are_whole_in_order_and_within_their_bounds(sizes: list[int], messages: int, size: int) -> None:
    found = batches(sizes, messages, size)
    assert [each for part in found for each in sizes[part]] == sizes
    for part in found:
        assert 1 <= len(sizes[part]) <= messages
        assert len(sizes[part]) == 1 or sum(sizes[part]) <= size

"""Versions N and N+1 side by side: what one writes the other reads.

`recorded.json` has what each version wrote, of every kind. A change that fails here breaks clusters that are rolled and
stores that are taken over: give the new field a default and a place at the end, or raise `cluster.members.PROTOCOL`
and write the new form only once the view has it.
"""

import msgspec
import pytest

from callpark.store.nats.records import (
    BallastHead,
    FenceHead,
    ItemHead,
    MarkHead,
    MemberHead,
    OpeningHead,
    PartHead,
    Parts,
    RecordHead,
    RowHead,
    WithdrawalHead,
    ordered,
    read,
)
from tests.rolling.__main__ import recorded
from tests.rolling.kinds import Kind, kinds
from tests.rolling.samples import encoded, lost, samples

pytestmark = pytest.mark.unit

KINDS = kinds()
WRITTEN = [
    pytest.param(name, data, id=f"{release} {name} {number}")
    for release, of_release in recorded().items()
    for name, written in of_release.items()
    for number, data in enumerate(written)
]

#: Refused with a warning that names the record (`flows/control/plane.py`), and left where it is: `connect.yaml` and
#: templates are read with the same types, and there an unknown member is a mistake.
STRICT = {"callpark.flows.control.model:_decoder"}


@pytest.mark.parametrize(("name", "data"), WRITTEN)
def test_what_a_version_wrote_is_read_and_nothing_of_it_is_lost(name: str, data: bytes) -> None:
    assert name in KINDS, "what versions wrote is read under another name now: say it in recorded.json"
    kind = KINDS[name]
    kind.decode(data)
    assert lost(kind.type, kind.plain(data)) == []


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_recorded(name: str) -> None:
    assert any(name in of_release for of_release in recorded().values()), "run `python -m tests.rolling`"


@pytest.mark.parametrize("name", sorted(set(KINDS) - STRICT))
def test_what_a_newer_version_adds_is_passed_over(name: str) -> None:
    kind = KINDS[name]
    for plain, more in zip(samples(kind.type), samples(kind.type, extra=True), strict=True):
        expected, found = kind.decode(encoded(plain, kind.format)), kind.decode(encoded(more, kind.format))
        assert repr(found) == repr(expected)


@pytest.mark.parametrize("name", sorted(STRICT))
def test_what_is_strict_says_which_member_it_does_not_know(name: str) -> None:
    kind = KINDS[name]
    said = [_refusal(kind, encoded(more, kind.format)) for more in samples(kind.type, extra=True)]
    assert {"unknown field `ofANewerVersion`" in each for each in said if each} == {True}


def _refusal(kind: Kind, data: bytes) -> str:
    try:
        kind.decode(data)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


_HEADS = {
    "t.1 i 12.5 0 n1 3 -": ItemHead(12.5, ordered(9), "n1", 3),
    "t.1 i 12.5 7 - 0 2@t.0": ItemHead(12.5, 7, "-", 0, Parts(2, "t.0")),
    "t.1 r 4 -": RowHead(4),
    "t.1 p": PartHead(),
    "t.1 m h1": MemberHead("h1"),
    "t.1 w h1 a,b=20c": WithdrawalHead("h1", frozenset({"a", "b c"})),
    "t.1 j 2": RecordHead(2),
    "t.1 f": FenceHead(),
    "t.1 o 4 n=201": OpeningHead(4, "n 1"),
    "t.1 b": BallastHead(),
    "t.1 k": MarkHead(),
    "t.1 -": None,
}


@pytest.mark.parametrize("more", ["", " of a newer version"])
@pytest.mark.parametrize("header", _HEADS)
def test_heads_of_messages_are_read_also_when_a_newer_version_says_more(header: str, more: str) -> None:
    message = read("s", 9, {"Callpark": header + more})
    assert message is not None
    assert (message.token, message.head) == ("t.1", _HEADS[header])


def test_a_kind_of_message_that_is_not_known_is_none() -> None:
    assert read("s", 9, {"Callpark": "t.1 z 1 2 3"}) is None

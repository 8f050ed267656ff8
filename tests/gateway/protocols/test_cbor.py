"""CBOR: what RFC 8949 says of examples, and what cannot be read."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.gateway.protocols.cbor import Instant, Malformed, dumps, loads

pytestmark = pytest.mark.unit

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(VALUES)
def test_what_is_written_is_read(value: object) -> None:
    assert loads(dumps(value)) == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00", 0),
        ("1903e8", 1000),
        ("3903e7", -1000),
        ("1bffffffffffffffff", 2**64 - 1),
        ("f93c00", 1.0),
        ("f97bff", 65504.0),
        ("fa47c35000", 100000.0),
        ("fb3ff199999999999a", 1.1),
        ("f97c00", math.inf),
        ("f6", None),
        ("f7", None),
        ("c11a514b67b0", 1363896240),
        ("6449455446", "IETF"),
        ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
        ("7f657374726561646d696e67ff", "streaming"),
        ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
        ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
    ],
)
def test_the_examples_of_rfc_8949(data: str, value: object) -> None:
    assert loads(bytes.fromhex(data)) == value


def test_an_instant_is_written_with_tag_1() -> None:
    assert dumps(Instant(1363896240)).hex() == "c11a514b67b0"
    assert dumps(Instant(1363896240.5)).hex() == "c1fb41d452d9ec200000"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "18",
        "62ff",
        "62c328",
        "0000",
        "ff",
        "82",
        "8201ff",
        "a10102",
        "a1616101ff",
        "1c",
        "f8ff",
        "5f6161ff",
        "81" * 300,
    ],
)
def test_what_is_malformed_is_refused(data: str) -> None:
    with pytest.raises(Malformed):
        loads(bytes.fromhex(data))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        loads(data)

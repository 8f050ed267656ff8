"""Scalars as text: the same in a path, a query string, a header and a form."""

import math

import pytest

from callpark.gateway.protocols.texts import READERS
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "1_000", "1_000"),
        ("integer", "-12", -12),
        ("long", "9223372036854775807", 9_223_372_036_854_775_807),
        ("double", "1.5", 1.5),
        ("float", "Infinity", math.inf),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("blob", "AAE=", b"\x00\x01"),
        ("timestamp", "1970-01-01T00:00:01Z", 1.0),
    ],
)
def test_texts_become_values(kind: str, text: str, value: object) -> None:
    assert READERS[kind](text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "1_000"),
        ("integer", "123456789012345678901234567890"),
        ("integer", "１"),
        ("integer", ""),
        ("integer", "--1"),
        ("double", "fast"),
        ("boolean", "yes"),
        ("blob", "*"),
        ("timestamp", "soon"),
    ],
)
def test_texts_that_are_no_values_are_refused(kind: str, text: str) -> None:
    with pytest.raises(CallerError) as refused:
        READERS[kind](text)
    assert (refused.value.code, refused.value.status) == ("SerializationException", 400)

"""The payload rules of Invoke: JSON in every mode, sizes, an absent body (lambda.md §2.4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.payloads import checked, event_payload, request_payload
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits

pytestmark = pytest.mark.unit

LIMITS = LambdaLimits()
PREFIX = "Could not parse request body into json: Could not parse payload into json: "


def test_an_absent_body_is_an_empty_object() -> None:
    assert checked(b"") == b"{}"


@pytest.mark.parametrize(
    "payload",
    [b" {\n} ", b"null", b"0", b'"text"', b"[1, 2]", '{"ü": "é"}'.encode(), b'"\\ud800"', b"1" * 5000, b"1e999999"],
)
def test_json_passes_byte_for_byte(payload: bytes) -> None:
    assert checked(payload) is payload


@pytest.mark.parametrize(
    "payload",
    [b"{", b"hello", b"{a:1}", b"[1,]", b'{"a":NaN}', b"Infinity", b"1 2", b" ", b'"\xc3\x28"', b"[" * 50_000, b"01"],
)
def test_anything_else_is_refused_with_the_recorded_prefix(payload: bytes) -> None:
    with pytest.raises(CallerError) as refusal:
        checked(payload)
    error = refusal.value
    assert (error.code, error.status, error.body["Type"]) == ("InvalidRequestContentException", 400, "User")
    assert error.message.startswith(PREFIX)
    assert len(error.message) > len(PREFIX)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (
            b'"\x87"',
            "Invalid UTF-8 start byte 0x87\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` "
            "disabled); line: 1, column: 3]",
        ),
        (
            b"\x99",
            "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, "
            "Object or token 'null', 'true' or 'false')\n at [Source: REDACTED "
            "(`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]",
        ),
    ],
)
def test_the_two_recorded_parser_texts(payload: bytes, text: str) -> None:
    with pytest.raises(CallerError) as refusal:
        checked(payload)
    assert refusal.value.message == PREFIX + text


def test_sizes_per_mode() -> None:
    largest = b'"' + b"x" * (LIMITS.event_payload_bytes - 2) + b'"'
    assert event_payload(largest, LIMITS) is largest
    with pytest.raises(CallerError) as refusal:
        event_payload(largest + b" ", LIMITS)
    assert (refusal.value.code, refusal.value.status) == ("RequestEntityTooLargeException", 413)
    assert refusal.value.body == {
        "message": "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    }
    assert request_payload(largest + b" ", LIMITS)
    with pytest.raises(CallerError) as refusal:
        request_payload(b" " * 6_291_457, LIMITS)
    assert refusal.value.message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values, st.booleans())
def test_whatever_json_dumps_writes_is_accepted(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    payload = text.encode(errors="surrogatepass")
    try:
        payload.decode()
    except UnicodeDecodeError:
        return
    assert checked(payload) is payload


@given(st.binary(max_size=60))
def test_bytes_are_accepted_exactly_when_they_are_json(payload: bytes) -> None:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(payload.decode() or "{}", parse_constant=refuse)
        valid = True
    except ValueError:
        valid = False
    try:
        checked(payload)
    except CallerError:
        assert not valid
    else:
        assert valid

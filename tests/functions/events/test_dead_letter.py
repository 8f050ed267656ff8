"""The three attributes of a dead letter (lambda.md §6, recorded)."""

import json

import pytest

from callpark.functions.events.dead_letter import attributes
from callpark.functions.events.destinations import Response

pytestmark = pytest.mark.unit


def response(message: object) -> Response:
    return Response(json.dumps({"errorMessage": message, "errorType": "E"}, ensure_ascii=False).encode(), "Unhandled")


def test_of_a_function_error() -> None:
    assert attributes("the-id", response("Test exception (this is intentional)")) == {
        "RequestID": ("String", "the-id"),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "Test exception (this is intentional)"),
    }


@pytest.mark.parametrize(
    ("message", "kept"),
    [("x" * 1024, "x" * 1024), ("x" * 1025, "x" * 1024), ("ü" * 600, "ü" * 512), ("x" + "ü" * 600, "x" + "ü" * 511)],
)
def test_the_message_is_cut_at_one_kilobyte_between_characters(message: str, kept: str) -> None:
    assert attributes("i", response(message))["ErrorMessage"] == ("String", kept)


@pytest.mark.parametrize(
    "payload", [b"not json", b"null", b"[1]", b'{"errorMessage": 1}', b'{"errorMessage": ""}', b"{}"]
)
def test_an_answer_without_a_message_leaves_the_attribute_out(payload: bytes) -> None:
    assert set(attributes("i", Response(payload, "Unhandled"))) == {"RequestID", "ErrorCode"}


def test_of_an_event_that_never_ran() -> None:
    """Our rule."""
    assert attributes("i", None) == {
        "RequestID": ("String", "i"),
        "ErrorCode": ("Number", "429"),
        "ErrorMessage": ("String", "Rate Exceeded."),
    }

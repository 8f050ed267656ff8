"""Bedrock's sentences about bodies, as its users report them."""

import pytest

from callpark.kernel.errors import CallerError
from callpark.models.bodies.schema import (
    Schema,
    anything,
    boolean,
    either,
    integer,
    items,
    members,
    number,
    one_of,
    read,
    record,
    text,
)

pytestmark = pytest.mark.unit

SCHEMA: Schema = members(
    {
        "prompt": text(at_least=1),
        "kind": one_of("a", "b"),
        "temperature": number(0, 1),
        "tokens": integer(1, 100),
        "on": boolean,
        "stop": items(text(), least=1, most=2),
        "config": members({"x": number()}, required=("x",)),
        "free": anything,
        "record": record,
        "both": either(str, text(), items(text())),
    },
    required=("prompt",),
)


def refusal(body: bytes) -> str:
    with pytest.raises(CallerError) as refused:
        read(body, SCHEMA)
    assert (refused.value.code, refused.value.status) == ("ValidationException", 400)
    return refused.value.message


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{}", "#: required key [prompt] not found"),
        (b'{"prompt": null}', "#: required key [prompt] not found"),
        (b'{"prompt": "p", "x": 1}', "#: extraneous key [x] is not permitted"),
        (b'{"prompt": 1}', "#/prompt: expected type: String, found: Integer"),
        (b'{"prompt": ""}', "#/prompt: expected minLength: 1, actual: 0"),
        (b'{"prompt": "p", "kind": "c"}', "#/kind: c is not a valid enum value"),
        (b'{"prompt": "p", "kind": {}}', "#/kind: expected type: String, found: JSONObject"),
        (b'{"prompt": "p", "temperature": "1"}', "#/temperature: expected type: Number, found: String"),
        (b'{"prompt": "p", "temperature": true}', "#/temperature: expected type: Number, found: Boolean"),
        (b'{"prompt": "p", "temperature": 1.5}', "#/temperature: 1.5 is not less or equal to 1"),
        (b'{"prompt": "p", "tokens": 0}', "#/tokens: 0 is not greater or equal to 1"),
        (b'{"prompt": "p", "tokens": 1.5}', "#/tokens: expected type: Integer, found: BigDecimal"),
        (b'{"prompt": "p", "on": 1}', "#/on: expected type: Boolean, found: Integer"),
        (b'{"prompt": "p", "stop": "s"}', "#/stop: expected type: JSONArray, found: String"),
        (b'{"prompt": "p", "stop": []}', "#/stop: expected minimum item count: 1, found: 0"),
        (b'{"prompt": "p", "stop": ["a", "b", "c"]}', "#/stop: expected maximum item count: 2, found: 3"),
        (b'{"prompt": "p", "stop": ["a", null]}', "#/stop/1: expected type: String, found: Null"),
        (b'{"prompt": "p", "config": {}}', "#/config: required key [x] not found"),
        (b'{"prompt": "p", "config": []}', "#/config: expected type: JSONObject, found: JSONArray"),
        (b'{"prompt": "p", "record": 1}', "#/record: expected type: JSONObject, found: Integer"),
        (b'{"prompt": "p", "both": 1}', "#/both: expected type: JSONArray, found: Integer"),
        (
            b'{"a": 1, "temperature": 2}',
            "#: required key [prompt] not found, #: extraneous key [a] is not permitted, "
            "#/temperature: 2 is not less or equal to 1",
        ),
    ],
)
def test_what_is_wrong_is_said(body: bytes, problem: str) -> None:
    assert refusal(body) == f"Malformed input request: {problem}, please reformat your input and try again."


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff"])
def test_what_is_no_object_is_malformed(body: bytes) -> None:
    assert refusal(body) == "Malformed input request, please reformat your input and try again."


def test_what_fits_passes_as_it_is() -> None:
    body = b'{"prompt": "p", "tokens": 5.0, "free": [1], "record": {}, "both": "t", "on": false, "kind": null}'
    assert read(body, SCHEMA)["tokens"] == 5.0

"""`util` in JavaScript, row by row of the table that VTL runs too, and the rows that only JavaScript has."""

import json
from typing import Any

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_conformance import evaluate
from tests.graphql.runtimes.row import Row
from tests.graphql.runtimes.util_table import EFFECTS, EFFECTS_REFUSED, HEADERS, REFUSED, TABLE

pytestmark = pytest.mark.unit


def call(name: str, arguments: tuple[Any, ...]) -> str:
    return f"return util.{name}({', '.join(json.dumps(each) for each in arguments)});"


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_rows_of_both_runtimes(host: JavaScriptHost, row: Row) -> None:
    evaluation = await evaluate(host, call(row.name, row.arguments))
    assert evaluation.halt is None
    value = json.loads(str(evaluation.value)) if row.text_of_json else evaluation.value
    assert value == row.expected


@pytest.mark.parametrize(("name", "arguments", "text"), REFUSED)
async def test_refused_in_both_runtimes(host: JavaScriptHost, name: str, arguments: tuple[Any, ...], text: str) -> None:
    halt = (await evaluate(host, call(name, arguments))).halt
    assert halt is not None
    assert halt["type"] == "Code"
    assert text in str(halt["message"])


@pytest.mark.parametrize(("name", "arguments"), EFFECTS)
async def test_effects(host: JavaScriptHost, name: str, arguments: tuple[Any, ...]) -> None:
    given = ", ".join(json.dumps(each) for each in arguments)
    evaluation = await evaluate(host, f"return extensions.{name}({given});")
    assert (evaluation.halt, evaluation.value) == (None, None)
    assert evaluation.effects == ({"name": name, "parameters": list(arguments)},)


@pytest.mark.parametrize(("name", "arguments", "text"), EFFECTS_REFUSED)
async def test_effects_refused(host: JavaScriptHost, name: str, arguments: tuple[Any, ...], text: str) -> None:
    given = ", ".join(json.dumps(each) for each in arguments)
    evaluation = await evaluate(host, f"return extensions.{name}({given});")
    assert evaluation.halt is not None
    assert text in str(evaluation.halt["message"])
    assert evaluation.effects == ()


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("name", "value", "why"), HEADERS)
async def test_headers(host: JavaScriptHost, name: str, value: object, why: str | None, batch: bool) -> None:
    one = call("http.addResponseHeader", (name, value))
    evaluation = await evaluate(host, call("http.addResponseHeaders", ({name: value},)) if batch else one)
    assert evaluation.halt is None
    assert [each["parameters"] for each in evaluation.effects] == ([] if why else [[name, str(value)]])
    assert [(each["type"], each["message"]) for each in evaluation.errors] == (
        [("ResponseHeaderError", why)] if why else []
    )

"""The calls that JavaScript and VTL share, in VTL."""

import json
from typing import Any

import pytest

from callpark.graphql.runtimes.vtl.host import VtlHost
from tests.graphql.runtimes.row import Row
from tests.graphql.runtimes.util_table import EFFECTS, EFFECTS_REFUSED, HEADERS, REFUSED, TABLE
from tests.graphql.runtimes.vtl.rendering import context, evaluate, failure_of, value_of

pytestmark = pytest.mark.unit


def call(name: str, arguments: tuple[Any, ...]) -> tuple[str, dict[str, object]]:
    """`$util.NAME` of arguments that come in as the field's."""
    said, given = reference(f"$util.{name}", arguments)
    return f"$util.toJson({said})", given


def reference(name: str, arguments: tuple[Any, ...]) -> tuple[str, dict[str, object]]:
    given = {f"a{at}": each for at, each in enumerate(arguments)}
    return f"{name}({', '.join(f'$ctx.args.{each}' for each in given)})", context(arguments=given)


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_answers(host: VtlHost, row: Row) -> None:
    value = await value_of(host, *call(row.name, row.arguments))
    if row.text_of_json and value is not None:
        value = json.loads(str(value))
    assert value == row.expected
    assert type(value) is type(row.expected)


@pytest.mark.parametrize(("name", "arguments", "text"), REFUSED)
async def test_refusals(host: VtlHost, name: str, arguments: tuple[Any, ...], text: str) -> None:
    assert text in await failure_of(host, *call(name, arguments))


@pytest.mark.parametrize(("name", "arguments"), EFFECTS)
async def test_effects(host: VtlHost, name: str, arguments: tuple[Any, ...]) -> None:
    said, given = reference(f"$extensions.{name}", arguments)
    evaluation = await evaluate(host, f"{said}null", given)
    assert (evaluation.halt, evaluation.value) == (None, None)
    assert evaluation.effects == ({"name": name, "parameters": list(arguments)},)


@pytest.mark.parametrize(("name", "arguments", "text"), EFFECTS_REFUSED)
async def test_effects_refused(host: VtlHost, name: str, arguments: tuple[Any, ...], text: str) -> None:
    assert text in await failure_of(host, *reference(f"$extensions.{name}", arguments))


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("name", "value", "why"), HEADERS)
async def test_headers(host: VtlHost, name: str, value: object, why: str | None, batch: bool) -> None:
    one = reference("$util.http.addResponseHeader", (name, value))
    said, given = reference("$util.http.addResponseHeaders", ({name: value},)) if batch else one
    evaluation = await evaluate(host, f"{said}null", given)
    assert evaluation.halt is None
    assert [each["parameters"] for each in evaluation.effects] == ([] if why else [[name, str(value)]])
    assert [(each["type"], each["message"]) for each in evaluation.errors] == (
        [("ResponseHeaderError", why)] if why else []
    )

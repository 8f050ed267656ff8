"""The calls that JavaScript and VTL share, in VTL."""

import json
from typing import Any

import pytest

from callpark.graphql.runtimes.vtl.host import VtlHost
from tests.graphql.runtimes.row import Row
from tests.graphql.runtimes.util_table import REFUSED, TABLE
from tests.graphql.runtimes.vtl.rendering import context, failure_of, value_of

pytestmark = pytest.mark.unit


def call(name: str, arguments: tuple[Any, ...]) -> tuple[str, dict[str, object]]:
    """`$util.NAME` of arguments that come in as the field's."""
    given = {f"a{at}": each for at, each in enumerate(arguments)}
    return f"$util.toJson($util.{name}({', '.join(f'$ctx.args.{each}' for each in given)}))", context(arguments=given)


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

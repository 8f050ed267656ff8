"""No function of `util` and `extensions` is without a row: those that both runtimes have are in the shared table."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.vtl.util.function import Family
from callpark.graphql.runtimes.vtl.util.table import FAMILIES
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits
from tests.graphql.runtimes.js.test_hostile import run, unchecked
from tests.graphql.runtimes.util_table import EFFECTS, TABLE

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
ELSEWHERE = {
    "util.error", "util.appendError", "util.unauthorized",  # what ends a handler is no value
    "util.autoId", "util.autoUlid", "util.autoKsuid", "util.math.randomDouble", "util.math.randomWithinRange",  # chance
    "util.http.addResponseHeader", "util.http.addResponseHeaders",  # HEADERS
    "util.rds.toJsonObject",  # the two say nulls and statements without rows differently
}  # fmt: skip
"""Both have them, and each has tests of its own."""


def names_in_vtl(family: Family, prefix: str) -> Iterator[str]:
    for name, member in family.members.items():
        if isinstance(member, Family):
            yield from names_in_vtl(member, f"{prefix}.{name}")
        else:
            yield f"{prefix}.{name}"


async def names_in_javascript() -> set[str]:
    host = JavaScriptHost(VirtualClock(), SeededIds(1), AppSyncLimits())
    found = await run(
        unchecked(
            host,
            "const names = []; for (const [prefix, family] of [['util', util], ['extensions', extensions]])"
            " for (const [name, member] of Object.entries(family)) {"
            " if (typeof member === 'function') names.push(`${prefix}.${name}`);"
            " else names.push(...Object.keys(member).map((each) => `${prefix}.${name}.${each}`)); } return names;",
        )
    )
    assert isinstance(found.value, list)
    return set(found.value)


def texts(folder: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (HERE / folder).glob("test_*.py"))


async def test_every_function_has_a_row() -> None:
    vtl = {name for prefix in ("util", "extensions") for name in names_in_vtl(FAMILIES[prefix], prefix)}
    javascript = await names_in_javascript()
    assert len(vtl) > 80
    assert len(javascript) > 40
    shared = {f"util.{row.name}" for row in TABLE} | {f"extensions.{name}" for name, _ in EFFECTS}
    assert sorted((vtl & javascript) - shared - ELSEWHERE) == []
    both, of_vtl, of_javascript = ELSEWHERE & vtl & javascript, texts("vtl"), texts("js")
    assert sorted(name for name in (vtl - shared) | both if f"${name}(" not in of_vtl) == []
    assert sorted(name for name in (javascript - shared) | both if f"{name}(" not in of_javascript) == []

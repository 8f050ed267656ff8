"""Java's regular expressions as `replace`, `replaceAll` and `match` take them."""

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_hostile import run, unchecked

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a.b.c'.replace('.', '-')", "-.b.c"),
        ("'a.b.c'.replaceAll('\\\\.', '-')", "a-b-c"),
        ("'John Smith'.replace('(\\\\w+) (\\\\w+)', '$2 $1')", "Smith John"),
        ("'x1y22'.replaceAll('\\\\d+', '')", "xy"),
        ("'aXbX'.replaceAll('(?i)x', '')", "ab"),
        ("'a1'.match('[a-z](\\\\d)')[1]", "1"),
    ],
)
async def test_replacing(host: JavaScriptHost, expression: str, expected: str) -> None:
    assert (await run(unchecked(host, f"return {expression};"))).value == expected

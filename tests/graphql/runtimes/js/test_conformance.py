"""The util surface and the quirks of APPSYNC_JS, expression by expression; vectors are AWS's where there are any."""
# ruff: noqa: E501 - tables read better unbroken

import re
from collections.abc import Mapping
from typing import Any

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit

CONTEXT: dict[str, object] = {
    "arguments": {"name": "n"},
    "stash": {},
    "source": None,
    "identity": None,
    "prev": None,
    "env": {"STAGE": "test"},
    "info": {"fieldName": "f", "parentTypeName": "Query", "variables": {}, "selectionSetList": ["a"], "selectionSetGraphQL": "{\n  a\n}"},
}  # fmt: skip


async def evaluate(host: JavaScriptHost, body: str, context: Mapping[str, object] = CONTEXT) -> Evaluation:
    unit = host.load("import { util } from '@aws-appsync/utils';\nexport function request(ctx) {\n" + body + "\n}")
    done = unit.evaluate("request", context, "API Key Authorization")
    return done if isinstance(done, Evaluation) else await done


VALUES: list[tuple[str, Any]] = [
    ("Date.now()", 1767225600000),
    ("new Date().toISOString()", "2026-01-01T00:00:00.000Z"),
    ("util.dynamodb.fromS3ObjectJson('{\"s3\":{\"key\":\"k\"}}')", {"key": "k"}),
    # quirks of the runtime
    ("JSON.parse('nonsense')", ""),
    ("'a.b.c'.replace('[.]', '-')", "a-b.c"),
    ("'a.b.c'.replaceAll('[.]', '-')", "a-b-c"),
    ("[3, 1, 2].sort()", [1, 2, 3]),
    ("ctx.args === ctx.arguments && ctx.args.name", "n"),
    ("ctx.info.selectionSetList", ["a"]),
    ("JSON.stringify(ctx.info).includes('selectionSet')", False),
    ("ctx.env.STAGE", "test"),
    ("undefined", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"),
    VALUES,
    ids=[e[:60] for e, _ in VALUES],
)
async def test_values(host: JavaScriptHost, expression: str, expected: object) -> None:
    evaluation = await evaluate(host, f"return {expression};")
    assert evaluation.halt is None
    assert evaluation.value == expected


@pytest.mark.parametrize(
    ("expression", "pattern"),
    [
        ("util.autoId()", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("util.autoUlid()", r"[0-9A-HJKMNP-TV-Z]{26}"),
        ("util.autoKsuid()", r"[0-9A-Za-z]{27}"),
    ],
)
async def test_ids_have_their_form_and_never_repeat(host: JavaScriptHost, expression: str, pattern: str) -> None:
    values = [(await evaluate(host, f"return [{expression}, {expression}];")).value for _ in range(3)]
    flat = [each for pair in values for each in pair]  # type: ignore[attr-defined]
    assert all(re.fullmatch(pattern, each) for each in flat)
    assert len(set(flat)) == 6


class _Chance:
    """Ids whose digits are given."""

    def __init__(self, *digits: str) -> None:
        self._digits = list(digits)
        self._rest = SeededIds(1)
        self.uuid, self.fraction = self._rest.uuid, self._rest.fraction

    def hex(self, length: int) -> str:
        return self._digits.pop() if self._digits else self._rest.hex(length)


async def test_ids_have_all_the_randomness_of_the_hosts() -> None:
    """These two are the same in 32 bits: ids drawn from so few would meet after some ten thousand."""
    pair = "fb00c919f9cfe8d03c711ce68e462aa6", "f1718804453e48d60044b950004cf99b"
    made = JavaScriptHost(VirtualClock(), _Chance(*pair, pair[1]), AppSyncLimits())
    try:
        body = "return [util.autoId(), util.autoUlid(), util.autoKsuid(), Math.random()];"
        again, second, first = [(await evaluate(made, body)).value for _ in range(3)]
    finally:
        made.close()
    assert again == second
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert all(one != other for one, other in zip(first, second, strict=True))


async def test_random_numbers_lie_within_their_range(host: JavaScriptHost) -> None:
    evaluation = await evaluate(
        host,
        "const all = []; for (const i of ctx.args.l) { all.push(util.math.randomWithinRange(3, 6), util.math.randomDouble(),"
        " Math.random()); } return all;",
        {"arguments": {"l": list(range(100))}},
    )
    values: Any = evaluation.value
    assert set(values[::3]) == {3, 4, 5}
    assert all(0 <= each < 1 for each in values[1::3] + values[2::3])
    assert len(set(values[1::3])) == 100


MISUSES = [
    ("util.base64Encode(1)", "util.base64Encode expects a string"),
    ("util.time.nowFormatted('yyyy', 'Nowhere/Land')", "Unknown time-zone ID: Nowhere/Land"),
    ("util.time.parseFormattedToEpochMilliSeconds('x', 'yyyy')", "does not match"),
    ("util.matches('(', 'x')", "util.matches"),
    ("ctx.nothing.at.all", "TypeError"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), MISUSES)
async def test_misuse_is_an_error_of_type_code_with_its_place(
    host: JavaScriptHost, expression: str, message: str
) -> None:
    halt = (await evaluate(host, f"return {expression};")).halt
    assert halt is not None
    assert halt["type"] == "Code"
    assert str(halt["message"]).startswith("code.js:3:")
    assert message in str(halt["message"])


async def test_nothing_survives_from_one_evaluation_to_the_next(host: JavaScriptHost) -> None:
    unit = host.load("let count = 0;\nexport function request() { count += 1; return count; }")
    values = [unit.evaluate("request", CONTEXT, "") for _ in range(3)]
    assert [each.value for each in values if isinstance(each, Evaluation)] == [1, 1, 1]


async def test_stash_arguments_errors_and_effects_come_back(host: JavaScriptHost) -> None:
    evaluation = await evaluate(
        host,
        "ctx.stash.a = 1; ctx.args.name = 'm'; util.appendError('e', 'T'); extensions.setSubscriptionFilter({filterGroup: []});"
        " console.error('x'); runtime.earlyReturn({v: 1}); return 2;",
    )
    assert evaluation.stash == {"a": 1}
    assert evaluation.args == {"name": "m"}
    assert evaluation.errors == ({"message": "e", "type": "T", "data": None, "errorInfo": None},)
    assert evaluation.effects == ({"name": "setSubscriptionFilter", "parameters": [{"filterGroup": []}]},)
    assert evaluation.logs[0].startswith("ERROR - code.js:3:")
    assert evaluation.halt == {"kind": "return", "value": {"v": 1}, "skipTo": None}
    assert evaluation.value is None


@pytest.mark.parametrize("name", ["base64", "url"])
async def test_encodings_of_large_texts(host: JavaScriptHost, name: str) -> None:
    text = "é+~ x" * 20_000
    body = f"return util.{name}Decode(util.{name}Encode(ctx.args.text)) === ctx.args.text;"
    assert (await evaluate(host, body, {"arguments": {"text": text}})).value is True


async def test_time_inside_is_the_clock(clock: VirtualClock, ids: SeededIds) -> None:
    host = JavaScriptHost(clock, ids, AppSyncLimits())
    before = (await evaluate(host, "return util.time.nowEpochSeconds();")).value
    await clock.advance(60)
    assert (await evaluate(host, "return util.time.nowEpochSeconds();")).value == before + 60  # type: ignore[operator]


def one(name: str, operator: str, value: object) -> dict[str, object]:
    return {"fieldName": name, "operator": operator, "value": value}


async def test_a_subscription_filter_is_multiplied_out(host: JavaScriptHost) -> None:
    """The developer guide's example."""
    evaluation = await evaluate(
        host,
        "return util.transform.toSubscriptionFilter({ percentageUp: { lte: 50, gte: 20 },"
        " and: [{ title: { ne: 'Book1' } }, { downvotes: { gt: 2000 } }],"
        " or: [{ author: { eq: 'Admin' } }, { isPublished: { eq: false } }] });",
    )
    both = [one("title", "ne", "Book1"), one("downvotes", "gt", 2000)]
    assert evaluation.value == {
        "filterGroup": [
            {"filters": [one("percentageUp", operator, value), *both, last]}
            for operator, value in (("lte", 50), ("gte", 20))
            for last in (one("author", "eq", "Admin"), one("isPublished", "eq", False))
        ]
    }


async def test_ignored_fields_and_rules_of_a_subscription_filter(host: JavaScriptHost) -> None:
    evaluation = await evaluate(
        host,
        "return util.transform.toSubscriptionFilter({ a: { eq: 1 }, secret: { eq: 2 }, or: [{ secret: { eq: 3 }, b: { eq: 4 } }] },"
        " ['secret'], { owner: { eq: 'me' }, group: { in: ['x'] } });",
    )
    kept = [one("a", "eq", 1), one("b", "eq", 4)]
    assert evaluation.value == {
        "filterGroup": [{"filters": [*kept, one("owner", "eq", "me")]}, {"filters": [*kept, one("group", "in", ["x"])]}]
    }

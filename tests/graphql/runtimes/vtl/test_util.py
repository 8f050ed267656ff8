"""What only templates have of `$util`, and `$extensions`: one row for each function."""
# ruff: noqa: E501 - tables read better unbroken

import json
import re

import pytest

from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.kernel.clock import VirtualClock
from tests.graphql.runtimes.vtl.rendering import context, evaluate, failure_of, value_of

pytestmark = pytest.mark.unit

GIVEN = context(
    arguments={
        "s": "text",
        "empty": "",
        "blank": "  ",
        "n": 5,
        "d": 2.5,
        "t": True,
        "l": ["a", "b"],
        "m": {"k": "v", "n": 1},
        "none": None,
        "json": '{"a": [1, 2.5, null]}',
        "people": [{"name": "Bo", "age": 30}, {"name": "Al", "age": 5}],
        "numbers": [3, 1.5, 2],
        "rds": json.dumps(
            {
                "sqlStatementResults": [
                    {"numberOfRecordsUpdated": 1},
                    {
                        "columnMetadata": [{"label": "id"}, {"label": "name"}, {"label": "on"}],
                        "records": [
                            [{"longValue": 1}, {"stringValue": "a"}, {"booleanValue": True}],
                            [{"longValue": 2}, {"isNull": True}, {"booleanValue": False}],
                        ],
                    },
                ]
            }
        ),
    }
)

VALUES = [
    ('"$util.qr($a.m.put("x", 1))$util.quiet(1)"', ""),
    ('"$util.escapeJavaScript($a.json)"', '{"a": [1, 2.5, null]}'),
    ("$util.toJson($util.parseJson($a.json))", {"a": [1, 2.5, None]}),
    ("$util.toJson($util.parseJson($a.none))", None),
    ("$util.toJson($a.nothing)", None),
    ('$util.toJson({"a": $a.s, "b": [$a.n, $a.none]})', {"a": "text", "b": [5, None]}),
    ("$util.toJson({1: 2, false: 3})", {"1": 2, "false": 3}),
    ("$util.toJson($a.m.keySet())", ["k", "n"]),
    ("$util.toJson($a.m.entrySet())", [{"k": "v"}, {"n": 1}]),
    ("$utils.toJson(123456789012345678901234567890)", 1.2345678901234568e29),
    ('$util.toJson("quote "" and \\ backslash")', 'quote " and \\ backslash'),
    ("[$util.isNull($a.none), $util.isNull($a.nothing), $util.isNull($a.empty)]", [True, True, False]),
    ("[$util.isNullOrEmpty($a.none), $util.isNullOrEmpty($a.empty), $util.isNullOrEmpty($a.blank)]", [True, True, False]),
    ("[$util.isNullOrEmpty([]), $util.isNullOrEmpty({}), $util.isNullOrEmpty($a.l)]", [True, True, False]),
    ("[$util.isNullOrBlank($a.none), $util.isNullOrBlank($a.blank), $util.isNullOrBlank($a.s)]", [True, True, False]),
    ('["$util.defaultIfNull($a.none, "d")", "$util.defaultIfNull($a.empty, "d")"]', ["d", ""]),
    ('["$util.defaultIfNullOrEmpty($a.empty, "d")", "$util.defaultIfNullOrEmpty($a.blank, "d")"]', ["d", "  "]),
    ('["$util.defaultIfNullOrBlank($a.blank, "d")", "$util.defaultIfNullOrBlank($a.s, "d")"]', ["d", "text"]),
    ("[$util.isString($a.s), $util.isString($a.n), $util.isNumber($a.d), $util.isNumber($a.t)]", [True, False, True, False]),
    ("[$util.isBoolean($a.t), $util.isList($a.l), $util.isMap($a.m), $util.isMap($a.l)]", [True, True, True, False]),
    (
        '["$util.typeOf($a.none)", "$util.typeOf($a.n)", "$util.typeOf($a.s)", "$util.typeOf($a.m)", "$util.typeOf($a.l)",'
        ' "$util.typeOf($a.t)", "$util.typeOf($a.m.keySet())"]',
        ["Null", "Number", "String", "Map", "List", "Boolean", "Object"],
    ),
    # list, map
    ('$util.toJson($util.list.copyAndRetainAll(["a", "b", "c"], $a.l))', ["a", "b"]),
    ('$util.toJson($util.list.copyAndRemoveAll(["a", "b", "c"], $a.l))', ["c"]),
    ('$util.toJson($util.list.sortList($a.people, false, "name"))', [{"name": "Al", "age": 5}, {"name": "Bo", "age": 30}]),
    ('$util.toJson($util.list.sortList($a.people, true, "age"))', [{"name": "Bo", "age": 30}, {"name": "Al", "age": 5}]),
    ('$util.toJson($util.list.sortList([3, 1, 2], false, "any"))', [1, 2, 3]),
    ('$util.toJson($util.list.sortList($a.numbers, false, "any"))', [3, 1.5, 2]),
    ('$util.toJson($util.list.sortList([1, "a", true], true, ""))', [1, "a", True]),
    ('$util.toJson($util.map.copyAndRetainAllKeys($a.m, ["k", "z"]))', {"k": "v"}),
    ('$util.toJson($util.map.copyAndRemoveAllKeys($a.m, ["k", "z"]))', {"n": 1}),
    # str, math
    ('"$util.str.toUpper($a.s)$util.str.toLower("ABC")$util.str.toReplace("a-b-c", "-", "+")"', "TEXTabca+b+c"),
    ("[$util.math.roundNum(-1.5), $util.math.roundNum(3), $util.math.minVal(2, 1), $util.math.maxVal(1, 2)]", [-1, 3, 1, 2]),
    # dynamodb as JSON text
    ("$util.dynamodb.toDynamoDBJson($a.m)", {"M": {"k": {"S": "v"}, "n": {"N": 1}}}),
    ("$util.dynamodb.toMapValuesJson($a.m)", {"k": {"S": "v"}, "n": {"N": 1}}),
    ("$util.dynamodb.toStringJson($a.s)", {"S": "text"}),
    ("$util.dynamodb.toStringSetJson($a.l)", {"SS": ["a", "b"]}),
    ("$util.dynamodb.toNumberJson($a.n)", {"N": 5}),
    ("$util.dynamodb.toNumberSetJson($a.numbers)", {"NS": [3, 1.5, 2]}),
    ("$util.dynamodb.toBinaryJson($a.s)", {"B": "text"}),
    ("$util.dynamodb.toBinarySetJson($a.l)", {"BS": ["a", "b"]}),
    ("$util.dynamodb.toBooleanJson($a.t)", {"BOOL": True}),
    ("$util.dynamodb.toNullJson()", {"NULL": None}),
    ("$util.dynamodb.toListJson($a.l)", {"L": [{"S": "a"}, {"S": "b"}]}),
    ("$util.dynamodb.toMapJson($a.m)", {"M": {"k": {"S": "v"}, "n": {"N": 1}}}),
    ('$util.dynamodb.toS3ObjectJson("k", "b", "r")', {"S": '{"s3":{"key":"k","bucket":"b","region":"r"}}'}),
    ('$util.toJson($util.dynamodb.fromS3ObjectJson(\'{"s3":{"key":"k"}}\'))', {"key": "k"}),
    # rds: one list for each statement
    (
        "$util.toJson($util.rds.toJsonObject($a.rds))",
        [[], [{"id": 1, "name": "a", "on": True}, {"id": 2, "name": None, "on": False}]],
    ),
    ("$util.rds.toJsonString($a.rds)", [[], [{"id": 1, "name": "a", "on": True}, {"id": 2, "name": None, "on": False}]]),
    ("$util.toJson($util.rds.toJsonObject($a.s))", None),
    # xml
    ('$util.xml.toJsonString("<a x=\'1\'>t</a>", true)', '{"a":{"x":1,"content":"t"}}'),
    ("$util.toJson($util.xml.toMap('<a><b>true</b><b>1.5</b><b>007</b><c/></a>'))", {"a": {"b": [True, 1.5, "007"], "c": ""}}),
    # elsewhere tables of both runtimes; here the ones with a context
    ('"$util.authType()"', "API Key Authorization"),
    ("$util.time.nowEpochSeconds()", 1767225600),
]  # fmt: skip


@pytest.mark.parametrize(("template", "expected"), VALUES)
async def test_values(host: VtlHost, template: str, expected: object) -> None:
    value = await value_of(host, f"#set($a = $ctx.args){template}", GIVEN)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("call", "pattern"),
    [
        ("$util.autoId()", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("$util.autoUlid()", r"[0-9A-HJKMNP-TV-Z]{26}"),
        ("$util.autoKsuid()", r"[0-9A-Za-z]{27}"),
    ],
)
async def test_ids_have_their_form_and_never_repeat(host: VtlHost, call: str, pattern: str) -> None:
    values = [await value_of(host, f'["{call}", "{call}"]') for _ in range(3)]
    flat = [each for pair in values for each in pair]  # type: ignore[attr-defined]
    assert all(re.fullmatch(pattern, each) for each in flat)
    assert len(set(flat)) == 6


async def test_random_numbers_lie_within_their_range(host: VtlHost) -> None:
    values = await value_of(
        host, "[#foreach($i in [1..100])$util.math.randomWithinRange(3, 6), $util.math.randomDouble(),#end 0]"
    )
    whole, real = values[:-1:2], values[1::2]  # type: ignore[index]
    assert set(whole) == {3, 4, 5}
    assert all(0 <= each < 1 for each in real)


async def test_time_inside_is_the_clock(host: VtlHost, clock: VirtualClock) -> None:
    await clock.advance(60)
    assert await value_of(host, '"$util.time.nowISO8601()"') == "2026-01-01T00:01:00.000Z"


ERRORS = [
    ('$util.error("m")', ("m", None, None, None)),
    ('$util.error("m", "T")', ("m", "T", None, None)),
    ('$util.error("m", "T", $ctx.args)', ("m", "T", {"x": 1}, None)),
    ('$util.error("m", "T", $ctx.args, {"code": 1})', ("m", "T", {"x": 1}, {"code": 1})),
    ('$util.validate(false, "m")', ("m", "CustomTemplateException", None, None)),
    ('$util.validate($nobody, "m", "T", {"a": 1})', ("m", "T", {"a": 1}, None)),
    ("$util.unauthorized()", ("Unauthorized", "Unauthorized", None, None)),
]


@pytest.mark.parametrize(("call", "expected"), ERRORS)
async def test_errors_end_the_evaluation(host: VtlHost, call: str, expected: tuple[object, ...]) -> None:
    evaluation = await evaluate(host, f'{call}{{"unread": true}}', context(arguments={"x": 1}))
    assert evaluation.value is None
    halt = evaluation.halt
    assert halt is not None
    assert (halt["kind"], *(halt[name] for name in ("message", "type", "data", "errorInfo"))) == ("error", *expected)


async def test_what_an_evaluation_leaves(host: VtlHost) -> None:
    evaluation = await evaluate(
        host,
        """#set($ctx.stash.a = 1)$util.qr($ctx.args.put("x", 2))
        $util.appendError("e", "T", {"d": 1}) $util.validate(true, "unsaid")
        $extensions.setSubscriptionFilter({"filterGroup": []})
        $extensions.setSubscriptionInvalidationFilter({"filterGroup": []}) $extensions.invalidateSubscriptions({"subscriptionField": "s"})
        $extensions.evictFromApiCache("Query", "a", {"ctx.args.id": "1"})
        $util.http.addResponseHeader("x-a", 1) $util.http.addResponseHeaders({"x-b": "2", "Vary": "no"})
        $util.log.info("a {} and {}", 1, {"m": [true]}) $util.log.error({"k": "v"}) $util.log.debug("d") $util.log.warn("w")
        {}""",
        context(arguments={"x": 1}),
    )
    assert evaluation.halt is None
    assert evaluation.value == {}
    assert evaluation.stash == {"a": 1}
    assert evaluation.args == {"x": 2}
    assert [each["message"] for each in evaluation.errors] == ["e", "The response header 'Vary' is restricted."]
    assert evaluation.errors[0] == {"message": "e", "type": "T", "data": {"d": 1}, "errorInfo": None}
    assert [(each["name"], each["parameters"]) for each in evaluation.effects] == [
        ("setSubscriptionFilter", [{"filterGroup": []}]),
        ("setSubscriptionInvalidationFilter", [{"filterGroup": []}]),
        ("invalidateSubscriptions", [{"subscriptionField": "s"}]),
        ("evictFromApiCache", ["Query", "a", {"ctx.args.id": "1"}]),
        ("addResponseHeader", ["x-a", "1"]),
        ("addResponseHeader", ["x-b", "2"]),
    ]
    assert evaluation.logs == ("INFO - a 1 and {m=[true]}", "ERROR - {k=v}", "DEBUG - d", "WARN - w")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("$util.frobnicate(1)", "callpark does not have $util.frobnicate at line 2, column 3"),
        ("$util.time.yesterday()", "callpark does not have $util.time.yesterday at line 2, column 3"),
        ("$util.toJson()", "$util.toJson takes 1 arguments, 0 were given"),
        ("$util.error()", "$util.error takes 1 to 4 arguments, 0 were given"),
        ('$util.parseJson("{")', "$util.parseJson: the text is not JSON"),
        ("$util.base64Encode(1)", "$util.base64Encode expects a string"),
        ('$util.base64Decode("?")', "$util.base64Decode expects base64 text"),
        ('$util.matches("(", "a")', "$util.matches: Unclosed group"),
        ('$util.matches("a++", "a")', "$util.matches: possessive quantifiers are not supported by callpark"),
        ('$util.str.normalize("a", "nfx")', "$util.str.normalize: 'nfx' is not one of"),
        ('$util.time.nowFormatted("bb")', "$util.time: Unknown pattern letter: b"),
        ('$util.time.nowFormatted("yyyy", "../../etc/passwd")', "$util.time: Unknown time-zone ID: ../../etc/passwd"),
        ("$util.time.epochMilliSecondsToISO8601(99999999999999999)", "expects epoch milliseconds within the years"),
        ("$util.dynamodb.toMapValues(1)", "$util.dynamodb.toMapValues expects a map"),
        ('$util.list.sortList([1..1001], true, "")', "$util.list.sortList sorts at most 1000 items"),
        ('$util.transform.toElasticsearchQueryDSL({"a": {"b": 1}})', "'b' is not an operator"),
    ],
)
async def test_misuse_is_an_error_with_its_place(host: VtlHost, call: str, message: str) -> None:
    said = await failure_of(host, f"#set($x = 1)\n  {call}")
    assert message in said
    assert " at line 2, column 3" in said or " at line 2, column 4" in said or " at line 2, column" in said

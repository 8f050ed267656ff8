"""What a template sees as `$ctx`, what it leaves, and how its output is read."""

import pytest

from callpark.graphql.runtimes.vtl.failures import BrokenTemplate
from callpark.graphql.runtimes.vtl.host import VtlHost
from tests.graphql.runtimes.vtl.rendering import context, evaluate, failure_of, value_of

pytestmark = pytest.mark.unit

CONTEXT = context(
    arguments={"id": "7", "input": {"title": "T"}},
    source={"id": "s"},
    identity={"username": "ann", "groups": ["admin"], "claims": {"email": "a@b"}},
    stash={"kept": 1},
    prev={"result": {"p": 1}},
    result={"items": [{"id": 1}]},
    error={"message": "m", "type": "T"},
    outErrors=[{"message": "o", "type": None, "data": None, "errorInfo": None}],
)

SEEN = [
    ('"$ctx.args.id$context.arguments.id"', "77"),
    ('"$ctx.arguments.input.title"', "T"),
    ('"$ctx.source.id"', "s"),
    ('"$ctx.identity.username $ctx.identity.claims.email"', "ann a@b"),
    ('"$ctx.identity.groups.contains("admin")"', "true"),
    ('"$ctx.request.headers.x-api-key $ctx.request.headers.get("x-api-key")"', "da2-k da2-k"),
    ("$ctx.stash.kept", 1),
    ("$ctx.prev.result.p", 1),
    ("$util.toJson($ctx.result.items)", [{"id": 1}]),
    ('"$ctx.error.message$ctx.error.type"', "mT"),
    ('"$ctx.info.fieldName $ctx.info.parentTypeName"', "f Query"),
    ("$util.toJson($ctx.info.selectionSetList)", ["a", "a/b"]),
    ('$util.toJson($ctx.info["selectionSetGraphQL"])', "{\n  a { b }\n}"),
    ("$util.toJson($ctx.info)", {"fieldName": "f", "parentTypeName": "Query", "variables": {}}),
    ('"$ctx.env.STAGE"', "test"),
    ("$util.toJson($ctx.outErrors[0].message)", "o"),
    ('"$util.isNull($ctx.request.domainName)"', "true"),
]


@pytest.mark.parametrize(("template", "expected"), SEEN)
async def test_members(host: VtlHost, template: str, expected: object) -> None:
    assert await value_of(host, template, CONTEXT) == expected


async def test_an_absent_error_is_null(host: VtlHost) -> None:
    assert await value_of(host, '#if($ctx.error)"failed"#{else}"fine"#end') == "fine"


OUTPUTS = [
    ("  {}  \n", {}),
    ("null", None),
    ('"text"', "text"),
    ("[1, 2.5, true]", [1, 2.5, True]),
    ("$util.toJson($ctx.args)", {"id": "7", "input": {"title": "T"}}),
    ('{"a": "like a key\\": in text", "b" : 1}', {"a": 'like a key": in text', "b": 1}),
    (' $util.toJson({"a": [$ctx.args.id]}) ', {"a": ["7"]}),
    ('"ü𝄞"', "ü𝄞"),
    ('"\\ud834\\udd1e"', "𝄞"),
    ('#set($x = "\\ud834\\udd1e")"$x"', "𝄞"),
    ('#set($x = "<\\ud834>")"$x"', "<\ufffd>"),
    ('#stop"late"', None),
]


@pytest.mark.parametrize(("template", "expected"), OUTPUTS[:-1])
async def test_output(host: VtlHost, template: str, expected: object) -> None:
    assert await value_of(host, template, CONTEXT) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("", "Template transformation yielded an empty response."),
        ("  #if(false)x#end \n", "Template transformation yielded an empty response."),
        ("#stop{}", "Template transformation yielded an empty response."),
        ('{"a": {"b": 1, "b": 3}}', "Duplicate field 'b' detected on Object. Duplicate JSON keys are not allowed."),
        ('{"a": 1}}', "Trailing characters at the end of the JSON string are not allowed."),
        ('{"a": $nobody}', "Unable to parse the JSON document: 'Expecting value at line 1, column 7, near '$nobody}''"),
        ('{"a": "line\nbreak"}', "Unable to parse the JSON document: 'Invalid control character"),
        ("{'a': 1}", "Unable to parse the JSON document: 'Expecting property name"),
        ("NaN", "Unable to parse the JSON document: 'Unexpected NaN"),
        ('"\\ud800"', "Unable to parse the JSON document: 'no low surrogate"),
        ("[" * 300 + "]" * 300, "A value is nested too deeply."),
        ("[" * 5000, "Unable to parse the JSON document: 'it is nested too deeply'"),
    ],
)  # fmt: skip
async def test_output_that_is_no_json(host: VtlHost, template: str, message: str) -> None:
    assert (await failure_of(host, template)).startswith(message)


RETURNS = [
    ("#return", None),
    ("#return()", None),
    ('#return("x")', "x"),
    ("#return($ctx.args)", {"id": "7", "input": {"title": "T"}}),
    ('{"unread": #return([1, {"a": $nobody}])', [1, {"a": None}]),
    ("#foreach($i in [1..3])#if($i == 2)#return($i)#end#end", 2),
    ("#macro(m)#return(5)#end#m()", 5),
]


@pytest.mark.parametrize(("template", "expected"), RETURNS)
async def test_return(host: VtlHost, template: str, expected: object) -> None:
    evaluation = await evaluate(host, template, CONTEXT)
    assert evaluation.halt == {"kind": "return", "value": expected, "skipTo": None}


CHANGES = [
    '$util.qr($ctx.args.put("new", 1))',
    "#set($ctx.args.new = 1)",
    '#set($ctx.args["new"] = 1)',
    "#set($a = $ctx.args)#set($a.new = 1)",
    '#foreach($each in [$ctx.args])$util.qr($each.put("new", 1))#end',
    '#macro(m $map)$util.qr($map.put("new", 1))#end#m($ctx.args)',
    '#set($it = $ctx.args.entrySet())#foreach($e in $it)#set($e.value = "x")#end',
    "$util.qr($ctx.args.keySet().clear())",
    '$util.qr($ctx.args.input.remove("title"))',
]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_changed_is_left_and_what_was_given_is_not_touched(host: VtlHost, change: str) -> None:
    given = context(arguments={"id": "7", "input": {"title": "T"}})
    before = repr(given)
    evaluation = await evaluate(host, f"{change}{{}}", given)
    assert evaluation.halt is None
    assert repr(given) == before
    assert evaluation.args != given["arguments"]


async def test_a_stash_that_is_filled_with_views_becomes_plain(host: VtlHost) -> None:
    evaluation = await evaluate(host, '$util.qr($ctx.stash.put("keys", $ctx.args.keySet())){}', CONTEXT)
    assert evaluation.stash == {"kept": 1, "keys": ["id", "input"]}


async def test_a_set_with_nothing_to_set_it_on_is_logged(host: VtlHost) -> None:
    evaluation = await evaluate(host, "#set($ctx.stash.a.b = 1){}")
    assert evaluation.logs == ("WARN - 1:6: #set($ctx.stash.a.b = …) has nothing to set it on",)


BROKEN = [
    ("#if(true", 1, 9, "expected ')', found the end"),
    ("#if(true)", 1, 10, "#if without its #end"),
    ("a\n#foreach($i in [1..2])\n$i", 3, 3, "#foreach without its #end"),
    ("#end", 1, 1, "#end without a block that it belongs to"),
    ("#else", 1, 1, "#else without a block that it belongs to"),
    ("#foreach($i in [1])#else#end", 1, 20, "#else does not belong to #foreach"),
    ("#if true #end", 1, 5, "expected '(' after #if, found 'true #end'"),
    ("#set($x 1)", 1, 9, "expected '=', found '1)'"),
    ("#set(x = 1)", 1, 6, "expected a reference to set, found 'x = 1)'"),
    ("#set($x = )", 1, 11, "expected a value, found ')'"),
    ('#set($x = "abc)', 1, 11, "a string without its closing quote"),
    ("#set($x = [1, 2)", 1, 16, "expected ',', found ')'"),
    ('#set($x = {"a" 1})', 1, 16, "expected ':', found '1})'"),
    ("#set($x = {a: 1})", 1, 12, "expected a value, found 'a: 1})'"),
    ("${x", 1, 4, "expected '}', found the end"),
    ("$x.call(", 1, 9, "expected a value, found the end"),
    ("$x[", 1, 4, "expected a value, found the end"),
    ("#foreach(x in $y)#end", 1, 10, "expected a variable such as $item, found 'x in $y)#end'"),
    ("#foreach($x of $y)#end", 1, 12, "expected 'in', found ' of $y)#end'"),
    ("#* never closed", 1, 1, "#* without its end"),
    ("#[[ never closed", 1, 1, "#[[ without its end"),
    ('\n  #parse("other.vtl")', 2, 9, "#parse is not available in mapping templates"),
    ('#include("other.vtl")', 1, 9, "#include is not available in mapping templates"),
    ('#evaluate("x")', 1, 10, "#evaluate is not available in mapping templates"),
    ('#set($x = "a #if(1) b")', 1, 22, "#if without its #end"),
    ("#define($a.b)x#end", 1, 13, "expected a variable such as $item, found ')x#end'"),
]


@pytest.mark.parametrize(("template", "line", "column", "message"), BROKEN)
def test_what_does_not_parse_says_where(host: VtlHost, template: str, line: int, column: int, message: str) -> None:
    with pytest.raises(BrokenTemplate) as caught:
        host.load(template)
    assert (caught.value.line, caught.value.column, caught.value.message) == (line, column, message)

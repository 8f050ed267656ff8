"""Templates out of a seed: most of them parse, few of them mean anything."""

import random
import re

_NODES = """
#set($x = {E})
#if({E}){T}#end
#if({E}){T}#else{T}#end
#foreach($i in {E}){T}#end
#macro(m $a){T}#end
#define($d){T}#end
#m({E})
#return({E})
#break
text
${R}
"{R}"
{R}
$util.qr({E})
$util.toJson({E})
"""
_EXPRESSIONS = """1 | -2 | 2.5 | "a$x" | 'b' | true | null | [] | [{E}, {E}] | {"a": {E}} | {"k": {E}, "l": {E}}
 | [1..3] | {R} | !{E} | ({E} {O} {E})"""
_OPERATORS = "+ - * / % == != < > <= >= && ||"
_REFERENCES = """
$x $i $d $a $ctx.args $ctx.args.b $ctx.info $ctx.stash $foreach.parent $foreach.index $x.a $x[{E}] $x.size()
$x.get({E}) $x.put({E},{E}) $x.add({E}) $x.keySet() $x.values() $x.toString() $x.split({E}) $x.substring({E})
$x.replaceAll({E},{E}) $x.contains({E}) $x.remove({E}) $x.entrySet() $x.iterator() $x.next() $x.addAll({E})
$x.indexOf({E}) $x.format({E},{E}) $x.repeat({E}) $x.compareTo({E}) $x.subList({E},{E}) $x.parseInt({E})
$x.valueOf({E}) $x.retainAll({E}) $x.set({E},{E}) $x.setValue({E}) $x.hashCode() $x.join({E},{E}) $x.equals({E})
$x.matches({E}) $ctx.args.put({E},{E}) $ctx.stash.put({E},{E}) $util.typeOf({E}) $util.parseJson({E})
$util.urlDecode({E}) $util.base64Decode({E}) $util.matches({E},{E}) $util.error({E},{E},{E}) $util.appendError({E})
$util.validate({E},{E}) $util.isNullOrEmpty({E}) $util.defaultIfNull({E},{E}) $util.escapeJavaScript({E})
$util.dynamodb.toDynamoDB({E}) $util.dynamodb.toStringSet({E}) $util.dynamodb.toMapValuesJson({E})
$util.list.sortList({E},{E},{E}) $util.list.copyAndRemoveAll({E},{E}) $util.map.copyAndRetainAllKeys({E},{E})
$util.transform.toDynamoDBFilterExpression({E}) $util.transform.toElasticsearchQueryDSL({E})
$util.transform.toSubscriptionFilter({E},{E}) $util.time.nowFormatted({E},{E})
$util.time.epochMilliSecondsToISO8601({E}) $util.time.parseFormattedToEpochMilliSeconds({E},{E})
$util.xml.toMap({E}) $util.rds.toJsonObject({E}) $util.math.roundNum({E}) $util.math.randomWithinRange({E},{E})
$util.http.copyHeaders({E}) $util.http.addResponseHeader({E},{E}) $util.str.normalize({E},{E})
$util.str.toReplace({E},{E},{E}) $extensions.setSubscriptionFilter({E})
"""
_VALUES = """
"abc" | "a,b" | "" | "%d %s" | "yyyy-MM-dd" | "2020-01-01" | "<a><b>1</b></a>" | "[1]" | "(a+)+" | "nfc" | "UTC" | "$1"
 | 5 | -1 | 2.5 | 1.0e300 | 9223372036854775807 | true | null | [1,"a",null] | ["b","a"] | [] | {} | [1..5]
 | {"a":{"eq":1},"b":{"between":[1,2]}} | {"and":[{"a":{"eq":1}}],"or":[]} | [{"id":2},{"id":1}] | $ctx.args.keySet()
 | $ctx.args.entrySet() | $ctx.args.entrySet().iterator().next() | $ctx.args.b.iterator()"""
VALUES = _VALUES.replace("\n", "").split(" | ")
NODES = _NODES.strip().splitlines()
EXPRESSIONS = _EXPRESSIONS.replace("\n", "").split(" | ")
OPERATORS = _OPERATORS.split()
REFERENCES = _REFERENCES.split()

_HOLE = re.compile(r"\{([TERO])\}")
_DEEPEST = 5


def template(seed: int) -> str:
    """The template of that seed: its variables have values, then it does something with them."""
    chance = random.Random(seed)
    values = "".join(f"#set(${name} = {chance.choice(VALUES)})" for name in "xiad")
    return values + _Writer(chance).block(_DEEPEST)


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def block(self, depth: int) -> str:
        if depth <= 0:
            return "t"
        return "".join(self._filled(self._chance.choice(NODES), depth) for _ in range(self._chance.randint(1, 3)))

    def _filled(self, shape: str, depth: int) -> str:
        return _HOLE.sub(lambda hole: self._written(hole[1], depth - 1), shape)

    def _written(self, kind: str, depth: int) -> str:
        if kind == "T":
            return self.block(depth)
        if kind == "O":
            return self._chance.choice(OPERATORS)
        shapes = EXPRESSIONS if kind == "E" else REFERENCES
        return self._filled(self._chance.choice(shapes if depth > 0 else shapes[:5]), depth)

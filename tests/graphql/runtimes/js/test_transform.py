"""util.transform against recorded answers of the service (localstack/appsync-utils) and the developer guide."""
# ruff: noqa: E501 - tables read better unbroken

import json
from typing import Any

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_hostile import run, unchecked

pytestmark = pytest.mark.unit

EXPRESSIONS: list[tuple[str, str, dict[str, Any]]] = [
    *(
        (f"{{ v: {{ {operator}: 'x' }} }}", f"(#v {sign} :v_{operator})", {f":v_{operator}": {"S": "x"}})
        for operator, sign in {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items()
    ),
    ("{ v: { eq: 1.5 } }", "(#v = :v_eq)", {":v_eq": {"N": 1.5}}),
    ("{ v: { eq: null } }", "(#v = :v_eq)", {":v_eq": {"NULL": None}}),
    ("{ v: { eq: { a: [1] } } }", "(#v = :v_eq)", {":v_eq": {"M": {"a": {"L": [{"N": 1}]}}}}),
    ("{ v: { contains: 'x' } }", "(contains(#v,:v_contains))", {":v_contains": {"S": "x"}}),
    ("{ v: { notContains: 'x' } }", "(NOT contains(#v,:v_notContains))", {":v_notContains": {"S": "x"}}),
    ("{ v: { beginsWith: 'x' } }", "(begins_with(#v,:v_beginsWith))", {":v_beginsWith": {"S": "x"}}),
    ("{ v: { between: [1, 9, 3] } }", "(#v BETWEEN :v_between_start AND :v_between_end)", {":v_between_start": {"N": 1}, ":v_between_end": {"N": 9}}),
    ("{ v: { in: ['a', 'b'] } }", "(#v IN (:v_in_0, :v_in_1))", {":v_in_0": {"S": "a"}, ":v_in_1": {"S": "b"}}),
    ("{ v: { in: [] } }", "(null)", {}),
    ("{ v: { attributeExists: true } }", "(attribute_exists(#v))", {}),
    ("{ v: { attributeExists: false } }", "(attribute_not_exists(#v))", {}),
    *(
        (f"{{ v: {{ attributeType: '{name}' }} }}", "(attribute_type(#v,:v_attributeType))", {":v_attributeType": {"S": code}})
        for name, code in {"_null": "NULL", "string": "S", "stringSet": "SS", "number": "N", "numberSet": "NS", "binary": "B", "binarySet": "BS", "boolean": "BOOL", "list": "L", "map": "M"}.items()
    ),
    ("{ v: { size: { gt: 2, lt: 5 } } }", "((size(#v) > :v_size_gt) AND (size(#v) < :v_size_lt))", {":v_size_gt": {"N": 2}, ":v_size_lt": {"N": 5}}),
    ("{ v: { size: { between: [1, 3] } } }", "(size(#v) BETWEEN :v_size_between_start AND :v_size_between_end)", {":v_size_between_start": {"N": 1}, ":v_size_between_end": {"N": 3}}),
    ("{ v: { size: { attributeExists: true } } }", "(attribute_exists(size(#v)))", {}),
    ("{ v: { size: { size: { gt: 1 } } } }", "(size(#v) > :v_size_size_gt)", {":v_size_size_gt": {"N": 1}}),
    ("{ v: { ge: 1, le: 5 } }", "((#v >= :v_ge) AND (#v <= :v_le))", {":v_ge": {"N": 1}, ":v_le": {"N": 5}}),
    ("{ and: [{ v: { eq: 1 } }] }", "(#v = :and_0_v_eq)", {":and_0_v_eq": {"N": 1}}),
    ("{ or: [{ v: { eq: 1 } }, { v: { eq: 2 } }] }", "((#v = :or_0_v_eq) OR (#v = :or_1_v_eq))", {":or_0_v_eq": {"N": 1}, ":or_1_v_eq": {"N": 2}}),
    ("{ not: { v: { eq: 1 } } }", "(NOT (#v = :not_v_eq))", {":not_v_eq": {"N": 1}}),
    ("{ not: { not: { v: { eq: 1 } } } }", "(NOT (NOT (#v = :not_not_v_eq)))", {":not_not_v_eq": {"N": 1}}),
    ("{ and: [{ or: [{ and: [{ v: { eq: 1 } }] }] }] }", "(#v = :and_0_or_0_and_0_v_eq)", {":and_0_or_0_and_0_v_eq": {"N": 1}}),
    ("{ or: [{ and: [{ v: { eq: 1 } }, { v: { eq: 2 } }] }, { v: { eq: 3 } }] }", "(((#v = :or_0_and_0_v_eq) AND (#v = :or_0_and_1_v_eq)) OR (#v = :or_1_v_eq))", {":or_0_and_0_v_eq": {"N": 1}, ":or_0_and_1_v_eq": {"N": 2}, ":or_1_v_eq": {"N": 3}}),
    ("{ v: { eq: 1 }, and: [{ v: { eq: 2 } }] }", "(#v = :v_eq) AND (#v = :and_0_v_eq)", {":v_eq": {"N": 1}, ":and_0_v_eq": {"N": 2}}),
    ("{ v: {} }", "", {}),
    ("{ v: { size: {} } }", "", {}),
    ("{ and: [{ v: { eq: 1 } }, {}] }", "((#v = :and_0_v_eq) AND )", {":and_0_v_eq": {"N": 1}}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expression", "values"), EXPRESSIONS, ids=[each[:60] for each, _, _ in EXPRESSIONS])
async def test_dynamodb_expressions(host: JavaScriptHost, source: str, expression: str, values: dict[str, Any]) -> None:
    for name in ("toDynamoDBFilterExpression", "toDynamoDBConditionExpression"):
        evaluation = await run(unchecked(host, f"return util.transform.{name}({source});"))
        assert json.loads(str(evaluation.value)) == {
            "expression": expression,
            "expressionNames": {"#v": "v"},
            "expressionValues": values,
        }


@pytest.mark.parametrize("source", ["{}", "{ and: [] }"])
async def test_filters_without_anything(host: JavaScriptHost, source: str) -> None:
    text = (await run(unchecked(host, f"return util.transform.toDynamoDBFilterExpression({source});"))).value
    assert text == '{"expression":"","expressionNames":{},"expressionValues":{}}'


UNRENDERED = [
    "", "null", "[]", "'string'", "{ v: { foo: 1 } }", "{ v: 'x' }", "{ a: { b: { eq: 1 } } }", "{ and: { a: { eq: 1 } } }",
    "{ and: null }", "{ and: [{ a: { eq: 1 } }, null] }", "{ not: [{ a: { eq: 1 } }] }", "{ v: { between: [1] } }",
    "{ v: { between: 'x' } }", "{ v: { in: 'x' } }", "{ v: { attributeExists: 'yes' } }", "{ v: { attributeType: 'S' } }",
    "{ v: { size: 3 } }", "{ v: { toString: 1 } }",
]  # fmt: skip


@pytest.mark.parametrize("source", UNRENDERED)
async def test_what_the_service_cannot_render_is_null_and_the_log_says_so(host: JavaScriptHost, source: str) -> None:
    evaluation = await run(unchecked(host, f"return util.transform.toDynamoDBFilterExpression({source});"))
    assert (evaluation.halt, evaluation.value) == (None, None)
    assert "the result is null" in evaluation.logs[0]


def filters(*groups: list[tuple[str, str, Any]]) -> dict[str, Any]:
    return {
        "filterGroup": [
            {"filters": [{"fieldName": name, "operator": operator, "value": value} for name, operator, value in group]}
            for group in groups
        ]
    }


SUBSCRIPTIONS: list[tuple[str, Any]] = [
    ("{ a: { eq: 1 }, b: { eq: 2 } }", filters([("a", "eq", 1), ("b", "eq", 2)])),
    ("{ z: { eq: 0 }, and: [{ a: { eq: 1 } }] }", filters([("z", "eq", 0), ("a", "eq", 1)])),
    ("{ 'loc.addr.country': { eq: 'USA' } }", filters([("loc.addr.country", "eq", "USA")])),
    ("{ a: { eq: 1, ne: 2 } }", filters([("a", "eq", 1)], [("a", "ne", 2)])),
    ("{ or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }", filters([("a", "eq", 1)], [("b", "eq", 2)])),
    ("{ and: [{ a: { eq: 1 } }, { or: [{ b: { eq: 2 } }, { c: { eq: 3 } }] }] }", filters([("a", "eq", 1), ("b", "eq", 2)], [("a", "eq", 1), ("c", "eq", 3)])),
    ("{ a: { bogus: 1 } }", filters([("a", "bogus", 1)])),
    ("{ not: { a: { eq: 1 } } }", filters([("not", "a", {"eq": 1})])),
    ("{ a: { eq: 1 }, b: { eq: 2 } }, ['a']", filters([("b", "eq", 2)])),
    ("{ a: { eq: 1 }, and: [{ b: { eq: 2 } }] }, ['b']", filters([("a", "eq", 1)])),
    ("{ a: { eq: 1 } }, [], { r1: { gte: 250 }, r2: { eq: 'p' } }", filters([("a", "eq", 1), ("r1", "gte", 250)], [("a", "eq", 1), ("r2", "eq", "p")])),
    ("{}, [], { r1: { eq: 1 } }", filters([("r1", "eq", 1)])),
    ("{}", filters()),
    ("{ a: {} }", filters()),
    ("{ and: [] }", filters()),
    ("null", None),
    ("", None),
    ("[]", None),
    ("'{\"a\":{\"eq\":1}}'", None),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), SUBSCRIPTIONS, ids=[each for each, _ in SUBSCRIPTIONS])
async def test_subscription_filters(host: JavaScriptHost, source: str, expected: Any) -> None:
    evaluation = await run(unchecked(host, f"return util.transform.toSubscriptionFilter({source});"))
    assert (evaluation.halt, evaluation.value) == (None, expected)


SEARCHES: list[tuple[str, Any]] = [
    ("{ a: { eq: 1 } }", {"term": {"a": 1}}),
    ("{ a: { gt: 1 }, b: { match: 'x' } }", {"bool": {"must": [{"range": {"a": {"gt": 1}}}, {"match": {"b": "x"}}]}}),
    ("{ or: [{ a: { matchPhrase: 'x' } }, { a: { matchPhrasePrefix: 'y' } }] }", {"bool": {"should": [{"match_phrase": {"a": "x"}}, {"match_phrase_prefix": {"a": "y"}}], "minimum_should_match": 1}}),
    ("{ not: { a: { exists: true } } }", {"bool": {"must_not": {"exists": {"field": "a"}}}}),
    ("{ and: [{ a: { gte: 1, lte: 2 } }, { b: { regexp: 'x.*' } }] }", {"bool": {"must": [{"bool": {"must": [{"range": {"a": {"gte": 1}}}, {"range": {"a": {"lte": 2}}}]}}, {"regexp": {"b": "x.*"}}]}}),
    ("{ a: { multiMatch: 'x' } }", {"multi_match": {"fields": ["a"], "query": "x"}}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), SEARCHES, ids=[each for each, _ in SEARCHES])
async def test_opensearch_queries(host: JavaScriptHost, source: str, expected: Any) -> None:
    evaluation = await run(unchecked(host, f"return util.transform.toElasticsearchQueryDSL({source});"))
    assert json.loads(str(evaluation.value)) == expected


async def test_an_unknown_search_operator_is_an_error(host: JavaScriptHost) -> None:
    halt = (await run(unchecked(host, "return util.transform.toElasticsearchQueryDSL({ a: { is: 1 } });"))).halt
    assert halt is not None
    assert "'is' is not an operator" in str(halt["message"])

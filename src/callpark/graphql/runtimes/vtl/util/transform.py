"""`$util.transform`: filter objects as DynamoDB expressions, OpenSearch queries, subscription filters.

https://docs.aws.amazon.com/appsync/latest/devguide/transformation-helpers-in-utils-transform.html
"""

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.dynamodb import to_dynamodb
from callpark.graphql.runtimes.vtl.util.function import Family, functions, items, mapping
from callpark.graphql.runtimes.vtl.util.search_query import to_elasticsearch_query_dsl
from callpark.graphql.runtimes.vtl.writing import json_text

_FILTER = "$util.transform.toDynamoDBFilterExpression"
_SUBSCRIPTION = "$util.transform.toSubscriptionFilter"
_COMPARISONS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_CALLS = {"contains": "contains", "notContains": "NOT contains", "beginsWith": "begins_with"}
_ATTRIBUTE_TYPES = {
    "string": "S", "number": "N", "binary": "B", "boolean": "BOOL", "stringSet": "SS", "numberSet": "NS",
    "binarySet": "BS", "list": "L", "map": "M", "_null": "NULL",
}  # fmt: skip
_MOST_GROUPS = 1_000


class _Unrendered(Exception):
    """A filter that the service cannot render: its answer is null, our log says why."""


class _Expression:
    """A DynamoDB expression while it is built."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.names: dict[str, object] = {}
        self.values: dict[str, object] = {}

    def all_of(self, members: object, prefix: str) -> str:
        """The conditions of one object, which hold together."""
        if not isinstance(members, dict):
            raise _Unrendered("a filter is expected to be a map")
        parts: list[str] = []
        for name, wanted in members.items():
            self._run.step()
            match name:
                case "and" | "or":
                    if not isinstance(wanted, list):
                        raise _Unrendered(f"'{name}' expects a list")
                    inner = [self.all_of(each, f"{prefix}{name}_{at}_") for at, each in enumerate(wanted)]
                    parts.append(_joined(inner, name.upper()))
                case "not":
                    parts.append(f"(NOT {self.all_of(wanted, f'{prefix}not_')})")
                case _:
                    parts.append(self._operators(f"#{name}", str(name), f"{prefix}{name}", wanted))
        return " AND ".join(parts)

    def _operators(self, target: str, name: str, path: str, wanted: object) -> str:
        if not isinstance(wanted, dict):
            raise _Unrendered(f"'{name}' expects operators")
        self.names[f"#{name}"] = name
        conditions = [
            self._condition(target, name, f"{path}_{operator}", str(operator), value)
            for operator, value in wanted.items()
        ]
        return _joined(conditions, "AND")

    def _condition(self, target: str, name: str, path: str, operator: str, value: object) -> str:
        if operator in _COMPARISONS:
            return f"({target} {_COMPARISONS[operator]} {self._bound(path, value)})"
        if operator in _CALLS:
            return f"({_CALLS[operator]}({target},{self._bound(path, value)}))"
        match operator, value:
            case "between", [low, high, *_]:
                return f"({target} BETWEEN {self._bound(f'{path}_start', low)} AND {self._bound(f'{path}_end', high)})"
            case "in", []:
                return "(null)"
            case "in", [*each]:
                return f"({target} IN ({', '.join(self._bound(f'{path}_{at}', one) for at, one in enumerate(each))}))"
            case "attributeExists", bool():
                return f"(attribute_{'' if value else 'not_'}exists({target}))"
            case "attributeType", str() if value in _ATTRIBUTE_TYPES:
                return f"(attribute_type({target},{self._bound(path, _ATTRIBUTE_TYPES[value])}))"
            case "size", _:
                return self._operators(f"size(#{name})", name, path, value)
            case (("between" | "in" | "attributeExists" | "attributeType"), _):
                raise _Unrendered(f"'{operator}' has a value of the wrong kind")
        raise _Unrendered(f"'{operator}' is not an operator")

    def _bound(self, path: str, value: object) -> str:
        self.values[f":{path}"] = to_dynamodb(self._run, value)
        return f":{path}"


def _joined(parts: list[str], word: str) -> str:
    return f"({f' {word} '.join(parts)})" if len(parts) > 1 else "".join(parts)


def _to_filter_expression(run: Run, given: object) -> str | None:
    expression = _Expression(run)
    try:
        text = expression.all_of(given, "")
    except _Unrendered as why:
        run.logs.append(f"WARN - {_FILTER}: {why}, the result is null")
        return None
    return json_text(
        run, {"expression": text, "expressionNames": expression.names, "expressionValues": expression.values}
    )


def _to_subscription_filter(run: Run, given: object, ignored: object = None, rules: object = None) -> object:
    """A filter object multiplied out into groups (any) of filters (all)."""
    if not isinstance(given, dict):
        return None
    left_out = [] if ignored is None else items(ignored, _SUBSCRIPTION)
    groups = _groups(run, given, left_out)
    chosen = {} if rules is None else mapping(rules, _SUBSCRIPTION)
    if chosen:
        groups = _crossed(groups, [group for name in chosen for group in _groups(run, {name: chosen[name]}, [])])
    return {"filterGroup": [{"filters": group} for group in groups if group]}


def _groups(run: Run, given: object, ignored: list[object]) -> list[list[object]]:
    members = mapping(given, _SUBSCRIPTION)
    groups: list[list[object]] = [[]]
    for name, operators in members.items():
        run.step()
        if name in ("and", "or") or name in ignored:
            continue
        if not isinstance(operators, dict):
            raise TemplateFailure(f"{_SUBSCRIPTION}: '{name}' needs operators")
        groups = _crossed(
            groups,
            [[{"fieldName": name, "operator": operator, "value": value}] for operator, value in operators.items()],
        )
    for each in items(members.get("and") or [], _SUBSCRIPTION):
        groups = _crossed(groups, _groups(run, each, ignored))
    if members.get("or"):
        any_of = [group for each in items(members["or"], _SUBSCRIPTION) for group in _groups(run, each, ignored)]
        groups = _crossed(groups, any_of)
    return groups


def _crossed(groups: list[list[object]], alternatives: list[list[object]]) -> list[list[object]]:
    if len(groups) * len(alternatives) > _MOST_GROUPS:
        raise TemplateFailure(f"{_SUBSCRIPTION}: a filter of more than {_MOST_GROUPS} groups")
    return [[*group, *alternative] for group in groups for alternative in alternatives]


TRANSFORM = Family(
    functions(
        "$util.transform",
        {
            "toDynamoDBFilterExpression": (_to_filter_expression, 1, 1),
            "toDynamoDBConditionExpression": (_to_filter_expression, 1, 1),
            "toElasticsearchQueryDSL": (to_elasticsearch_query_dsl, 1, 1),
            "toSubscriptionFilter": (_to_subscription_filter, 1, 3),
        },
    )
)

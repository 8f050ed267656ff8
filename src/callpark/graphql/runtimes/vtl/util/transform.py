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
_CALLS = {
    "contains": "contains", "notContains": "NOT contains", "beginsWith": "begins_with",
    "attributeType": "attribute_type",
}  # fmt: skip
_MOST_GROUPS = 1_000


class _Expression:
    """A DynamoDB expression while it is built."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.names: dict[str, object] = {}
        self.values: dict[str, object] = {}

    def all_of(self, members: object, prefix: str) -> str:
        """The conditions of one object, which hold together."""
        parts: list[str] = []
        for name, wanted in mapping(members, _FILTER).items():
            self._run.step()
            match name:
                case "and" | "or":
                    inner = [
                        self.all_of(each, f"{prefix}{name}_{at}_") for at, each in enumerate(items(wanted, _FILTER))
                    ]
                    parts.append(f"({f' {name.upper()} '.join(inner)})")
                case "not":
                    parts.append(f"(NOT {self.all_of(wanted, f'{prefix}not_')})")
                case _:
                    parts += self._field(str(name), mapping(wanted, _FILTER), prefix)
        return " AND ".join(parts)

    def _field(self, name: str, operators: dict[object, object], prefix: str) -> list[str]:
        path = f"#{name}"
        self.names[path] = name
        return [
            f"({self._condition(path, str(operator), value, f':{prefix}{name}_{operator}')})"
            for operator, value in operators.items()
        ]

    def _condition(self, path: str, operator: str, value: object, place: str) -> str:
        if operator in _COMPARISONS:
            return f"{path} {_COMPARISONS[operator]} {self._bound(place, value)}"
        if operator in _CALLS:
            return f"{_CALLS[operator]}({path},{self._bound(place, value)})"
        match operator:
            case "attributeExists":
                return f"attribute_{'' if value is not False else 'not_'}exists({path})"
            case "between":
                low, high = self._bounds(value, 2, operator)
                return f"{path} BETWEEN {self._bound(f'{place}_0', low)} AND {self._bound(f'{place}_1', high)}"
            case "in":
                bound = [self._bound(f"{place}_{at}", each) for at, each in enumerate(self._bounds(value, 0, operator))]
                return f"{path} IN ({','.join(bound)})"
            case "size":
                inner = [
                    self._condition(f"size({path})", str(each), against, f"{place}_{each}")
                    for each, against in mapping(value, _FILTER).items()
                ]
                return " AND ".join(inner)
        raise TemplateFailure(f"{_FILTER}: there is no operator '{operator}'")

    def _bounds(self, value: object, count: int, operator: str) -> list[object]:
        found = items(value, f"{_FILTER}: '{operator}'")
        if count and len(found) != count:
            raise TemplateFailure(f"{_FILTER}: '{operator}' needs {count} values")
        return found

    def _bound(self, place: str, value: object) -> str:
        self.values[place] = to_dynamodb(self._run, value)
        return place


def _to_filter_expression(run: Run, given: object) -> str:
    expression = _Expression(run)
    text = expression.all_of(given, "")
    return json_text(
        run,
        {"expression": text, "expressionNames": expression.names, "expressionValues": expression.values},
    )


def _to_subscription_filter(run: Run, given: object, ignored: object = None, rules: object = None) -> object:
    """A filter object multiplied out into groups (any) of filters (all)."""
    left_out = [] if ignored is None else items(ignored, _SUBSCRIPTION)
    groups = _groups(run, given, left_out)
    chosen = {} if rules is None else mapping(rules, _SUBSCRIPTION)
    if chosen:
        groups = _crossed(groups, [group for name in chosen for group in _groups(run, {name: chosen[name]}, [])])
    return {"filterGroup": [{"filters": group} for group in groups]}


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
            "toElasticsearchQueryDSL": (to_elasticsearch_query_dsl, 1, 1),
            "toSubscriptionFilter": (_to_subscription_filter, 1, 3),
        },
    )
)

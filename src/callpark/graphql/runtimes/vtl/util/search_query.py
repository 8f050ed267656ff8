"""`$util.transform.toElasticsearchQueryDSL`: a filter object as an OpenSearch query.

https://docs.aws.amazon.com/appsync/latest/devguide/transformation-helpers-in-utils-transform.html
"""

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import items, mapping
from callpark.graphql.runtimes.vtl.writing import json_text

_NAME = "$util.transform.toElasticsearchQueryDSL"
_RANGES = {"gt": "gt", "ge": "gte", "gte": "gte", "lt": "lt", "le": "lte", "lte": "lte"}
_QUERIES = {
    "eq": "term", "match": "match", "matchPhrase": "match_phrase", "matchPhrasePrefix": "match_phrase_prefix",
    "wildcard": "wildcard", "regexp": "regexp", "prefix": "prefix",
}  # fmt: skip


def to_elasticsearch_query_dsl(run: Run, given: object) -> str | None:
    """JSON text, null of null; fields, and operators of one field, hold together."""
    return None if given is None else json_text(run, _query(run, mapping(given, _NAME)))


def _query(run: Run, members: dict[object, object]) -> object:
    parts: list[object] = []
    for name, wanted in members.items():
        run.step()
        match name:
            case "and":
                parts.append({"bool": {"must": _each(run, wanted)}})
            case "or":
                parts.append({"bool": {"should": _each(run, wanted), "minimum_should_match": 1}})
            case "not":
                parts.append({"bool": {"must_not": _query(run, mapping(wanted, _NAME))}})
            case _:
                parts.append(_joined([_condition(str(name), str(o), v) for o, v in mapping(wanted, _NAME).items()]))
    return _joined(parts)


def _each(run: Run, wanted: object) -> list[object]:
    return [_query(run, mapping(each, _NAME)) for each in items(wanted, _NAME)]


def _joined(parts: list[object]) -> object:
    return parts[0] if len(parts) == 1 else {"bool": {"must": parts}}


def _condition(name: str, operator: str, value: object) -> object:
    if operator in _QUERIES:
        return {_QUERIES[operator]: {name: value}}
    if operator in _RANGES:
        return {"range": {name: {_RANGES[operator]: value}}}
    match operator:
        case "ne":
            return {"bool": {"must_not": {"term": {name: value}}}}
        case "range" | "between":
            bounds = items(value, _NAME)
            if len(bounds) != 2:
                raise TemplateFailure(f"{_NAME}: 'range' needs two values")
            return {"range": {name: {"gte": bounds[0], "lte": bounds[1]}}}
        case "multiMatch":
            return {"multi_match": {"fields": [name], "query": value}}
        case "exists":
            found = {"exists": {"field": name}}
            return found if value is not False else {"bool": {"must_not": found}}
        case "in":
            return {"terms": {name: items(value, _NAME)}}
    raise TemplateFailure(f"{_NAME}: there is no operator '{operator}'")

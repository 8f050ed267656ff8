"""`$util.xml` and `$util.rds`: foreign documents as values.

https://docs.aws.amazon.com/appsync/latest/devguide/xml-helpers-in-utils-xml.html,
https://docs.aws.amazon.com/appsync/latest/devguide/rds-helpers-in-util-rds.html
"""

from typing import cast

import orjson

from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, functions, shared, text
from callpark.graphql.runtimes.vtl.writing import json_text


def _rows(run: Run, value: object) -> object:
    """One list of rows for each statement; null for what is no result."""
    source = text(value, "$util.rds.toJsonObject")
    run.make(4 * len(source))
    try:
        results = orjson.loads(source)["sqlStatementResults"]
        return [_table(run, each) for each in results]
    except (orjson.JSONDecodeError, UnicodeEncodeError, KeyError, TypeError, AttributeError, IndexError):
        return None


def _table(run: Run, result: dict[str, list[dict[str, object]]]) -> list[dict[object, object]]:
    labels = [each.get("label") or each.get("name") for each in result.get("columnMetadata") or []]
    run.work(len(labels) * len(result.get("records") or []))
    records = cast(list[list[dict[str, object]]], result.get("records") or [])
    return [{label: _field(field) for label, field in zip(labels, record, strict=True)} for record in records if labels]


def _field(field: dict[str, object]) -> object:
    """`{"stringValue": "a"}`, `{"isNull": true}`."""
    if field.get("isNull"):
        return None
    kind, value = next(iter(field.items()))
    if kind == "arrayValue" and isinstance(value, dict):
        return next(iter(value.values()))
    return value


XML = Family(
    functions("$util.xml", {"toMap": shared("xml", "toMap", 1, 1), "toJsonString": shared("xml", "toJsonString", 1, 2)})
)
RDS = Family(
    functions(
        "$util.rds",
        {"toJsonObject": (_rows, 1, 1), "toJsonString": (lambda run, value: json_text(run, _rows(run, value)), 1, 1)},
    )
)

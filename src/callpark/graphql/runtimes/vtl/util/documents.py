"""`$util.xml` and `$util.rds`: foreign documents as values.

https://docs.aws.amazon.com/appsync/latest/devguide/xml-helpers-in-utils-xml.html,
https://docs.aws.amazon.com/appsync/latest/devguide/rds-helpers-in-util-rds.html
"""

import math
import re
from typing import cast
from xml.parsers import expat

import orjson

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, functions, text
from callpark.graphql.runtimes.vtl.writing import json_text

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST = 200


class _Element:
    __slots__ = ("members", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.members: dict[object, object] = {name: _scalar(value) for name, value in attributes.items()}
        self.text: list[str] = []

    def add(self, name: str, value: object) -> None:
        """Repeated elements become a list."""
        if name not in self.members:
            self.members[name] = value
        elif isinstance(held := self.members[name], list):
            held.append(value)
        else:
            self.members[name] = [held, value]

    def value(self) -> object:
        content = "".join(self.text).strip()
        if not self.members:
            return _scalar(content)
        if content:
            self.add("content", _scalar(content))
        return self.members


def _scalar(content: str) -> object:
    if _NUMBER.fullmatch(content):
        number = float(content)
        return int(content) if content.lstrip("-").isdigit() else number if math.isfinite(number) else content
    return _WORDS.get(content, content)


def _to_map(run: Run, value: object) -> object:
    if value is None:
        return None
    source = text(value, "$util.xml.toMap")
    run.make(16 * len(source))
    stack = [_Element("", {})]
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        run.step()
        if len(stack) > _DEEPEST:
            raise TemplateFailure("$util.xml.toMap: elements are nested too deeply")
        stack.append(_Element(name, attributes))

    def end(name: str) -> None:
        done = stack.pop()
        stack[-1].add(name, done.value())

    def entity(*declared: object) -> None:
        raise TemplateFailure("$util.xml.toMap: entity declarations are refused")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda data: stack[-1].text.append(data)
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(source.encode(errors="replace"), True)
    except expat.ExpatError as error:
        raise TemplateFailure(f"$util.xml.toMap: the text is not XML: {error}") from None
    return stack[0].members


def _to_json_string(run: Run, value: object, encoded: object = False) -> str:
    written = json_text(run, _to_map(run, value))
    return json_text(run, written) if encoded is True else written


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


XML = Family(functions("$util.xml", {"toMap": (_to_map, 1, 1), "toJsonString": (_to_json_string, 1, 2)}))
RDS = Family(
    functions(
        "$util.rds",
        {"toJsonObject": (_rows, 1, 1), "toJsonString": (lambda run, value: json_text(run, _rows(run, value)), 1, 1)},
    )
)

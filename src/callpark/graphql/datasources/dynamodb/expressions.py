"""Expressions of a request as DynamoDB's parameters. Pure; used by `operations.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import orjson

from callpark.graphql.datasources.dynamodb.values import Attribute, item_of
from callpark.graphql.datasources.requests import Document, flag, invalid, items, kind, mapping, place, required_text


@dataclass(slots=True)
class Placeholders:
    """What the `#names` and `:values` of all expressions of one request stand for."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Attribute] = field(default_factory=dict)

    def add(self, expression: Document, where: str) -> None:
        for name, attribute in (mapping(expression, "expressionNames", where) or {}).items():
            if not isinstance(attribute, str):
                raise invalid(f"Expected JSON string for field '{place(where, 'expressionNames', name)}'.")
            self.names[name] = attribute
        values = mapping(expression, "expressionValues", where) or {}
        self.values.update(item_of(values, place(where, "expressionValues")))

    def parameters(self) -> dict[str, object]:
        found: dict[str, object] = {}
        if self.names:
            found["ExpressionAttributeNames"] = self.names
        if self.values:
            found["ExpressionAttributeValues"] = self.values
        return found


def expression(request: Document, name: str, placeholders: Placeholders) -> str | None:
    """The text of `filter`, `condition`, …; JSON text of it is accepted, as `util.transform` returns it."""
    found = expression_object(request, name)
    if found is None:
        return None
    written = required_text(found, "expression", name)
    placeholders.add(found, name)
    return written


def required_expression(request: Document, name: str, placeholders: Placeholders) -> str:
    written = expression(request, name, placeholders)
    if written is None:
        raise invalid(f"Value for field '{place(name)}' not found.")
    return written


def expression_object(request: Document, name: str) -> Document | None:
    value = request.get(name)
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise invalid(f"Expected JSON object for field '{place(name)}' but got STRING instead.") from None
    if value is None or value == {}:
        return None
    if not isinstance(value, dict):
        raise invalid(f"Expected JSON object for field '{place(name)}' but got {kind(value)} instead.")
    return cast(Document, value)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a failed check is looked at. `handler` is the function of the strategy Custom."""

    ignored: frozenset[str] = frozenset()
    consistent_read: bool = True
    handler: str | None = None


def condition(request: Document) -> Condition:
    found = expression_object(request, "condition") or {}
    ignored = items(found, "equalsIgnore", "condition") or ()
    handler = mapping(found, "conditionalCheckFailedHandler", "condition") or {}
    strategy = handler.get("strategy") or "Reject"
    if strategy not in ("Custom", "Reject"):
        raise invalid(f"A conditionalCheckFailedHandler's strategy is Custom or Reject, not {strategy!r}")
    function = required_text(handler, "lambdaArn", "condition", "handler") if strategy == "Custom" else None
    consistent = flag(found, "consistentRead", "condition")
    return Condition(frozenset(map(str, ignored)), consistent is not False, function)


def projection(request: Document) -> Mapping[str, object]:
    """`projection{expression, expressionNames}` alone, with its own names."""
    placeholders = Placeholders()
    written = expression(request, "projection", placeholders)
    if written is None:
        return {}
    return {"ProjectionExpression": written, **placeholders.parameters()}

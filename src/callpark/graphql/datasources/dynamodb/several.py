"""Batches and transactions over several tables, and what remains of their results when they fail. Pure.

https://docs.aws.amazon.com/appsync/latest/devguide/tutorial-dynamodb-batch.html, …/tutorial-dynamodb-transact.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from callpark.graphql.datasources.dynamodb.expressions import (
    Placeholders,
    expression,
    expression_object,
    projection,
    required_expression,
)
from callpark.graphql.datasources.dynamodb.operations import Parameters, Reply, key
from callpark.graphql.datasources.dynamodb.values import Item, item_of, plain_item
from callpark.graphql.datasources.requests import (
    Document,
    flag,
    invalid,
    kind,
    mappings,
    place,
    required_mapping,
    required_text,
)

_MOST_GOTTEN, _MOST_WRITTEN, _MOST_IN_TRANSACTION = 100, 25, 100


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """One call on several items. `failed` is the result when the call is refused, given DynamoDB's reasons."""

    operation: str
    parameters: Parameters
    read: Callable[[Reply], object]
    failed: Callable[[Sequence[Mapping[str, object]]], object]


def batch_get(request: Document) -> PreparedSet:
    keys: dict[str, list[Item]] = {}
    asked: dict[str, Parameters] = {}
    for table, wanted in required_mapping(request, "tables").items():
        options = {} if isinstance(wanted, list) else wanted
        if not isinstance(options, dict):
            raise invalid(f"Expected JSON object for field '{place('tables', table)}' but got {kind(wanted)} instead.")
        keys[table] = _items({"keys": wanted} if isinstance(wanted, list) else options, "keys", table)
        asked[table] = {"Keys": keys[table], **projection(options)}
        consistent = flag(options, "consistentRead", "tables", table)
        if consistent is not None:
            asked[table]["ConsistentRead"] = consistent
    _check("BatchGetItem", sum(map(len, keys.values())), _MOST_GOTTEN)

    def read(reply: Reply) -> object:
        found = cast("dict[str, list[Item]]", reply.get("Responses") or {})
        left = cast("dict[str, dict[str, list[Item]]]", reply.get("UnprocessedKeys") or {})
        return {
            "data": {t: [_found(found.get(t, []), one) for one in wanted] for t, wanted in keys.items()},
            "unprocessedKeys": {t: [plain_item(one) for one in left.get(t, {}).get("Keys", [])] for t in keys},
        }

    def failed(reasons: object) -> object:
        plain = {table: [plain_item(one) for one in wanted] for table, wanted in keys.items()}
        return {"data": dict.fromkeys(keys), "unprocessedKeys": plain}

    return PreparedSet("BatchGetItem", {"RequestItems": asked}, read, failed)


def batch_put(request: Document) -> PreparedSet:
    return _batch_write(request, "BatchPutItem", "PutRequest", "Item", "unprocessedItems")


def batch_delete(request: Document) -> PreparedSet:
    return _batch_write(request, "BatchDeleteItem", "DeleteRequest", "Key", "unprocessedKeys")


def _batch_write(request: Document, operation: str, wrapper: str, member: str, unprocessed: str) -> PreparedSet:
    tables = required_mapping(request, "tables")
    written = {table: _items(tables, table, table) for table in tables}
    _check(operation, sum(map(len, written.values())), _MOST_WRITTEN)
    asked = {table: [{wrapper: {member: item}} for item in items] for table, items in written.items()}

    def read(reply: Reply) -> object:
        undone = cast("dict[str, list[dict[str, dict[str, Item]]]]", reply.get("UnprocessedItems") or {})
        left = {table: [each[wrapper][member] for each in undone.get(table, [])] for table in written}
        return {
            "data": {t: [None if one in left[t] else plain_item(one) for one in each] for t, each in written.items()},
            unprocessed: {table: [plain_item(one) for one in each] for table, each in left.items()},
        }

    def failed(reasons: object) -> object:
        plain = {table: [plain_item(one) for one in items] for table, items in written.items()}
        return {"data": dict.fromkeys(written), unprocessed: plain}

    return PreparedSet("BatchWriteItem", {"RequestItems": asked}, read, failed)


def transact_get(request: Document) -> PreparedSet:
    items = mappings(request, "transactItems")
    _check("TransactGetItems", len(items), _MOST_IN_TRANSACTION)
    asked = [
        {"Get": {"TableName": required_text(each, "table", "transactItems"), "Key": key(each), **projection(each)}}
        for each in items
    ]

    def read(reply: Reply) -> object:
        replies = cast("list[dict[str, Item]]", reply.get("Responses") or [])
        got = [plain_item(each["Item"]) if each.get("Item") else None for each in replies]
        return {"items": got, "cancellationReasons": None}

    return PreparedSet(
        "TransactGetItems",
        {"TransactItems": asked},
        read,
        lambda reasons: {"items": None, "cancellationReasons": [_reason(each) for each in reasons]},
    )


def transact_write(request: Document) -> PreparedSet:
    items = mappings(request, "transactItems")
    _check("TransactWriteItems", len(items), _MOST_IN_TRANSACTION)
    asked = [_transact_item(each, index) for index, each in enumerate(items)]
    keys = [plain_item(key(each)) for each in items]
    return PreparedSet(
        "TransactWriteItems",
        {"TransactItems": asked},
        lambda reply: {"keys": keys, "cancellationReasons": None},
        lambda reasons: {"keys": None, "cancellationReasons": [_reason(each) for each in reasons]},
    )


def _transact_item(each: Document, index: int) -> Parameters:
    operation = required_text(each, "operation", "transactItems", index)
    placeholders = Placeholders()
    written: Parameters = {"TableName": required_text(each, "table", "transactItems", index)}
    match operation:
        case "PutItem":
            values = item_of(required_mapping(each, "attributeValues"), "$[attributeValues]")
            name, written["Item"] = "Put", {**values, **key(each)}
        case "UpdateItem":
            name, written["Key"] = "Update", key(each)
            written["UpdateExpression"] = required_expression(each, "update", placeholders)
        case "DeleteItem":
            name, written["Key"] = "Delete", key(each)
        case "ConditionCheck":
            name, written["Key"] = "ConditionCheck", key(each)
            if expression_object(each, "condition") is None:
                raise invalid(f"Value for field '{place('transactItems', index, 'condition')}' not found.")
        case _:
            where = place("transactItems", index, "operation")
            raise invalid(f"Unsupported operation '{operation}' for field '{where}'.")
    condition = expression(each, "condition", placeholders)
    if condition is not None:
        written["ConditionExpression"] = condition
        returned = flag(expression_object(each, "condition") or {}, "returnValuesOnConditionCheckFailure")
        if returned is not False:
            written["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {name: {**written, **placeholders.parameters()}}


def _reason(reason: Mapping[str, object]) -> dict[str, object]:
    item = reason.get("Item")
    members: dict[str, object] = {"type": reason.get("Code") or "None", "message": reason.get("Message")}
    return {**members, "item": plain_item(cast(Item, item))} if item else members


def _items(holder: Document, name: str, table: str) -> list[Item]:
    return [item_of(each, place("tables", table, index)) for index, each in enumerate(mappings(holder, name, "tables"))]


def _found(items: Sequence[Item], wanted: Item) -> object:
    key = plain_item(wanted)
    return next((found for item in items if key.items() <= (found := plain_item(item)).items()), None)


def _check(operation: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise invalid(f"{operation} takes between 1 and {most} items, the request has {count}.")


SEVERAL: Mapping[str, Callable[[Document], PreparedSet]] = {
    "BatchGetItem": batch_get,
    "BatchPutItem": batch_put,
    "BatchDeleteItem": batch_delete,
    "TransactGetItems": transact_get,
    "TransactWriteItems": transact_write,
}

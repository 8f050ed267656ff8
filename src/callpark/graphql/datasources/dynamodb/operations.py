"""AppSync's DynamoDB requests as DynamoDB's own, and the answers as resolvers see them. Pure; used by `source.py`.

https://docs.aws.amazon.com/appsync/latest/devguide/js-resolver-reference-dynamodb.html
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import orjson

from callpark.graphql.datasources.dynamodb.expressions import (
    Placeholders,
    expression,
    required_expression,
)
from callpark.graphql.datasources.dynamodb.values import Item, item_of, plain_item
from callpark.graphql.datasources.requests import (
    Document,
    flag,
    invalid,
    required_mapping,
    text,
    whole_number,
)

Parameters = dict[str, object]
Reply = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One call of DynamoDB: its operation and parameters, and how its reply reads."""

    operation: str
    parameters: Parameters
    read: Callable[[Reply], object]


def get_item(request: Document, table: str) -> Prepared:
    placeholders = Placeholders()
    parameters: Parameters = {"TableName": table, "Key": key(request)}
    _put(parameters, "ConsistentRead", flag(request, "consistentRead"))
    _put(parameters, "ProjectionExpression", expression(request, "projection", placeholders))
    return Prepared("GetItem", parameters | placeholders.parameters(), _one("Item"))


def put_item(request: Document, table: str) -> Prepared:
    placeholders = Placeholders()
    attributes = item_of(required_mapping(request, "attributeValues"), "$[attributeValues]")
    item = {**attributes, **key(request)}
    parameters: Parameters = {"TableName": table, "Item": item}
    _put(parameters, "ConditionExpression", expression(request, "condition", placeholders))
    return Prepared("PutItem", parameters | placeholders.parameters(), lambda reply: plain_item(item))


def update_item(request: Document, table: str) -> Prepared:
    placeholders = Placeholders()
    parameters: Parameters = {"TableName": table, "Key": key(request), "ReturnValues": "ALL_NEW"}
    parameters["UpdateExpression"] = required_expression(request, "update", placeholders)
    _put(parameters, "ConditionExpression", expression(request, "condition", placeholders))
    return Prepared("UpdateItem", parameters | placeholders.parameters(), _one("Attributes"))


def delete_item(request: Document, table: str) -> Prepared:
    placeholders = Placeholders()
    parameters: Parameters = {"TableName": table, "Key": key(request), "ReturnValues": "ALL_OLD"}
    _put(parameters, "ConditionExpression", expression(request, "condition", placeholders))
    return Prepared("DeleteItem", parameters | placeholders.parameters(), _one("Attributes"))


def query(request: Document, table: str) -> Prepared:
    placeholders = Placeholders()
    parameters: Parameters = {"TableName": table}
    parameters["KeyConditionExpression"] = required_expression(request, "query", placeholders)
    _put(parameters, "ScanIndexForward", flag(request, "scanIndexForward"))
    return Prepared("Query", parameters | _page(request, placeholders), read_page)


def scan(request: Document, table: str) -> Prepared:
    placeholders = Placeholders()
    parameters: Parameters = {"TableName": table}
    _put(parameters, "TotalSegments", whole_number(request, "totalSegments"))
    _put(parameters, "Segment", whole_number(request, "segment"))
    return Prepared("Scan", parameters | _page(request, placeholders), read_page)


def _page(request: Document, placeholders: Placeholders) -> Parameters:
    """What Query and Scan have in common."""
    parameters: Parameters = {}
    _put(parameters, "FilterExpression", expression(request, "filter", placeholders))
    _put(parameters, "ProjectionExpression", expression(request, "projection", placeholders))
    _put(parameters, "IndexName", text(request, "index"))
    _put(parameters, "Limit", whole_number(request, "limit"))
    _put(parameters, "ConsistentRead", flag(request, "consistentRead"))
    _put(parameters, "Select", text(request, "select"))
    token = text(request, "nextToken")
    if token:
        parameters["ExclusiveStartKey"] = start_key(token)
    return parameters | placeholders.parameters()


def read_page(reply: Reply) -> object:
    last = reply.get("LastEvaluatedKey")
    return {
        "items": [plain_item(item) for item in cast("list[Item]", reply.get("Items") or [])],
        "nextToken": page_token(cast(Item, last)) if last else None,
        "scannedCount": reply.get("ScannedCount", 0),
    }


def page_token(last: Item) -> str:
    """An opaque token for the next page."""
    typed = {
        name: {kind: {"b64": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for kind, v in value.items()}
        for name, value in last.items()
    }
    return base64.b64encode(orjson.dumps({"version": 1, "key": typed})).decode()


def start_key(token: str) -> Item:
    """The key that `page_token` wrapped. Raises FieldFailure."""
    try:
        document = orjson.loads(base64.b64decode(token, validate=True))
        return {
            name: {kind: base64.b64decode(v["b64"]) if isinstance(v, dict) else v for kind, v in value.items()}
            for name, value in document["key"].items()
        }
    except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise invalid("Invalid pagination token given.") from None


def key(request: Document) -> Item:
    return item_of(required_mapping(request, "key"), "$[key]")


def _one(member: str) -> Callable[[Reply], object]:
    def read(reply: Reply) -> object:
        item = reply.get(member)
        return plain_item(cast(Item, item)) if item else None

    return read


def _put(parameters: Parameters, name: str, value: object) -> None:
    if value is not None:
        parameters[name] = value


SINGLE: Mapping[str, Callable[[Document, str], Prepared]] = {
    "GetItem": get_item,
    "PutItem": put_item,
    "UpdateItem": update_item,
    "DeleteItem": delete_item,
    "Query": query,
    "Scan": scan,
}
"""Operations on the data source's own table."""

"""AWSJSON: JSON text on the wire, the value inside. https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html

A resolver's string that is JSON text already goes out as it is (functions return `json.dumps(…)`); everything else is
serialised.
"""

import orjson

from callpark.graphql.scalars.rule import ScalarRule, shown
from graphql import GraphQLError, StringValueNode, ValueNode


def _check(value: object) -> object:
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            pass
    raise GraphQLError(f"Unable to parse `{shown(value)}` as valid JSON.")


def _literal(node: ValueNode) -> object:
    return _check(node.value if isinstance(node, StringValueNode) else node)


def _serialize(value: object) -> object:
    if isinstance(value, str):
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError:
            return orjson.dumps(value).decode()
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise GraphQLError(f"Unable to serialize `{shown(value)}` as a valid JSON Object.") from error


AWS_JSON = ScalarRule(_check, _literal, _serialize)

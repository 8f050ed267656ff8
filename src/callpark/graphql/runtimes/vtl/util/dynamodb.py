"""`$util.dynamodb`: plain values to typed ones, each also as `…Json`. Numbers stay JSON numbers.

https://docs.aws.amazon.com/appsync/latest/devguide/dynamodb-helpers-in-util-dynamodb.html
"""

from collections.abc import Callable
from typing import cast

import orjson

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, Function, items, mapping, text
from callpark.graphql.runtimes.vtl.values import View
from callpark.graphql.runtimes.vtl.writing import json_text

_NAME = "$util.dynamodb"


def to_dynamodb(run: Run, value: object) -> dict[object, object]:
    """The typed form of any value; never a set."""
    run.step()
    run.make(64)
    match value:
        case None:
            return {"NULL": None}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": value}
        case dict():
            return {"M": to_map_values(run, value)}
        case list():
            return {"L": [to_dynamodb(run, each) for each in value]}
        case View():
            return {"L": [to_dynamodb(run, each) for each in value.items()]}
    raise TemplateFailure(f"{_NAME}.toDynamoDB cannot convert this value")


def to_map_values(run: Run, value: object) -> dict[object, object]:
    if value is None:
        return {}
    return {key: to_dynamodb(run, each) for key, each in mapping(value, f"{_NAME}.toMapValues").items()}


def _wrapped(kind: str) -> Callable[[Run, object], object]:
    def wrap(run: Run, value: object) -> object:
        return None if value is None else {kind: value}

    return wrap


def _wrapped_list(kind: str) -> Callable[[Run, object], object]:
    def wrap(run: Run, value: object) -> object:
        return None if value is None else {kind: list(items(value, _NAME))}

    return wrap


def _list(run: Run, value: object) -> object:
    return None if value is None else {"L": [to_dynamodb(run, each) for each in items(value, f"{_NAME}.toList")]}


def _map(run: Run, value: object) -> object:
    return None if value is None else {"M": to_map_values(run, value)}


def _s3_object(run: Run, key: object, bucket: object, region: object, version: object = None) -> object:
    place = {"key": key, "bucket": bucket, "region": region}
    if version is not None:
        place["version"] = version
    return {"S": json_text(run, {"s3": place})}


def _from_s3_object_json(run: Run, value: object) -> object:
    name = f"{_NAME}.fromS3ObjectJson"
    try:
        members = orjson.loads(text(value, name))
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        members = None
    if not isinstance(members, dict) or not isinstance(members.get("s3"), dict):
        raise TemplateFailure(f"{name} expects an S3 object")
    return cast(object, members["s3"])


_CONVERSIONS: dict[str, tuple[Callable[..., object], int, int]] = {
    "toDynamoDB": (to_dynamodb, 1, 1),
    "toString": (_wrapped("S"), 1, 1),
    "toStringSet": (_wrapped_list("SS"), 1, 1),
    "toNumber": (_wrapped("N"), 1, 1),
    "toNumberSet": (_wrapped_list("NS"), 1, 1),
    "toBinary": (_wrapped("B"), 1, 1),
    "toBinarySet": (_wrapped_list("BS"), 1, 1),
    "toBoolean": (_wrapped("BOOL"), 1, 1),
    "toNull": (lambda run: {"NULL": None}, 0, 0),
    "toList": (_list, 1, 1),
    "toMap": (_map, 1, 1),
    "toMapValues": (to_map_values, 1, 1),
    "toS3Object": (_s3_object, 3, 4),
}


def _as_json(convert: Callable[..., object]) -> Callable[..., str]:
    return lambda run, *given: json_text(run, convert(run, *given))


DYNAMODB = Family(
    {
        **{name: Function(f"{_NAME}.{name}", *each) for name, each in _CONVERSIONS.items()},
        **{
            f"{name}Json": Function(f"{_NAME}.{name}Json", _as_json(call), least, most)
            for name, (call, least, most) in _CONVERSIONS.items()
        },
        "fromS3ObjectJson": Function(f"{_NAME}.fromS3ObjectJson", _from_s3_object_json, 1, 1),
    }
)

"""Values of a database as the RDS Data API writes them: `{"stringValue": …}` and its siblings. Pure.

https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_Field.html
"""

import base64
import datetime
import decimal
import math
from collections.abc import Mapping

import orjson


def field(value: object) -> Mapping[str, object]:
    match value:
        case None:
            return {"isNull": True}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"longValue": value} if -(2**63) <= value < 2**63 else {"stringValue": str(value)}
        case float():
            return {"doubleValue": value} if math.isfinite(value) else {"stringValue": str(value)}
        case bytes() | bytearray() | memoryview():
            return {"blobValue": base64.b64encode(bytes(value)).decode()}
        case list() | tuple():
            return {"arrayValue": _array(list(value))}
        case dict():
            return {"stringValue": orjson.dumps(value, default=text).decode()}
        case _:
            return {"stringValue": text(value)}


def text(value: object) -> str:
    """What is no number or truth value is text, as PostgreSQL writes it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return value if isinstance(value, str) else str(value)


def _array(values: list[object]) -> Mapping[str, object]:
    if all(isinstance(each, bool) for each in values):
        return {"booleanValues": values}
    if all(isinstance(each, int) for each in values):
        return {"longValues": values}
    if all(isinstance(each, float) for each in values):
        return {"doubleValues": values}
    if any(isinstance(each, list) for each in values):
        return {
            "arrayValues": [
                _array(each) if isinstance(each, list) else {"stringValues": [text(each)]} for each in values
            ]
        }
    return {"stringValues": [text(each) for each in values]}


def bound(value: object) -> object:
    """A variable for the database: objects and lists as JSON text, as the Data API wants them written."""
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


def column(
    name: str, type_name: str, type_number: int, *, signed: bool = False, cased: bool = False, precision: int = 0
) -> Mapping[str, object]:
    """`columnMetadata` of one column; `type_number` is java.sql.Types'. What a driver does not tell is empty."""
    return {
        "arrayBaseColumnType": 0,
        "isAutoIncrement": False,
        "isCaseSensitive": cased,
        "isCurrency": False,
        "isSigned": signed,
        "label": name,
        "name": name,
        "nullable": 1,
        "precision": precision,
        "scale": 0,
        "schemaName": "",
        "tableName": "",
        "type": type_number,
        "typeName": type_name,
    }

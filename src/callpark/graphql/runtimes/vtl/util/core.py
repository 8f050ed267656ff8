"""`$util`: nulls, types, JSON, encodings, ids, matching.

https://docs.aws.amazon.com/appsync/latest/devguide/utility-helpers-in-util.html
"""

import base64
import binascii
import re
import urllib.parse
from typing import cast

import orjson

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Function, functions, shared, text
from callpark.graphql.runtimes.vtl.values import View
from callpark.graphql.runtimes.vtl.writing import json_text

_ALPHABET_32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALPHABET_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KSUID_EPOCH = 1_400_000_000
_ESCAPES = {
    '"': '\\"', "'": "\\'", "\\": "\\\\", "/": "\\/", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f",
}  # fmt: skip
_PIECE = 4_096
_LONGEST_URL = 1_000_000
_ESCAPED = re.compile(r"[^ -~]|[\"'\\/]")


def quiet(run: Run, *given: object) -> str:
    """Prints nothing, whatever its argument gives."""
    return ""


def _empty(value: object) -> bool:
    return (
        value is None
        or value == ""
        or (isinstance(value, list | dict) and not value)
        or (isinstance(value, View) and not value.map)
    )


def _blank(value: object) -> bool:
    return _empty(value) or (isinstance(value, str) and not value.strip())


def _type_of(run: Run, value: object) -> str:
    match value:
        case None:
            return "Null"
        case bool():
            return "Boolean"
        case int() | float():
            return "Number"
        case str():
            return "String"
        case dict():
            return "Map"
        case list():
            return "List"
    return "Object"


def _parse_json(run: Run, value: object) -> object:
    if value is None:
        return None
    source = text(value, "$util.parseJson")
    run.make(2 * len(source))
    try:
        return cast(object, orjson.loads(source))
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise TemplateFailure(f"$util.parseJson: the text is not JSON: {error}") from None


def _url_encode(run: Run, value: object) -> str:
    source = text(value, "$util.urlEncode")
    run.make(3 * len(source))
    parts: list[str] = []
    for at in range(0, len(source), _PIECE):
        run.work(_PIECE)
        parts.append(urllib.parse.quote_plus(source[at : at + _PIECE], safe="*", errors="replace"))
    return "".join(parts).replace("~", "%7E")


def _url_decode(run: Run, value: object) -> str:
    source = text(value, "$util.urlDecode")
    if len(source) > _LONGEST_URL:
        raise TemplateFailure(f"$util.urlDecode takes at most {_LONGEST_URL} characters")
    run.make(len(source))
    return urllib.parse.unquote_plus(source, errors="replace")


def _base64_encode(run: Run, value: object) -> str:
    if isinstance(value, list) and all(isinstance(each, int) and 0 <= each < 256 for each in value):
        raw = bytes(cast(list[int], value))
    else:
        raw = text(value, "$util.base64Encode").encode(errors="replace")
    run.make(2 * len(raw))
    return base64.b64encode(raw).decode()


def _base64_decode(run: Run, value: object) -> str:
    source = text(value, "$util.base64Decode").replace("-", "+").replace("_", "/").rstrip("=")
    run.make(len(source))
    try:
        return base64.b64decode(source + "=" * (-len(source) % 4), validate=True).decode()
    except binascii.Error:
        raise TemplateFailure("$util.base64Decode expects base64 text") from None
    except UnicodeDecodeError:
        raise TemplateFailure("$util.base64Decode expects UTF-8") from None


def _escape_javascript(run: Run, value: object) -> str:
    source = text(value, "$util.escapeJavaScript")
    run.make(6 * len(source))
    parts: list[str] = []
    for at in range(0, len(source), _PIECE):
        run.work(_PIECE)
        parts.append(_ESCAPED.sub(_escaped, source[at : at + _PIECE]))
    return "".join(parts)


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found.group()) or _unicode(found.group())


def _unicode(character: str) -> str:
    raw = character.encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join(f"\\u{raw[at : at + 4]}" for at in range(0, len(raw), 4))


def _auto_id(run: Run) -> str:
    digits = run.chance.bytes(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _auto_ulid(run: Run) -> str:
    number = (int(run.now * 1000) << 80) | int.from_bytes(run.chance.bytes(10))
    return "".join(_ALPHABET_32[number >> 5 * place & 31] for place in range(25, -1, -1))


def _auto_ksuid(run: Run) -> str:
    number = (int(run.now) - _KSUID_EPOCH) % (1 << 32) << 128 | int.from_bytes(run.chance.bytes(16))
    digits = []
    for _ in range(27):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET_62[rest])
    return "".join(reversed(digits))


CORE: dict[str, Function] = functions(
    "$util",
    {
        "qr": (quiet, 0, 8),
        "quiet": (quiet, 0, 8),
        "toJson": (json_text, 1, 1),
        "parseJson": (_parse_json, 1, 1),
        "urlEncode": (_url_encode, 1, 1),
        "urlDecode": (_url_decode, 1, 1),
        "base64Encode": (_base64_encode, 1, 1),
        "base64Decode": (_base64_decode, 1, 1),
        "escapeJavaScript": (_escape_javascript, 1, 1),
        "autoId": (_auto_id, 0, 0),
        "autoUlid": (_auto_ulid, 0, 0),
        "autoKsuid": (_auto_ksuid, 0, 0),
        "isNull": (lambda run, value: value is None, 1, 1),
        "isNullOrEmpty": (lambda run, value: _empty(value), 1, 1),
        "isNullOrBlank": (lambda run, value: _blank(value), 1, 1),
        "defaultIfNull": (lambda run, value, other: other if value is None else value, 2, 2),
        "defaultIfNullOrEmpty": (lambda run, value, other: other if _empty(value) else value, 2, 2),
        "defaultIfNullOrBlank": (lambda run, value, other: other if _blank(value) else value, 2, 2),
        "isString": (lambda run, value: isinstance(value, str), 1, 1),
        "isNumber": (lambda run, value: _type_of(run, value) == "Number", 1, 1),
        "isBoolean": (lambda run, value: isinstance(value, bool), 1, 1),
        "isList": (lambda run, value: isinstance(value, list), 1, 1),
        "isMap": (lambda run, value: isinstance(value, dict), 1, 1),
        "typeOf": (_type_of, 1, 1),
        "matches": shared("", "matches", 2, 2),
        "authType": (lambda run: run.auth_type, 0, 0),
    },
)

"""Values as JSON text and back. Used by `util/` and by `host.py`.

A value that a template built may hold itself, or one part many times over: it is weighed before it is written.
"""

import json
import re
from typing import cast

import orjson

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.values import Entry, JavaIterator, View, plain

_DEEPEST = 200
_TOO_DEEP = "A value is nested too deeply."
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|([\[\]{}])')


def json_text(run: Run, value: object) -> str:
    """Compact JSON. Raises TemplateFailure for what is too large, too deep or no JSON."""
    if run.shares:
        _weigh(run, value)
    try:
        text = orjson.dumps(value, plain, orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except orjson.JSONEncodeError:
        text = _unusual(value)
    run.make(len(text))
    return text


def settled(run: Run, value: object) -> object:
    """The value as fresh JSON values, sharing nothing. Raises TemplateFailure."""
    if value is None or type(value) is str or type(value) is bool:
        return value
    return orjson.loads(json_text(run, value))


def _unusual(value: object) -> str:
    """Keys that are no strings, numbers of more than 64 bits; slower."""
    try:
        return orjson.dumps(value, plain, orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        pass
    try:
        text = json.dumps(value, default=plain, separators=(",", ":"), ensure_ascii=True)
    except RecursionError:
        raise TemplateFailure(_TOO_DEEP) from None
    except (TypeError, ValueError) as error:
        raise TemplateFailure(f"The value cannot be written as JSON: {error}") from None
    _check_depth(text)
    return text


def _weigh(run: Run, value: object) -> None:
    limit = run.bounds.written
    left = limit
    rest = [value]
    while rest:
        each = rest.pop()
        kind = type(each)
        if kind is str:
            left -= len(each) + 2  # type: ignore[arg-type]
        elif isinstance(each, dict):
            run.step()
            left -= 4 * len(each) + 2
            rest.extend(each)
            rest.extend(each.values())
        elif kind is list:
            run.step()
            left -= len(each) + 2  # type: ignore[arg-type]
            rest.extend(each)  # type: ignore[arg-type]
        elif isinstance(each, View | Entry | JavaIterator):
            rest.append(plain(each))
        else:
            left -= 1
        if left < 0:
            raise TemplateFailure(f"A value is larger than {limit} bytes.")


_EMPTY = "Template transformation yielded an empty response."
_DUPLICATE = "Duplicate field '{}' detected on Object. Duplicate JSON keys are not allowed."
_TRAILING = "Trailing characters at the end of the JSON string are not allowed."


class _Duplicate(ValueError):
    """An object has a key twice."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Duplicate(key)
            seen.add(key)
    return members


def _constant(name: str) -> object:
    raise json.JSONDecodeError(f"Unexpected {name}", name, 0)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_BLANKS = " \t\r\n"
_KEY_END = re.compile(r'"[ \t\r\n]*:')


def read_output(text: str) -> object:
    """The JSON value a template printed. Raises TemplateFailure with AppSync's messages."""
    try:
        value = cast(object, orjson.loads(text))
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return _read_exactly(text)
    if len(_KEY_END.findall(text)) != _count_keys(value):
        _read_exactly(text)  # a key may be there twice, or a string holds what looks like one
    if text.count("[") + text.count("{") > _DEEPEST:
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError:
            raise TemplateFailure(_TOO_DEEP) from None
    return value


def _count_keys(value: object) -> int:
    count = 0
    rest = [value]
    while rest:
        each = rest.pop()
        if type(each) is dict:
            count += len(each)
            rest.extend(each.values())
        elif type(each) is list:
            rest.extend(each)
    return count


def _read_exactly(text: str) -> object:
    """Slower: says what is wrong, and finds keys that are there twice."""
    stripped = text.strip(_BLANKS)
    if not stripped:
        raise TemplateFailure(_EMPTY)
    try:
        value, end = _DECODER.raw_decode(stripped)
        if "\\u" in stripped:
            orjson.loads(stripped[:end])  # refuses halves of surrogate pairs
    except _Duplicate as duplicate:
        raise TemplateFailure(_DUPLICATE.format(duplicate)) from None
    except json.JSONDecodeError as error:
        raise TemplateFailure(f"Unable to parse the JSON document: '{_complaint(stripped, error)}'") from None
    except (RecursionError, ValueError):
        raise TemplateFailure("Unable to parse the JSON document: 'it is nested too deeply'") from None
    if end != len(stripped):
        raise TemplateFailure(_TRAILING)
    _check_depth(stripped)
    return cast(object, value)


def _check_depth(text: str) -> None:
    """What is nested deeper cannot be written again."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return
    depth = 0
    for found in _BRACKETS.finditer(text):
        if (bracket := found[1]) is not None:
            depth += 1 if bracket in "[{" else -1
            if depth > _DEEPEST:
                raise TemplateFailure(_TOO_DEEP)


def _complaint(text: str, error: json.JSONDecodeError) -> str:
    at = error.pos if error.doc == text else 0
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    near = text[at : at + 40].splitlines()
    return f"{error.msg} at line {line}, column {column}, near '{near[0] if near else ''}'"

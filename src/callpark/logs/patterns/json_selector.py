r"""JSON patterns: `{ $.level = "ERROR" && $.attempt > 1 }`. Pure; called by `parse.py`.

Served: `=`, `!=`, `<`, `<=`, `>`, `>=` with strings (`*` matches any run of characters) and numbers, `IS NULL`,
`IS TRUE`, `IS FALSE`, `NOT EXISTS`, `&&`, `||`, parentheses, `$.a.b`, `$.a[0]`, `$["a b"]`. Regular expressions and
IP addresses as values are refused by name. A message that is not JSON does not match.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

import orjson

from callpark.logs.refusals import invalid_parameter, not_offered

Condition: TypeAlias = Callable[[object], bool]
Path: TypeAlias = tuple[str | int, ...]


class _Missing:
    """What a path that is not there leads to."""


_MISSING = _Missing()

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<path>\$(?:\.[^\s.\[\]=!<>()&|{}]+|\[\s*(?:\d+|"(?:[^"\\]|\\.)*")\s*\])+)
      | (?P<operator>&&|\|\||!=|<=|>=|=|<|>|\(|\)|\{|\})
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | (?P<word>[^\s=!<>()&|{}"]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_STEP = re.compile(r'\.([^\s.\[\]]+)|\[\s*(?:(\d+)|"((?:[^"\\]|\\.)*)")\s*\]', re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_MAXIMUM_DEPTH = 50


def json_selector(pattern: str) -> Callable[[str], bool]:
    """Raises CallerError."""
    condition = _Parser(pattern).parse()

    def matches(message: str) -> bool:
        if not message.lstrip().startswith(("{", "[")):
            return False
        try:
            value = orjson.loads(message)
        except orjson.JSONDecodeError:
            return False
        return condition(value)

    return matches


class _Parser:
    """Recursive descent: any (`||`) of all (`&&`) of comparisons."""

    def __init__(self, pattern: str) -> None:
        self._tokens = _tokens(pattern)
        self._place = 0
        self._depth = 0

    def parse(self) -> Condition:
        self._expect("{")
        condition = self._any()
        self._expect("}")
        if self._place != len(self._tokens):
            raise invalid_parameter("Invalid filter pattern: something follows the closing brace")
        return condition

    def _any(self) -> Condition:
        choices = [self._all()]
        while self._accept("||"):
            choices.append(self._all())
        return choices[0] if len(choices) == 1 else lambda value: any(choice(value) for choice in choices)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._accept("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda value: all(part(value) for part in parts)

    def _one(self) -> Condition:
        if self._accept("("):
            self._depth += 1
            if self._depth > _MAXIMUM_DEPTH:
                raise invalid_parameter("Invalid filter pattern: nested too deeply")
            condition = self._any()
            self._expect(")")
            self._depth -= 1
            return condition
        kind, text = self._next()
        if kind != "path":
            raise invalid_parameter(f"Invalid filter pattern: a property selector such as $.a is missing at {text!r}")
        return self._comparison(_path(text))

    def _comparison(self, path: Path) -> Condition:
        kind, text = self._next()
        if kind == "word":
            return self._state(path, text.upper())
        if kind != "operator" or text not in _ORDERS:
            raise invalid_parameter(f"Invalid filter pattern: a comparison is missing at {text!r}")
        kind, value = self._next()
        if kind == "word" and value.startswith("%"):
            raise not_offered("regular expressions (%…%) in filter patterns")
        if kind not in ("word", "quoted"):
            raise invalid_parameter(f"Invalid filter pattern: a value is missing at {value!r}")
        if kind == "word" and _NUMBER.fullmatch(value):
            return _number(path, text, float(value))
        if text not in ("=", "!="):
            raise invalid_parameter(f"Invalid filter pattern: {text} compares numbers, not {value!r}")
        if kind == "word" and re.fullmatch(r"[\d.*]+(?:/\d+)?", value):
            raise not_offered("IP addresses as values of filter patterns")
        return _text(path, value, wanted=text == "=")

    def _state(self, path: Path, word: str) -> Condition:
        following = self._next()[1].upper()
        match word, following:
            case "IS", "NULL":
                return lambda value: _found(value, path) is None
            case "IS", "TRUE":
                return lambda value: _found(value, path) is True
            case "IS", "FALSE":
                return lambda value: _found(value, path) is False
            case "NOT", "EXISTS":
                return lambda value: _found(value, path) is _MISSING
        raise invalid_parameter(f"Invalid filter pattern: {word} {following} is no condition")

    def _next(self) -> tuple[str, str]:
        if self._place == len(self._tokens):
            raise invalid_parameter("Invalid filter pattern: it ends too early")
        token = self._tokens[self._place]
        self._place += 1
        return token

    def _accept(self, text: str) -> bool:
        found = self._place < len(self._tokens) and self._tokens[self._place] == ("operator", text)
        self._place += found
        return found

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise invalid_parameter(f"Invalid filter pattern: {text} is missing")


def _tokens(pattern: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place, end = 0, len(pattern.rstrip())
    while place < end:
        token = _TOKEN.match(pattern, place)
        if token is None or token.lastgroup is None:
            raise invalid_parameter(f"Invalid filter pattern at character {place + 1}")
        text = token[token.lastgroup]
        found.append((token.lastgroup, _unescaped(text) if token.lastgroup == "quoted" else text))
        place = token.end()
    return found


def _path(text: str) -> Path:
    steps: list[str | int] = []
    for name, index, quoted in _STEP.findall(text):
        if name == "*" or "*" in name:
            raise not_offered("wildcards in property selectors of filter patterns")
        steps.append(name or (int(index) if index else _unescaped(quoted)))
    return tuple(steps)


def _found(value: object, path: Path) -> object:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else _MISSING
        else:
            value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _number(path: Path, sign: str, wanted: float) -> Condition:
    compare = _ORDERS[sign]

    def matches(value: object) -> bool:
        found = _found(value, path)
        return isinstance(found, int | float) and not isinstance(found, bool) and compare(found, wanted)

    return matches


def _text(path: Path, text: str, *, wanted: bool) -> Condition:
    pattern = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)

    def matches(value: object) -> bool:
        found = _found(value, path)
        return isinstance(found, str) and (pattern.fullmatch(found) is not None) is wanted

    return matches


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)

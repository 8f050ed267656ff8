"""Inline source maps: where a line of bundled code came from. Pure; used by `positions.py`.

Bundlers append `//# sourceMappingURL=data:application/json;base64,…` as the last line.
https://docs.aws.amazon.com/appsync/latest/devguide/additional-utilities.html, https://tc39.es/ecma426/
"""

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

_COMMENT = re.compile(r"//[#@] sourceMappingURL=data:application/json;(?:charset=utf-8;)?base64,([A-Za-z0-9+/=]+)\s*\Z")
_DIGITS = {
    letter: value for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}


class _Map(msgspec.Struct):
    version: int
    mappings: str
    sources: list[str | None]
    source_root: str | None = msgspec.field(default=None, name="sourceRoot")


@dataclass(frozen=True, slots=True)
class SourceMap:
    """`lines[n]` are the segments of generated line n + 1: (column, source, line, column), all from 0."""

    sources: tuple[str, ...]
    lines: tuple[tuple[tuple[int, int, int, int], ...], ...]

    def original(self, line: int, column: int) -> tuple[str, int, int] | None:
        """File, line and column, from 1, of a place in the generated code; None where the map says nothing."""
        if not 0 < line <= len(self.lines):
            return None
        segments = self.lines[line - 1]
        at = bisect_right(segments, (column - 1, len(self.sources), 0, 0)) - 1
        if at < 0:
            return None
        _, source, original_line, original_column = segments[at]
        return self.sources[source], original_line + 1, original_column + 1


def inline_map(code: str) -> tuple[SourceMap | None, str | None]:
    """The code's map, and what to warn of when there is one that cannot be read."""
    match = _COMMENT.search(code)
    if match is None:
        return None, None
    try:
        read = msgspec.json.decode(base64.b64decode(match[1], validate=True), type=_Map)
        sources = tuple(_source(read.source_root, each) for each in read.sources)
        return SourceMap(sources, tuple(_lines(read.mappings, len(sources)))), None
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        return None, f"the inline source map cannot be read, positions are those of the bundle: {error}"


def _source(root: str | None, name: str | None) -> str:
    name = name or "code.js"
    while name.startswith("../"):
        name = name[3:]
    return f"{root.rstrip('/')}/{name}" if root else name


def _lines(mappings: str, sources: int) -> Iterator[tuple[tuple[int, int, int, int], ...]]:
    source = line = column = 0
    for text in mappings.split(";"):
        generated = 0
        segments = []
        for part in text.split(",") if text else ():
            values = _values(part)
            generated += values[0]
            if len(values) < 4:
                continue
            source, line, column = source + values[1], line + values[2], column + values[3]
            if not 0 <= source < sources:
                raise ValueError("a segment names a source that is not there")
            segments.append((generated, source, line, column))
        yield tuple(sorted(segments))


def _values(part: str) -> list[int]:
    """Base64 variable-length quantities: five bits a letter, the lowest of the number is its sign."""
    values = []
    number = shift = 0
    for letter in part:
        digit = _DIGITS.get(letter)
        if digit is None or shift > 30:
            raise ValueError(f"{part[:20]!r} is not a segment")
        number |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            values.append(-(number >> 1) if number & 1 else number >> 1)
            number = shift = 0
    if not values or shift:
        raise ValueError(f"{part[:20]!r} is not a segment")
    return values

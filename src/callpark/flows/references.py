"""References into a contact (`$.Attributes.name`) and the text they stand in.

Flow parameters are compiled once into templates; the actions resolve them against a contact's namespaces. Three kinds,
after the flow language: fixed text, one reference that is the whole value (keeps its JSON type), text with references
inside (each written as text).

https://docs.aws.amazon.com/connect/latest/devguide/contact-flow-language.html (dynamic values)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from xml.sax.saxutils import escape

import orjson

Namespace: TypeAlias = Callable[[str], object]
"""The value of a namespace by its name (`Attributes`), None when it holds nothing."""

Path: TypeAlias = tuple[str, ...]

_QUOTED = r"\.?\['[^']*'\]|\.?\[\"[^\"]*\"\]"
_FIRST = rf"(?:\.[A-Za-z][\w-]*|{_QUOTED})"
_REFERENCE = re.compile(rf"`(\${_FIRST}(?:\.[\w-]+|{_QUOTED}|\[\d+\])*)`|(\${_FIRST}(?:\.[\w-]+|{_QUOTED}|\[\d+\])*)")
_SEGMENT = re.compile(r"\.([\w-]+)|\.?\['([^']*)'\]|\.?\[\"([^\"]*)\"\]|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Template:
    """A parameter: text pieces (str) and references (paths) in turn. `whole` when it is exactly one reference."""

    source: str
    pieces: tuple[str | Path, ...]
    whole: Path | None = None

    @property
    def fixed(self) -> str | None:
        """The text itself when no reference is in it."""
        return self.source if all(isinstance(piece, str) for piece in self.pieces) else None

    def paths(self) -> list[Path]:
        return [piece for piece in self.pieces if not isinstance(piece, str)]

    def value(self, namespace: Namespace) -> object:
        """The value with its JSON type when one reference is the whole; None when that is undefined; else the text."""
        return self.text(namespace) if self.whole is None else look_up(self.whole, namespace)

    def text(self, namespace: Namespace) -> str:
        """The text with every reference written out; what is undefined is written as nothing."""
        if self.whole is not None:
            return as_text(look_up(self.whole, namespace))
        return "".join(piece if isinstance(piece, str) else as_text(look_up(piece, namespace)) for piece in self.pieces)

    def xml(self, namespace: Namespace) -> str:
        """As `text`, for SSML: values are escaped, the markup around them is not."""
        return "".join(
            piece if isinstance(piece, str) else escape(as_text(look_up(piece, namespace))) for piece in self.pieces
        )


def template(source: str) -> Template:
    """Compile text. What looks like money (`$.50`) is text: a namespace begins with a letter."""
    pieces: list[str | Path] = []
    end = 0
    for match in _REFERENCE.finditer(source):
        if match.start() > end:
            pieces.append(source[end : match.start()])
        pieces.append(_path(match.group(1) or match.group(2)))
        end = match.end()
    if end < len(source):
        pieces.append(source[end:])
    only = pieces[0] if len(pieces) == 1 else None
    return Template(source, tuple(pieces), only if isinstance(only, tuple) else None)


def look_up(path: Path, namespace: Namespace) -> object:
    """The value at a path, None when there is none. List elements are named by their number."""
    value = namespace(path[0])
    for key in path[1:]:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and len(key) < 6 and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def as_text(value: object) -> str:
    """A value as it stands in text and in comparisons: no trailing .0, lower-case booleans, compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    return orjson.dumps(value).decode()


def _path(reference: str) -> Path:
    return tuple(next(group for group in match.groups() if group is not None) for match in _SEGMENT.finditer(reference))

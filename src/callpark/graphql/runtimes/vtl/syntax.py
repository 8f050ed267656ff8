"""The syntax tree of a template. Made by `parser.py` and `expressions.py`, compiled by `compiler.py`.

https://velocity.apache.org/engine/1.7/vtl-reference.html
"""

from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A string without references, a number, true, false, null."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A double-quoted string that holds references or directives."""

    body: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class ListLiteral:
    items: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class MapLiteral:
    entries: "tuple[tuple[Expression, Expression], ...]"


@dataclass(frozen=True, slots=True)
class RangeLiteral:
    first: "Expression"
    last: "Expression"
    place: Place


@dataclass(frozen=True, slots=True)
class Unary:
    """`!` or `-`."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Expression"
    right: "Expression"
    place: Place


@dataclass(frozen=True, slots=True)
class Property:
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: "tuple[Expression, ...]"
    place: Place


@dataclass(frozen=True, slots=True)
class Index:
    key: "Expression"
    place: Place


Accessor: TypeAlias = Property | Call | Index


@dataclass(frozen=True, slots=True)
class Reference:
    """`$name…`. `source` is what an unresolved reference prints; a quiet one prints nothing."""

    name: str
    accessors: tuple[Accessor, ...]
    quiet: bool
    source: str
    place: Place


Expression: TypeAlias = Literal | Interpolated | ListLiteral | MapLiteral | RangeLiteral | Unary | Binary | Reference


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """A reference in text, after so many backslashes."""

    reference: Reference
    backslashes: int


@dataclass(frozen=True, slots=True)
class Assignment:
    target: Reference
    value: Expression


@dataclass(frozen=True, slots=True)
class Conditional:
    branches: "tuple[tuple[Expression, tuple[Node, ...]], ...]"
    otherwise: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Loop:
    name: str
    iterable: Expression
    body: "tuple[Node, ...]"
    place: Place


@dataclass(frozen=True, slots=True)
class Leave:
    """`#break` or `#stop`."""

    word: str


@dataclass(frozen=True, slots=True)
class Return:
    value: Expression | None


@dataclass(frozen=True, slots=True)
class Definition:
    name: str
    body: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Macro:
    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    body: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class MacroCall:
    """`body` is the content of a block call, `#@name() … #end`."""

    name: str
    arguments: tuple[Expression, ...]
    body: "tuple[Node, ...] | None"
    place: Place


Node: TypeAlias = Text | Output | Assignment | Conditional | Loop | Leave | Return | Definition | Macro | MacroCall

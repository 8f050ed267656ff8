"""Expressions and references of the Velocity template language: text → syntax tree.

Used by `parser.py`. Precedence is Velocity's. Method arguments may be whole expressions, as in Velocity 2.
"""

import re

from callpark.graphql.runtimes.vtl.scanning import Scanner
from callpark.graphql.runtimes.vtl.syntax import (
    Accessor,
    Binary,
    Call,
    Expression,
    Index,
    Interpolated,
    ListLiteral,
    Literal,
    MapLiteral,
    Property,
    RangeLiteral,
    Reference,
    Unary,
)

_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z]+\b")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:-+\w+)*", re.ASCII)
_REFERENCE = re.compile(r"\$(!?)(\{?)([A-Za-z_]\w*(?:-+\w+)*)", re.ASCII)
_MEMBER = re.compile(r"\.([A-Za-z_]\w*(?:-+\w+)*)", re.ASCII)
_OPERATOR = re.compile(r"\|\||&&|==|!=|<=|>=|[<>+\-*/%]|(?:or|and|eq|ne|lt|le|gt|ge)\b")
_DOUBLE = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_SINGLE = re.compile(r"'([^']*(?:''[^']*)*)'")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CONTINUED = re.compile(r"\\ *\r?\n")

_SPELT = {"or": "||", "and": "&&", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_BINDING = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}  # fmt: skip
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 400
_LONGEST_CHAIN = 200
"""Operators in one expression, members of one reference: each is a level of calls at evaluation."""


def expression(scanner: Scanner, binding: int = 1) -> Expression:
    """An expression of operators that bind at least so tightly. Raises BrokenTemplate."""
    with scanner.nested():
        left = _unary(scanner)
        for _ in range(_LONGEST_CHAIN):
            scanner.match(_SPACE)
            start = scanner.at
            found = scanner.match(_OPERATOR)
            if found is None:
                return left
            operator = _SPELT.get(found.group(), found.group())
            if _BINDING[operator] < binding:
                scanner.at = start
                return left
            left = Binary(operator, left, expression(scanner, _BINDING[operator] + 1), scanner.place(start))
    raise scanner.broken("an expression of too many operators")


def reference(scanner: Scanner) -> Reference | None:
    """The reference that begins here, or None when the dollar is only a dollar. Raises BrokenTemplate."""
    start = scanner.at
    head = scanner.match(_REFERENCE)
    if head is None:
        return None
    quiet, formal, name = head.groups()
    accessors: list[Accessor] = []
    while (accessor := _accessor(scanner)) is not None:
        accessors.append(accessor)
        if len(accessors) > _LONGEST_CHAIN:
            raise scanner.broken("a reference of too many members")
    if formal:
        scanner.require("}")
    return Reference(name, tuple(accessors), bool(quiet), scanner.text[start : scanner.at], scanner.place(start))


def identifier(scanner: Scanner) -> str:
    found = scanner.match(_IDENTIFIER)
    if found is None:
        raise scanner.broken(f"expected a name, found {scanner.next_words()}")
    return found.group()


def _accessor(scanner: Scanner) -> Accessor | None:
    start = scanner.at
    member = scanner.match(_MEMBER)
    if member is not None:
        if not scanner.take("("):
            return Property(member[1])
        return Call(member[1], _items(scanner, ")"), scanner.place(start + 1))
    if scanner.take("["):
        key = expression(scanner)
        scanner.match(_SPACE)
        scanner.require("]")
        return Index(key, scanner.place(start))
    return None


def _items(scanner: Scanner, end: str) -> tuple[Expression, ...]:
    """Expressions between commas up to `end`."""
    items: list[Expression] = []
    scanner.match(_SPACE)
    if scanner.take(end):
        return ()
    while True:
        items.append(expression(scanner))
        scanner.match(_SPACE)
        if scanner.take(end):
            return tuple(items)
        scanner.require(",")


def _unary(scanner: Scanner) -> Expression:
    scanner.match(_SPACE)
    if scanner.take("!"):
        with scanner.nested():
            return Unary("!", _unary(scanner))
    if scanner.take("-"):
        with scanner.nested():
            operand = _unary(scanner)
        if isinstance(operand, Literal) and isinstance(operand.value, int | float):
            return Literal(-operand.value)
        return Unary("-", operand)
    return _primary(scanner)


def _primary(scanner: Scanner) -> Expression:
    start = scanner.at
    match scanner.text[start : start + 1]:
        case "$":
            found = reference(scanner)
            if found is None:
                raise scanner.broken("expected a reference after '$'")
            return found
        case '"' | "'":
            return _string(scanner)
        case "(":
            scanner.at += 1
            inner = expression(scanner)
            scanner.match(_SPACE)
            scanner.require(")")
            return inner
        case "[":
            scanner.at += 1
            return _list_or_range(scanner, start)
        case "{":
            scanner.at += 1
            return _map(scanner)
    number = scanner.match(_NUMBER)
    if number is not None:
        return Literal(_number(scanner, number.group(), start))
    word = scanner.match(_WORD)
    if word is not None:
        if word.group() in _WORDS:
            return Literal(_WORDS[word.group()])
        if word.group() == "not":
            with scanner.nested():
                return Unary("!", _unary(scanner))
        scanner.at = start
    raise scanner.broken(f"expected a value, found {scanner.next_words()}")


def _number(scanner: Scanner, text: str, start: int) -> int | float:
    if len(text) > _LONGEST_NUMBER:
        raise scanner.broken("a number of too many digits", start)
    return int(text) if text.isdigit() else float(text)


def _string(scanner: Scanner) -> Expression:
    start = scanner.at
    single = scanner.match(_SINGLE)
    if single is not None:
        return Literal(single[1].replace("''", "'"))
    double = scanner.match(_DOUBLE)
    if double is None:
        raise scanner.broken("a string without its closing quote", start)
    text = _CONTINUED.sub("", double[1].replace('""', '"'))
    if "\\u" in text:
        text = _UNICODE.sub(lambda escape: chr(int(escape[1], 16)), text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs join, halves go
    if "$" not in text and "#" not in text:
        return Literal(text)
    with scanner.nested():
        return Interpolated(scanner.embedded(scanner, text, scanner.place(start + 1)))


def _list_or_range(scanner: Scanner, start: int) -> Expression:
    scanner.match(_SPACE)
    if scanner.take("]"):
        return ListLiteral(())
    first = expression(scanner)
    scanner.match(_SPACE)
    if scanner.take(".."):
        last = expression(scanner)
        scanner.match(_SPACE)
        scanner.require("]")
        return RangeLiteral(first, last, scanner.place(start))
    if scanner.take("]"):
        return ListLiteral((first,))
    scanner.require(",")
    return ListLiteral((first, *_items(scanner, "]")))


def _map(scanner: Scanner) -> Expression:
    entries: list[tuple[Expression, Expression]] = []
    scanner.match(_SPACE)
    if scanner.take("}"):
        return MapLiteral(())
    while True:
        key = expression(scanner)
        scanner.match(_SPACE)
        scanner.require(":")
        entries.append((key, expression(scanner)))
        scanner.match(_SPACE)
        if scanner.take("}"):
            return MapLiteral(tuple(entries))
        scanner.require(",")

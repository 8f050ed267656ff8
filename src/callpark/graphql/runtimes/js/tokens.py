"""JavaScript source as tokens, with just enough understanding to tell words from strings. Pure.

Used by `language.py` (what APPSYNC_JS refuses) and `module.py` (imports and exports).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["word", "number", "string", "template", "regex", "sign"]


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `end` are offsets into the source. The text parts of a template are one token each."""

    kind: Kind
    text: str
    start: int
    end: int
    line_before: bool


class Unreadable(Exception):
    """The source ends inside a string, a comment or a template."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.offset = offset


_SPACE = re.compile(r"\s+")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_$\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*")
_NUMBER = re.compile(r"0[xXoObB][\da-fA-F_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?n?")
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'", re.DOTALL)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_SIGN = re.compile(
    r">>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.|\+\+|--|\+=|-=|\*=|/=|%=|&=|"
    r"\|=|\^=|<<|>>|\*\*|[{}()\[\];,<>+\-*/%&|^!~?:=.@#]"
)
_BEFORE_VALUES = frozenset(("return", "typeof", "case", "in", "of", "delete", "void", "new", "else", "do"))


def tokens(source: str) -> Iterator[Token]:
    """Every token but comments and white space. Raises Unreadable."""
    position = 0
    previous: Token | None = None
    line_before = False
    templates: list[int] = []
    depth = 0
    while position < len(source):
        if match := _SPACE.match(source, position) or _COMMENT.match(source, position):
            line_before = line_before or "\n" in match.group()
            position = match.end()
            continue
        each = source[position]
        if source.startswith("/*", position):
            raise Unreadable("a comment is not closed", position)
        kind: Kind
        if each == "`" or (each == "}" and templates and templates[-1] == depth):
            if each == "}":
                templates.pop()
                depth -= 1
            text = _TEMPLATE.match(source, position + 1)
            assert text is not None
            end = text.end()
            if source.startswith("${", end):
                depth += 1
                templates.append(depth)
                end += 2
            elif source.startswith("`", end):
                end += 1
            else:
                raise Unreadable("a template literal is not closed", position)
            kind = "template"
        elif (match := _WORD.match(source, position)) is not None:
            kind, end = "word", match.end()
        elif (match := _NUMBER.match(source, position)) is not None:
            kind, end = "number", match.end()
        elif each in "\"'":
            match = _STRING.match(source, position)
            if match is None:
                raise Unreadable("a string is not closed", position)
            kind, end = "string", match.end()
        elif each == "/" and _value_expected(previous) and (match := _REGEX.match(source, position)):
            kind, end = "regex", match.end()
        elif (match := _SIGN.match(source, position)) is not None:
            kind, end = "sign", match.end()
            if match.group() == "{":
                depth += 1
            elif match.group() == "}":
                depth -= 1
        else:
            raise Unreadable(f"unexpected character {each!r}", position)
        previous = Token(kind, source[position:end], position, end, line_before)
        line_before = False
        position = end
        yield previous


def _value_expected(previous: Token | None) -> bool:
    if previous is None:
        return True
    if previous.kind == "sign":
        return previous.text not in (")", "]", "}")
    if previous.kind == "template":
        return previous.text.endswith("${")
    return previous.kind == "word" and previous.text in _BEFORE_VALUES


class Lines:
    """Offsets as line and column, both from 1."""

    def __init__(self, source: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

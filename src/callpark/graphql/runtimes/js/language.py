"""The subset of JavaScript that APPSYNC_JS runs, checked on tokens. Pure; called by `module.py` at load.

Names of the rules are those of AWS's lint plug-in. Not checked (it needs types or scopes): recursion, functions passed,
returned or re-assigned, methods the service lacks, assignments to ctx.
https://docs.aws.amazon.com/appsync/latest/devguide/supported-features-js.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callpark.graphql.runtimes.js.tokens import Lines, Token


@dataclass(frozen=True, slots=True)
class CodeError:
    """What AppSync's control plane lists as one of `codeErrors`. Line and column from 1."""

    rule: str
    value: str
    line: int
    column: int


_STATEMENTS = {
    "class": "no-classes",
    "this": "no-this",
    "yield": "no-yield",
    "await": "no-await",
    "while": "no-while",
    "do": "no-while",
    "try": "no-try",
    "catch": "no-try",
    "finally": "no-try",
    "throw": "no-throw",
    "continue": "no-continue",
    "with": "no-with",
    "debugger": "no-debugger",
    "instanceof": "no-disallowed-binary-operators",
}
_GLOBALS = {
    "Promise": "no-promise",
    "eval": "no-disallowed-methods",
    "Function": "no-disallowed-methods",
    "setTimeout": "no-disallowed-methods",
    "setInterval": "no-disallowed-methods",
    "fetch": "no-disallowed-methods",
    "require": "no-disallowed-methods",
    "process": "no-disallowed-methods",
}
_METHODS = frozenset(("apply", "bind", "call", "constructor", "__proto__"))
_UNARY = frozenset(("++", "--", "~"))


def check_language(source: str, read: Sequence[Token]) -> list[CodeError]:
    """Everything the service would refuse, as far as tokens show it, in the order of the source."""
    lines = Lines(source)
    allowed_in = set(_for_in(read))
    found = []
    for index, token in enumerate(read):
        rule = _refused(read, index, allowed_in)
        if rule is not None:
            line, column = lines.place(token.start)
            found.append(CodeError(rule, _sentence(rule, token), line, column))
    return found


def _sentence(rule: str, token: Token) -> str:
    shown = token.text if len(token.text) < 40 else f"{token.text[:40]}…"
    if rule == "no-disallowed-methods":
        return f"Method {shown} is not implemented"
    return f"{shown} is not supported by APPSYNC_JS ({rule})"


def _refused(read: Sequence[Token], index: int, allowed_in: set[int]) -> str | None:
    token = read[index]
    if token.kind == "regex":
        return "no-regex"
    if token.kind == "number":
        return "no-bigint" if token.text.endswith("n") and not token.text.startswith("0x") else None
    if token.kind == "sign":
        if token.text in _UNARY:
            return "no-disallowed-unary-operators"
        if token.text == "*" and index and read[index - 1].text == "function":
            return "no-generators"
        return None
    if token.kind != "word":
        return None
    previous = read[index - 1].text if index else ""
    following = read[index + 1].text if index + 1 < len(read) else ""
    if previous in (".", "?."):
        return "no-disallowed-methods" if token.text in _METHODS else None
    if following == ":" and previous in ("{", ","):
        return None
    return _refused_word(read, index, previous, following, allowed_in)


def _refused_word(read: Sequence[Token], index: int, previous: str, following: str, allowed_in: set[int]) -> str | None:
    word = read[index].text
    if word == "async":
        starts = index + 1 < len(read) and (following in ("function", "(") or read[index + 1].kind == "word")
        return "no-async" if starts and not read[index + 1].line_before else None
    if word == "in":
        return None if index in allowed_in else "no-disallowed-binary-operators"
    if word == "new":
        return None if following == "Date" else "no-new"
    if word == "for":
        return "no-for" if following == "(" and _has_semicolon(read, index + 1) else None
    if word in ("get", "set") and previous in ("{", ",") and following not in (",", "}", ":", "(", "=", ")"):
        return "no-accessors"
    if following == ":" and previous in ("", ";", "}") and _opens_loop(read, index + 2):
        return "no-labels"
    if word in _STATEMENTS:
        return _STATEMENTS[word]
    return _GLOBALS.get(word)


def _opens_loop(read: Sequence[Token], index: int) -> bool:
    return index < len(read) and read[index].text in ("for", "while", "do", "switch", "{")


def _header(read: Sequence[Token], opening: int) -> Iterator[int]:
    """Indexes of the tokens directly inside the parentheses that open there."""
    depth = 0
    for index in range(opening, len(read)):
        text = read[index].text
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return
        elif depth == 1:
            yield index


def _has_semicolon(read: Sequence[Token], opening: int) -> bool:
    return any(read[index].text == ";" for index in _header(read, opening))


def _for_in(read: Sequence[Token]) -> Iterator[int]:
    """Indexes of the `in` of each `for (… in …)`."""
    for index, token in enumerate(read[:-1]):
        if token.kind == "word" and token.text == "for" and read[index + 1].text == "(":
            for inner in _header(read, index + 1):
                if read[inner].text == "in":
                    yield inner
                    break

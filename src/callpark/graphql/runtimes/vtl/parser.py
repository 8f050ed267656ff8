"""Velocity templates: text → syntax tree. Called by `host.py`; raises BrokenTemplate and nothing else.

White space goes as in Velocity 1.7: `#set` takes the blanks before it, and every directive with parentheses, `#else`
and `#end` the rest of their line when only blanks are there.
https://velocity.apache.org/engine/1.7/user-guide.html
"""

import re

from callpark.graphql.runtimes.vtl.expressions import expression, identifier, reference
from callpark.graphql.runtimes.vtl.scanning import Scanner
from callpark.graphql.runtimes.vtl.syntax import (
    Assignment,
    Conditional,
    Definition,
    Expression,
    Leave,
    Loop,
    Macro,
    MacroCall,
    Node,
    Output,
    Place,
    Return,
    Text,
)

_SPECIAL = re.compile(r"(?<!\\)\\*[$#]")
_WORD = re.compile(r"#(?:\{([A-Za-z_]\w*)\}|(@?[A-Za-z_]\w*))", re.ASCII)
_BLANKS = re.compile(r"[ \t]*")
_SPACE = re.compile(r"\s*")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
_COMMENT = re.compile(r"##[^\n\r]*(?:\r\n|\n|\r)?")
_BLOCK_COMMENT = re.compile(r"#\*.*?\*#", re.DOTALL)
_UNPARSED = re.compile(r"#\[\[(.*?)\]\]#", re.DOTALL)
_MACRO_NAME = re.compile(r"#(?:macro|\{macro\})\s*\(\s*([A-Za-z_]\w*)", re.ASCII)
_IN = re.compile(r"\s*in\b")
_BETWEEN = re.compile(r"[\s,]*")

_REFUSED = {"parse", "include", "evaluate"}
_BLOCK_ENDS = {"end", "else", "elseif"}
_DIRECTIVES = {"set", "if", "foreach", "break", "stop", "return", "define", "macro"} | _REFUSED | _BLOCK_ENDS


def parse(text: str, nesting: int) -> tuple[Node, ...]:
    """The nodes of a template whose blocks and expressions nest at most so deeply. Raises BrokenTemplate."""
    scanner = Scanner(text, _embedded, frozenset(_MACRO_NAME.findall(text)), nesting)
    return _whole(scanner)


def _whole(scanner: Scanner) -> tuple[Node, ...]:
    nodes, end = _block(scanner)
    if end:
        raise scanner.broken(f"#{end} without a block that it belongs to", scanner.at - len(end) - 1)
    return nodes


def _embedded(outer: Scanner, text: str, origin: Place) -> tuple[Node, ...]:
    """A template inside a string literal."""
    return _whole(Scanner(text, _embedded, outer.macros, outer.nesting_left, origin))


def _block(scanner: Scanner) -> tuple[tuple[Node, ...], str]:
    """Nodes up to the word that ends the block (`end`, `else`, `elseif`), or "" at the end of the text."""
    nodes: list[Node] = []
    text: list[str] = []

    def flush() -> None:
        if text and (joined := "".join(text)):
            nodes.append(Text(joined))
        text.clear()

    while True:
        found = _SPECIAL.search(scanner.text, scanner.at)
        if found is None:
            text.append(scanner.text[scanner.at :])
            scanner.at = len(scanner.text)
            flush()
            return tuple(nodes), ""
        text.append(scanner.text[scanner.at : found.start()])
        backslashes = len(found.group()) - 1
        scanner.at = found.end() - 1
        if scanner.text[scanner.at] == "$":
            output = reference(scanner)
            if output is None:
                text.append(found.group())
                scanner.at = found.end()
            else:
                flush()
                nodes.append(Output(output, backslashes))
            continue
        if _unread(scanner, text, backslashes):
            continue
        word = scanner.match(_WORD)
        name = "" if word is None else str(word[1] or word[2])
        if not _is_directive(scanner, name):
            text.append(found.group())
            scanner.at = found.end()
            continue
        if backslashes:
            text.append("\\" * (backslashes // 2))
        if backslashes % 2:
            text.append("" if word is None else word.group())
            continue
        if name in _BLOCK_ENDS:
            flush()
            return tuple(nodes), name
        if name == "set" and text:
            text[-1] = text[-1].rstrip(" \t")
        flush()
        nodes.append(_directive(scanner, name, scanner.place(found.end() - 1)))


def _unread(scanner: Scanner, text: list[str], backslashes: int) -> bool:
    """Comments and unparsed text; True when one stood here."""
    start = scanner.at
    if scanner.match(_COMMENT) or scanner.match(_BLOCK_COMMENT):
        text.append("\\" * backslashes)
        return True
    unparsed = scanner.match(_UNPARSED)
    if unparsed is not None:
        text.append("\\" * backslashes + unparsed[1])
        return True
    for opening in ("#*", "#[["):
        if scanner.text.startswith(opening, start):
            raise scanner.broken(f"{opening} without its end")
    return False


def _is_directive(scanner: Scanner, name: str) -> bool:
    if name == "set":
        return _follows(scanner, "(")
    return name in _DIRECTIVES or name.removeprefix("@") in scanner.macros


def _follows(scanner: Scanner, text: str) -> bool:
    blanks = _BLANKS.match(scanner.text, scanner.at)
    return scanner.text.startswith(text, blanks.end() if blanks else scanner.at)


def _directive(scanner: Scanner, name: str, place: Place) -> Node:
    with scanner.nested():
        match name:
            case "set":
                return _set(scanner)
            case "if":
                return _if(scanner)
            case "foreach":
                return _foreach(scanner, place)
            case "break" | "stop":
                return Leave(name)
            case "return":
                return _return(scanner)
            case "define":
                _open(scanner, name)
                target = _variable(scanner)
                _close(scanner)
                return Definition(target, _body(scanner, name))
            case "macro":
                return _macro(scanner)
            case _ if name in _REFUSED:
                raise scanner.broken(f"#{name} is not available in mapping templates")
        return _macro_call(scanner, name, place)


def _open(scanner: Scanner, name: str) -> None:
    scanner.match(_SPACE)
    if not scanner.take("("):
        raise scanner.broken(f"expected '(' after #{name}, found {scanner.next_words()}")


def _close(scanner: Scanner) -> None:
    scanner.match(_SPACE)
    scanner.require(")")
    scanner.match(_REST_OF_LINE)


def _variable(scanner: Scanner) -> str:
    scanner.match(_SPACE)
    found = reference(scanner) if scanner.text.startswith("$", scanner.at) else None
    if found is None or found.accessors:
        raise scanner.broken(f"expected a variable such as $item, found {scanner.next_words()}")
    return found.name


def _set(scanner: Scanner) -> Node:
    _open(scanner, "set")
    scanner.match(_SPACE)
    target = reference(scanner) if scanner.text.startswith("$", scanner.at) else None
    if target is None:
        raise scanner.broken(f"expected a reference to set, found {scanner.next_words()}")
    scanner.match(_SPACE)
    scanner.require("=")
    value = expression(scanner)
    _close(scanner)
    return Assignment(target, value)


def _if(scanner: Scanner) -> Node:
    branches: list[tuple[Expression, tuple[Node, ...]]] = []
    word = "if"
    while word in ("if", "elseif"):
        _open(scanner, word)
        condition = expression(scanner)
        _close(scanner)
        body, word = _block(scanner)
        branches.append((condition, body))
    otherwise: tuple[Node, ...] = ()
    if word == "else":
        scanner.match(_REST_OF_LINE)
        otherwise, word = _block(scanner)
    _ended(scanner, word, "if")
    return Conditional(tuple(branches), otherwise)


def _foreach(scanner: Scanner, place: Place) -> Node:
    _open(scanner, "foreach")
    name = _variable(scanner)
    if scanner.match(_IN) is None:
        raise scanner.broken(f"expected 'in', found {scanner.next_words()}")
    iterable = expression(scanner)
    _close(scanner)
    return Loop(name, iterable, _body(scanner, "foreach"), place)


def _return(scanner: Scanner) -> Node:
    if not _follows(scanner, "("):
        return Return(None)
    _open(scanner, "return")
    scanner.match(_SPACE)
    value = None if scanner.text.startswith(")", scanner.at) else expression(scanner)
    _close(scanner)
    return Return(value)


def _macro(scanner: Scanner) -> Node:
    _open(scanner, "macro")
    scanner.match(_SPACE)
    name = identifier(scanner)
    parameters: list[tuple[str, Expression | None]] = []
    while True:
        scanner.match(_BETWEEN)
        if not scanner.text.startswith("$", scanner.at):
            break
        variable = _variable(scanner)
        scanner.match(_BLANKS)
        default = expression(scanner) if scanner.take("=") else None
        parameters.append((variable, default))
    _close(scanner)
    return Macro(name, tuple(parameters), _body(scanner, "macro"))


def _macro_call(scanner: Scanner, name: str, place: Place) -> Node:
    arguments: list[Expression] = []
    if _follows(scanner, "("):
        _open(scanner, name)
        while True:
            scanner.match(_BETWEEN)
            if scanner.text.startswith(")", scanner.at):
                break
            arguments.append(expression(scanner))
        _close(scanner)
    body = _body(scanner, name) if name.startswith("@") else None
    return MacroCall(name.removeprefix("@"), tuple(arguments), body, place)


def _body(scanner: Scanner, name: str) -> tuple[Node, ...]:
    nodes, word = _block(scanner)
    _ended(scanner, word, name)
    return nodes


def _ended(scanner: Scanner, word: str, name: str) -> None:
    if word == "":
        raise scanner.broken(f"#{name} without its #end")
    if word != "end":
        raise scanner.broken(f"#{word} does not belong to #{name}", scanner.at - len(word) - 1)
    scanner.match(_REST_OF_LINE)

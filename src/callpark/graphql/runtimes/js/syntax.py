"""JavaScript source as a syntax tree, and where its nodes stand. Pure.

Used by `scopes.py`, `language.py` and `module.py` at load. The parser never fails: what it could not read is in the
tree as ERROR and missing nodes, which `syntax_errors` reports.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

FUNCTIONS = frozenset(
    (
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
    )
)


@dataclass(frozen=True, slots=True)
class CodeError:
    """What AppSync's control plane lists as one of `codeErrors`. Line and column from 1, span in characters.

    `rule` is the name AWS's lint plug-in has for it, or "syntax", "types", "module", "code-size".
    """

    rule: str
    value: str
    line: int
    column: int
    span: int = -1

    @property
    def error_type(self) -> str:
        return "LINT_ERROR" if self.rule.startswith("no-") else "PARSE_ERROR"


class Source:
    """The text with its tree. Raises UnicodeEncodeError for halves of surrogate pairs."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = text.encode()
        self.root: Node = _parser().parse(self.data).root_node
        self._parents: dict[int, Node] = {}
        self._lines = [0]
        at = self.data.find(b"\n")
        while at >= 0:
            self._lines.append(at + 1)
            at = self.data.find(b"\n", at + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1 and in characters, of an offset in bytes."""
        line = bisect_right(self._lines, offset)
        return line, len(self.data[self._lines[line - 1] : offset].decode(errors="replace")) + 1

    def place_of(self, line: int, byte_column: int) -> tuple[int, int]:
        """Line and column in characters of a line and a column in bytes."""
        return self.place(min(self.offset(line, byte_column), len(self.data)))

    def offset(self, line: int, byte_column: int) -> int:
        """The offset in bytes of a line and a column in bytes, both from 1."""
        return self._lines[min(line, len(self._lines)) - 1] + byte_column - 1

    @cached_property
    def nodes(self) -> list[tuple[Node, str]]:
        """Every named node with its type, in the order of the source."""
        found = []
        above: list[Node] = []
        for node, leaving in events(self.root):
            if not node.is_named:
                continue
            if leaving:
                above.pop()
                continue
            found.append((node, node.type))
            if above:
                self._parents[node.id] = above[-1]
            above.append(node)
        return found

    def parent(self, node: Node | None) -> Node | None:
        """The node above. The tree's own way to it begins at the root each time."""
        return None if node is None else self._parents.get(node.id)

    @cached_property
    def by_type(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node, kind in self.nodes:
            found.setdefault(kind, []).append(node)
        return found

    def forget_tree(self) -> None:
        """What is asked for after loading are places; a tree takes fifty times the memory of its text."""
        for name in ("root", "nodes", "by_type"):
            self.__dict__.pop(name, None)
        self._parents.clear()

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def of(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode(errors="replace")

    def error(self, rule: str, value: str, node: Node) -> CodeError:
        return CodeError(rule, value, *self.place(node.start_byte), len(self.of(node)))


def events(root: Node) -> Iterator[tuple[Node, bool]]:
    """Every node twice, in the order of the source: (node, False) at its start and (node, True) at its end.

    A cursor instead of recursion: sources nest as deep as they like.
    """
    cursor = root.walk()
    while True:
        yield cursor.node, False  # type: ignore[misc] # a cursor on a tree always has a node
        if cursor.goto_first_child():
            continue
        yield cursor.node, True  # type: ignore[misc]
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            yield cursor.node, True  # type: ignore[misc]


def is_too_deep(root: Node, deepest: int) -> bool:
    """Whether anything nests deeper than that."""
    cursor = root.walk()
    depth = 0
    while depth <= deepest:
        if cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False
            depth -= 1
    return True


def syntax_errors(source: Source, at_most: int = 20) -> list[CodeError]:
    """What cannot be read, in TypeScript's words where they are one of its common ones."""
    found: list[CodeError] = []
    if not source.root.has_error:
        return found
    for node, leaving in events(source.root):
        if leaving or len(found) >= at_most:
            continue
        if node.is_missing:
            found.append(source.error("syntax", f"TS1005: '{node.type}' expected.", node))
        elif node.is_error and not (node.parent is not None and node.parent.is_error):
            found.append(_unreadable(source, node))
    return found


def _unreadable(source: Source, node: Node) -> CodeError:
    text = source.of(node)
    shown = text.split("\n", 1)[0][:40]
    kind = "TS1128: Declaration or statement expected." if _stands_alone(node) else "TS1109: Expression expected."
    return CodeError("syntax", f"{kind} Found: {shown}", *source.place(node.start_byte), len(text))


def _stands_alone(node: Node) -> bool:
    return node.parent is None or node.parent.type in ("program", "statement_block")


def names_in(pattern: Node) -> Iterator[Node]:
    """The identifiers a declaration's pattern declares."""
    pending = [pattern]
    while pending:
        node = pending.pop()
        if node.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield node
        elif node.type in ("object_pattern", "array_pattern", "rest_pattern"):
            pending += reversed(node.named_children)
        elif node.type in ("assignment_pattern", "object_assignment_pattern"):
            pending.append(field(node, "left"))
        elif node.type == "pair_pattern":
            pending.append(field(node, "value"))


def field(node: Node, name: str) -> Node:
    """A field that the grammar requires; of a broken tree the node itself."""
    return node.child_by_field_name(name) or node


def has_token(node: Node, *tokens: str) -> bool:
    return any(child.type in tokens for child in node.children if not child.is_named)


def bare(node: Node) -> Node:
    """The expression inside its parentheses."""
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    return node


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))

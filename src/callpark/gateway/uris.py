"""URI templates of one service as one matcher: a tree of path segments.

Called by the router. Literal segments win over labels, labels over greedy ones; paths are matched as sent, so a label
may hold an encoded slash (`arn%3Aaws%3Alambda…%2F…`). Trailing slashes do not matter. Templates with a query part, such
as `/layers?find=LayerVersion`, need it to be there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

#: Segments that may follow a greedy label in any template.
_MAXIMUM_TAIL = 8


@dataclass(frozen=True, slots=True)
class UriMatch:
    """An operation, and its labels as sent (still percent-encoded)."""

    operation: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Leaf:
    method: str
    operation: str
    labels: tuple[str, ...]
    query: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Node:
    literals: "dict[str, _Node]" = field(default_factory=dict)
    label: "_Node | None" = None
    greedy: "_Node | None" = None
    leaves: list[_Leaf] = field(default_factory=list)


class UriMatcher:
    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, template: str, operation: str) -> None:
        """`template` as in the service model: `/2015-03-31/functions/{FunctionName}/invocations`."""
        path, _, query = template.partition("?")
        node, labels = self._root, []
        for segment in _segments(path):
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
                continue
            greedy = segment.endswith("+}")
            labels.append(segment[1:-2] if greedy else segment[1:-1])
            if greedy:
                node.greedy = node = node.greedy or _Node()
            else:
                node.label = node = node.label or _Node()
        leaf = _Leaf(method, operation, tuple(labels), tuple(parse_qsl(query, keep_blank_values=True)))
        node.leaves.append(leaf)
        node.leaves.sort(key=lambda known: -len(known.query))

    def match(self, method: str, path: str, query: str) -> UriMatch | None:
        given = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        for leaf, values in self._reached(path):
            if leaf.method == method and all(given.get(name) == value for name, value in leaf.query):
                return UriMatch(leaf.operation, dict(zip(leaf.labels, values, strict=True)))
        return None

    def methods(self, path: str) -> list[str]:
        """The HTTP methods that anything answers to at this path."""
        return sorted({leaf.method for leaf, _ in self._reached(path)})

    def _reached(self, path: str) -> Iterator[tuple[_Leaf, tuple[str, ...]]]:
        for node, values in _walk(self._root, _segments(path), 0, ()):
            for leaf in node.leaves:
                yield leaf, values


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []


def _walk(
    node: _Node, segments: list[str], at: int, values: tuple[str, ...]
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    if at == len(segments):
        yield node, values
        return
    segment = segments[at]
    literal = node.literals.get(unquote(segment))
    if literal is not None:
        yield from _walk(literal, segments, at + 1, values)
    if node.label is not None and segment:
        yield from _walk(node.label, segments, at + 1, (*values, segment))
    if node.greedy is not None:
        for end in range(len(segments), max(at, len(segments) - _MAXIMUM_TAIL), -1):
            yield from _walk(node.greedy, segments, end, (*values, "/".join(segments[at:end])))

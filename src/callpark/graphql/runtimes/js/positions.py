"""From a place in the script that the engine runs back to the place the author wrote. Pure.

The script differs from the code by the edits of `module.py`; bundled code may have a source map besides.
"""

from bisect import bisect_right
from dataclasses import dataclass

from callpark.graphql.runtimes.js.sourcemap import SourceMap
from callpark.graphql.runtimes.js.syntax import Source

ADDED_LINES = 1
"""Lines of the script before the first one of the code."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` of the code became `text`."""

    start: int
    end: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A call expression: where it begins and ends, and what it calls."""

    start: int
    end: int
    called: str


class Positions:
    """Keeps the text and forgets its tree."""

    def __init__(self, source: Source, edits: list[Edit], source_map: SourceMap | None) -> None:
        self._source = source
        self._map = source_map
        self._edits = edits
        self._calls = [
            Call(node.start_byte, node.end_byte, source.of(node.children[0]))
            for node in source.by_type.get("call_expression", ())
        ]
        source.forget_tree()
        self._edited_lines = {source.place(edit.start)[0] for edit in edits}

    def original(self, line: int, byte_column: int) -> tuple[str, int, int]:
        """File, line and column for a place as the engine gives it: lines from 1, columns in bytes."""
        line, column = self.of_code(line, byte_column)
        return (self._map.original(line, column) if self._map else None) or ("code.js", line, column)

    def original_call(self, line: int, byte_column: int, called: str = "") -> tuple[str, int, int]:
        """As `original`, for a place somewhere in a call: the innermost one around it whose callee begins so."""
        offset = self._offset(line, byte_column)
        around = [each for each in self._calls if each.start <= offset < each.end and each.called.startswith(called)]
        place = self._source.place(around[-1].start if around else offset)
        return (self._map.original(*place) if self._map else None) or ("code.js", *place)

    def of_code(self, line: int, byte_column: int) -> tuple[int, int]:
        """Line and column in the code, whatever it was made from."""
        return self._source.place(self._offset(line, byte_column))

    def _offset(self, line: int, byte_column: int) -> int:
        """The offset in the code of a place in the script."""
        line = max(line - ADDED_LINES, 1)
        offset = self._source.offset(line, byte_column)
        if line in self._edited_lines:
            offset = self._before_edits(line, offset)
        last = self._source.offset(line + 1, 1) - 1 if line < self._source.line_count else len(self._source.data)
        return max(min(offset, last), self._source.offset(line, 1))

    def _before_edits(self, line: int, offset: int) -> int:
        """Edits keep line breaks, so only those on the same line before the place have moved it."""
        begin = self._source.offset(line, 1)
        first = bisect_right(self._edits, begin - 1, key=lambda edit: edit.start)
        for edit in self._edits[first:]:
            if edit.start > offset:
                break
            grown = len(edit.text) - (edit.end - edit.start)
            if offset < edit.start + len(edit.text):
                return edit.start
            offset -= grown
        return offset

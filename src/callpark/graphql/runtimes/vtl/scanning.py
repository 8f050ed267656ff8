"""Where the parser stands in a template, and how deep. Used by `parser.py` and `expressions.py`."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from callpark.graphql.runtimes.vtl.failures import BrokenTemplate
from callpark.graphql.runtimes.vtl.syntax import Node, Place


@dataclass(slots=True)
class Scanner:
    """`origin` is the place of the first character, for templates inside string literals; `embedded` reads those."""

    text: str
    embedded: Callable[["Scanner", str, Place], tuple[Node, ...]]
    macros: frozenset[str]
    nesting_left: int
    origin: Place = (1, 1)
    at: int = 0
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]

    def place(self, at: int | None = None) -> Place:
        position = self.at if at is None else at
        line = bisect_right(self._starts, position) - 1
        column = position - self._starts[line]
        first_line, first_column = self.origin
        return (first_line + line, column + (first_column if line == 0 else 1))

    def broken(self, message: str, at: int | None = None) -> BrokenTemplate:
        return BrokenTemplate(message, *self.place(at))

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Move over the pattern if it stands here."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def take(self, text: str) -> bool:
        """Move over the text if it stands here."""
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def require(self, text: str) -> None:
        if not self.take(text):
            raise self.broken(f"expected '{text}', found {self.next_words()}")

    def next_words(self) -> str:
        rest = self.text[self.at : self.at + 20].split("\n")[0]
        return f"'{rest}'" if rest else "the end of the line" if self.at < len(self.text) else "the end"

    @contextmanager
    def nested(self) -> Iterator[None]:
        """One level deeper. Raises BrokenTemplate when that is too deep."""
        if self.nesting_left <= 0:
            raise self.broken("expressions and blocks are nested too deeply")
        self.nesting_left -= 1
        try:
            yield
        finally:
            self.nesting_left += 1

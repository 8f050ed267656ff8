"""The SQL texts, by name, from the `.sql` files beside this module.

A `BatchStatement` takes any number of rows in few executions: sqlite3 gives up the interpreter lock around each
execution, and a busy event loop returns it only after milliseconds, so one execution for 256 rows beats 256.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import TypeAlias

SqlValue: TypeAlias = str | bytes | int | float | None

_HEADER = re.compile(r"^-- (\w+) --$", re.MULTILINE)
_SIZES = (1, 4, 16, 64, 256)


def load(theme: str) -> Mapping[str, str]:
    """name → SQL of `sql/<theme>.sql`."""
    text = resources.files(__package__).joinpath("sql", f"{theme}.sql").read_text("utf-8")
    parts = _HEADER.split(text)
    return {name: sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}


class BatchStatement:
    """A statement over `{rows}`, prepared for a few sizes; what is missing to a size is filled with NULLs."""

    def __init__(self, text: str, columns: int) -> None:
        self._columns = columns
        row = f"({', '.join('?' * columns)})"
        self._texts = {size: text.replace("{rows}", ", ".join([row] * size)) for size in _SIZES}

    def executions(self, rows: Iterable[Sequence[SqlValue]]) -> Iterator[tuple[str, Sequence[SqlValue]]]:
        """(SQL, parameters) for rows; they are taken as the executions are."""
        remaining = iter(rows)
        while chunk := list(itertools.islice(remaining, _SIZES[-1])):
            size = next(size for size in _SIZES if size >= len(chunk))
            filling: list[SqlValue] = [None] * ((size - len(chunk)) * self._columns)
            yield self._texts[size], [*itertools.chain.from_iterable(chunk), *filling]

"""What the database is asked for. Called by `database.py` on its thread."""

import sqlite3
import sys
from collections.abc import Iterator, Sequence

from callpark.store.ports import Position, Row, WorkItem
from callpark.store.sqlite.statements import load

_SURROGATES = range(0xD800, 0xE000)


class Reader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._items = load("items")
        self._records = load("records")

    def count(self, queue: str, ready_by: float | None) -> int:
        if ready_by is None:
            (found,) = self._connection.execute(self._items["count"], (queue,)).fetchone()
        else:
            (found,) = self._connection.execute(self._items["count_ready"], (queue, ready_by)).fetchone()
        return int(found)

    def find(self, queue: str, item_id: str) -> WorkItem | None:
        found = self._connection.execute(self._items["find"], (queue, item_id)).fetchone()
        return _item(found)[1] if found else None

    def browse(self, queue: str, after: Position, limit: int) -> Iterator[tuple[Position, WorkItem]]:
        for found in self._connection.execute(self._items["refill"], (queue, *after, limit)):
            yield _item(found)

    def queues(self) -> Sequence[str]:
        return [queue for (queue,) in self._connection.execute(self._items["queues"])]

    def get(self, table: str, key: str) -> Row | None:
        found = self._connection.execute(self._records["get"], (table, key)).fetchone()
        return Row(*found) if found else None

    def scan(self, table: str, prefix: str) -> Sequence[Row]:
        end = following(prefix)
        if end is None:
            cursor = self._connection.execute(self._records["scan"], (table, prefix))
        else:
            cursor = self._connection.execute(self._records["scan_between"], (table, prefix, end))
        return [Row(*found) for found in cursor]


def _item(found: tuple[int, str, str, float, bytes, bytes]) -> tuple[Position, WorkItem]:
    sequence, queue, item_id, ready_at, state, body = found
    return (ready_at, sequence), WorkItem(queue, item_id, body, state, ready_at)


def following(prefix: str) -> str | None:
    """The first text that sorts behind everything that begins with `prefix`; None when there is no such text."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    if not kept:
        return None
    code = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if code in _SURROGATES else code)

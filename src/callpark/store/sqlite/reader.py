"""What the store reads for its callers. Called on the reader thread, with a connection of its own."""

import sqlite3
import sys
from collections.abc import Sequence

from callpark.store.ports import Row
from callpark.store.sqlite.statements import load

_SURROGATES = range(0xD800, 0xE000)


class Reader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._connection.execute("PRAGMA query_only = ON")
        self._items = load("items")
        self._records = load("records")

    def count(self, queue: str) -> int:
        (found,) = self._connection.execute(self._items["count"], (queue,)).fetchone()
        return int(found)

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

    def close(self) -> None:
        self._connection.close()


def following(prefix: str) -> str | None:
    """The first text that sorts behind everything that begins with `prefix`; None when there is no such text."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    if not kept:
        return None
    code = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if code in _SURROGATES else code)

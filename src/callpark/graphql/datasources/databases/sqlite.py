"""A SQLite file as a database of data sources. Called in threads by `pool.py`, a connection for each."""

import sqlite3
from collections.abc import Mapping, Sequence

from callpark.graphql.datasources.databases.fields import bound, column, field
from callpark.graphql.datasources.port import DatabaseFailure, StatementResult

_BUSY_SECONDS = 5.0
_TYPES = {int: ("INTEGER", 4), float: ("REAL", 8), str: ("TEXT", 12), bytes: ("BLOB", 2004)}
"""Of the first value that is not null: SQLite's columns have no types of their own in a result."""


class SqliteConnection:
    def __init__(self, path: str) -> None:
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise DatabaseFailure(f"ERROR: {path}: {error}") from error

    def execute(self, statement: str, variables: Mapping[str, object], hints: Mapping[str, str]) -> StatementResult:
        try:
            cursor = self._connection.execute(statement, {name: bound(value) for name, value in variables.items()})
            rows: list[tuple[object, ...]] = cursor.fetchall() if cursor.description else []
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            raise DatabaseFailure(f"ERROR: {error}") from error
        names = [str(each[0]) for each in cursor.description or ()]
        changed = not names or not statement.lstrip()[:6].upper().startswith("SELECT")
        return StatementResult(
            records=tuple(tuple(field(value) for value in row) for row in rows),
            columns=tuple(_column(name, rows, index) for index, name in enumerate(names)),
            updated=max(cursor.rowcount, 0) if changed else 0,
            generated=(field(cursor.lastrowid),) if _inserted(statement, names) and cursor.lastrowid else (),
        )

    @property
    def usable(self) -> bool:
        return True

    def close(self) -> None:
        self._connection.close()


def _inserted(statement: str, names: Sequence[str]) -> bool:
    return not names and statement.lstrip()[:6].upper() == "INSERT"


def _column(name: str, rows: Sequence[Sequence[object]], index: int) -> Mapping[str, object]:
    value = next((row[index] for row in rows if row[index] is not None), None)
    type_name, number = _TYPES.get(type(value), ("TEXT", 12))
    return column(name, type_name, number, signed=type(value) in (int, float), cased=type(value) is str)

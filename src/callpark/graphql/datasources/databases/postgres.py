"""A PostgreSQL database of data sources, through psycopg (extra `postgres`). Called in threads by `pool.py`."""

from collections.abc import Mapping

import psycopg
from psycopg.rows import tuple_row

from callpark.graphql.datasources.databases.fields import bound, column, field
from callpark.graphql.datasources.databases.placeholders import rewritten
from callpark.graphql.datasources.port import DatabaseFailure, StatementResult

_CASTS = {
    "DATE": "date",
    "DECIMAL": "numeric",
    "JSON": "jsonb",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "UUID": "uuid",
}
_JDBC_TYPES = {
    "bool": -7,
    "int2": 5,
    "int4": 4,
    "int8": -5,
    "float4": 7,
    "float8": 8,
    "numeric": 2,
    "date": 91,
    "time": 92,
    "timestamp": 93,
    "timestamptz": 93,
    "bytea": -2,
    "text": 12,
    "varchar": 12,
    "bpchar": 1,
}
_OTHER_TYPE = 1111
_CONNECT_SECONDS = 10
_SIGNED = frozenset(("int2", "int4", "int8", "float4", "float8", "numeric"))


class PostgresConnection:
    def __init__(self, url: str, seconds: float) -> None:
        options = f"-c statement_timeout={int(seconds * 1000)}"
        try:
            self._connection = psycopg.connect(
                url, autocommit=True, row_factory=tuple_row, connect_timeout=_CONNECT_SECONDS, options=options
            )
        except (psycopg.Error, UnicodeError) as error:
            raise DatabaseFailure(f"FATAL: {_first_line(error)}") from error
        self._connection.prepare_threshold = None

    def execute(self, statement: str, variables: Mapping[str, object], hints: Mapping[str, str]) -> StatementResult:
        def placeholder(name: str) -> str | None:
            if name not in variables:
                return None
            cast_to = _CASTS.get(hints.get(name, ""))
            return f"%({name})s::{cast_to}" if cast_to else f"%({name})s"

        text = rewritten(statement, placeholder)
        values = {name: bound(value) for name, value in variables.items()}
        try:
            with self._connection.cursor() as cursor:
                # The statement is the resolver's own text; its values are bound, never written into it.
                cursor.execute(text.encode(), values)
                rows = cursor.fetchall() if cursor.description else []
                return StatementResult(
                    records=tuple(tuple(field(value) for value in row) for row in rows),
                    columns=tuple(self._column(each) for each in cursor.description or ()),
                    updated=0 if (cursor.statusmessage or "").startswith("SELECT") else max(cursor.rowcount, 0),
                )
        except psycopg.Error as error:
            state = f"; SQLState: {error.sqlstate}" if error.sqlstate else ""
            raise DatabaseFailure(f"ERROR: {_first_line(error)}{state}") from error
        except ValueError as error:
            raise DatabaseFailure(f"ERROR: {error}") from error

    @property
    def usable(self) -> bool:
        return not self._connection.closed and not self._connection.broken

    def close(self) -> None:
        self._connection.close()

    def _column(self, described: psycopg.Column) -> Mapping[str, object]:
        known = self._connection.adapters.types.get(described.type_code)
        name = known.name if known is not None else str(described.type_code)
        return column(
            described.name,
            name,
            _JDBC_TYPES.get(name, _OTHER_TYPE),
            signed=name in _SIGNED,
            cased=name in ("text", "varchar", "bpchar"),
            precision=described.precision or 0,
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

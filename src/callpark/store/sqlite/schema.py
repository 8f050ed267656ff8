"""Brings a database to the schema this callpark knows. Called when the store is opened."""

import re
import sqlite3
from importlib import resources
from pathlib import Path

from callpark.kernel.errors import ProjectError
from callpark.store.sqlite.statements import load

_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


def known() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration, in order."""
    files = resources.files(__package__).joinpath("migrations").iterdir()
    return sorted(
        (int(match[1]), match[2], file.read_text("utf-8")) for file in files if (match := _NAME.fullmatch(file.name))
    )


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply what is missing, each migration in a transaction of its own. Raises ProjectError for a newer schema."""
    sql = load("migrations")
    connection.execute(sql["create"])
    (last,) = connection.execute(sql["last"]).fetchone()
    migrations = known()
    newest = migrations[-1][0]
    if last > newest:
        raise ProjectError(
            f"{path} was written by a newer callpark (schema {last}; this one knows {newest})",
            "upgrade callpark, or choose another data directory with --data",
        )
    for number, name, text in migrations:
        if number > last:
            _apply(connection, number, name, text, sql["record"])


def _apply(connection: sqlite3.Connection, number: int, name: str, text: str, record: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(text):
            connection.execute(statement)
        connection.execute(record, (number, name))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(text: str) -> list[str]:
    found, current = list[str](), ""
    for line in text.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found

"""Opens the files of a store: the database, brought to the schema of this callpark, and the journal, whose records that
the database lacks are taken over at once.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from callpark.kernel.errors import ProjectError
from callpark.store.ports import StoreFailure
from callpark.store.sqlite import journal, schema
from callpark.store.sqlite.backlog import Backlog
from callpark.store.sqlite.batch import Commit, decode, fold
from callpark.store.sqlite.database import Database, Refilled
from callpark.store.sqlite.directory import sync_directory
from callpark.store.sqlite.faults import FaultHook
from callpark.store.sqlite.journal import Journal
from callpark.store.sqlite.lookups import Lookups
from callpark.store.sqlite.statements import load
from callpark.store.window import Bounds


class OpenFiles(msgspec.Struct, frozen=True):
    """`next_sequence` is that of the next item that is put; `waiting` are the earliest items of all queues."""

    backlog: Backlog
    database: Database
    lookups: Lookups
    next_sequence: int
    waiting: Sequence[Refilled]

    def close(self) -> None:
        self.lookups.close()
        self.database.close()
        self.backlog.close()


def open_files(directory: Path, bounds: Bounds, fault: FaultHook | None) -> OpenFiles:
    """Raises ProjectError."""
    path = directory / "callpark.db"
    connections: list[sqlite3.Connection] = []
    try:
        connections.append(_connect(path))
        schema.migrate(connections[0], path)
        sync_directory(directory)
        connections.append(_connect(path))
        connections[1].execute("PRAGMA query_only = ON")
        return _take_up(directory, connections[0], connections[1], bounds, fault)
    except BaseException as error:
        for connection in connections:
            connection.close()
        if isinstance(error, sqlite3.Error | OSError | StoreFailure):
            raise ProjectError(
                f"{path} cannot be opened: {error}", "move it away, or choose another data directory with --data"
            ) from None
        raise


def _take_up(
    directory: Path, writing: sqlite3.Connection, reading: sqlite3.Connection, bounds: Bounds, fault: FaultHook | None
) -> OpenFiles:
    (carried,) = writing.execute(load("journal")["last"]).fetchone()
    (last_sequence,) = writing.execute(load("items")["last_sequence"]).fetchone()
    backlog = Backlog(Journal(directory, fault), carried)
    lookups = Lookups(reading, backlog)
    next_sequence = last_sequence + 1
    try:
        for number, payload in journal.read_back(directory, carried):
            commits = [Commit(decode(payload))]
            batch = fold(commits, lookups.revisions(commits), lookups.present(commits), next_sequence)
            if batch.refused:
                raise ValueError(f"record {number} does not fit what the database holds")
            backlog.take_up(number, batch)
            next_sequence = batch.next_sequence
    except (ValueError, msgspec.DecodeError) as error:
        raise ProjectError(
            f"the journal in {directory} is damaged, or belongs to another callpark.db: {error}",
            f"restore both; without {' and '.join(journal.NAMES)} callpark starts with what the database has",
        ) from None
    database = Database(writing, str(directory), backlog, bounds, fault)
    database.catch_up()
    return OpenFiles(backlog, database, lookups, next_sequence, database.waiting())


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection

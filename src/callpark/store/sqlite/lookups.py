"""What the writer must know before it folds commits: revisions of rows, and whether items are there already.

On the writer's thread, with a connection of its own that only reads. The backlog knows the latest; the database is
asked for the rest. Ids that are made one after the other count up, so an id above the highest that its queue ever had
is new without asking.
"""

import sqlite3
from collections.abc import Sequence

from callpark.store.ports import Put
from callpark.store.revisions import RowKey
from callpark.store.sqlite.backlog import Backlog
from callpark.store.sqlite.batch import Commit, ItemKey, row_keys
from callpark.store.sqlite.pending import Fresh, Moved
from callpark.store.sqlite.statements import BatchStatement, load


class Lookups:
    def __init__(self, connection: sqlite3.Connection, backlog: Backlog) -> None:
        self._connection = connection
        self._backlog = backlog
        self._revisions = BatchStatement(load("records")["revisions"], 3)
        self._present = BatchStatement(load("items")["present"], 3)
        self._highest_sql = load("items")["highest"]
        self._highest: dict[str, str] = {}

    def revisions(self, commits: Sequence[Commit]) -> dict[RowKey, int]:
        """Of the rows that the commits set; those that are not there are left out."""
        found: dict[RowKey, int] = {}
        unknown: list[RowKey] = []
        layers = self._backlog.layers()
        for table, key in dict.fromkeys(row_keys(commits)):
            for layer in layers:
                rows = layer.rows.get(table)
                if rows is not None and key in rows:
                    written = rows[key]
                    found[table, key] = 0 if written is None else written[1]
                    break
            else:
                unknown.append((table, key))
        for number, revision in self._ask(self._revisions, unknown):
            found[unknown[number]] = revision
        return found

    def present(self, commits: Sequence[Commit]) -> dict[ItemKey, bool]:
        """Of the items that are put and may be there already."""
        highest = self._highest
        found: dict[ItemKey, bool] = {}
        unknown: list[ItemKey] = []
        for commit in commits:
            for change in commit.changes:
                if isinstance(change, Put):
                    queue, item_id = change.item.queue, change.item.id
                    known = highest.get(queue)
                    if known is None:
                        known = self._highest_of(queue)
                    if item_id > known:
                        highest[queue] = item_id
                    elif (queue, item_id) not in found:
                        fate = self._fate(queue, item_id)
                        found[queue, item_id] = bool(fate)
                        if fate is None:
                            unknown.append((queue, item_id))
        for number, _ in self._ask(self._present, unknown):
            found[unknown[number]] = True
        return found

    def close(self) -> None:
        self._connection.close()

    def _fate(self, queue: str, item_id: str) -> bool | None:
        """Whether the backlog has the item; None when it does not say."""
        for fate in self._backlog.fates(queue, item_id):
            if not isinstance(fate, Moved):
                return isinstance(fate, Fresh)
        return None

    def _highest_of(self, queue: str) -> str:
        (found,) = self._connection.execute(self._highest_sql, (queue,)).fetchone()
        self._highest[queue] = str(found)
        return str(found)

    def _ask(self, statement: BatchStatement, keys: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
        """(index in `keys`, number) of those that the database has."""
        found: list[tuple[int, int]] = []
        for sql, values in statement.executions((index, *key) for index, key in enumerate(keys)):
            (text,) = self._connection.execute(sql, values).fetchone()
            for pair in text.split(",") if text else ():
                index, _, number = pair.partition(":")
                found.append((int(index), int(number)))
        return found

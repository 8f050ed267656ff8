"""Items and rows, whole, as they are in the stream now. Called by the store and by whoever takes items."""

from collections.abc import Sequence

from callpark.store.nats.connection import Connection
from callpark.store.nats.index import Entry
from callpark.store.nats.knowledge import Knowledge, item_of, row_of
from callpark.store.nats.reader import Reader
from callpark.store.nats.records import ItemHead, RowHead
from callpark.store.ports import Row, WorkItem


class Lookups:
    """All raise Unanswered."""

    def __init__(self, connection: Connection, reader: Reader, known: Knowledge) -> None:
        self._subjects = connection.subjects
        self._reader = reader
        self._known = known

    async def item(self, queue: str, item_id: str) -> WorkItem | None:
        while True:
            message = await self._reader.latest(self._subjects.item(queue, item_id))
            if message is None or not isinstance(message.head, ItemHead):
                return None
            body = await self._reader.body(message)
            if body is not None:
                return item_of((queue, item_id), message, body)

    async def contents(self, entries: Sequence[Entry]) -> dict[int, WorkItem]:
        """What of these items is still as the index has it, by the sequence of its message."""
        subjects = {self._subjects.item(entry.queue, entry.id): entry for entry in entries}
        found: dict[int, WorkItem] = {}
        messages = await self._reader.many(list(subjects))
        for subject, entry in subjects.items():
            message = messages.get(subject)
            if message is None or message.sequence < entry.at:
                message = await self._reader.latest(subject)
            if message is None:
                self._known.vanished(entry)
            if message is None or not isinstance(message.head, ItemHead) or message.sequence != entry.at:
                continue
            body = await self._reader.body(message)
            if body is not None:
                found[entry.at] = item_of((entry.queue, entry.id), message, body)
        return found

    async def row(self, table: str, key: str) -> Row | None:
        while True:
            message = await self._reader.latest(self._subjects.row(table, key))
            self._known.met_row((table, key), message)
            if message is None or not isinstance(message.head, RowHead):
                return None
            value = await self._reader.body(message)
            if value is not None:
                return row_of(key, message, value)

    async def rows(self, table: str, prefix: str) -> Sequence[Row]:
        found: list[Row] = []
        for message in await self._reader.all(self._subjects.rows(table, prefix)):
            _, key = self._subjects.row_of(message.subject)
            if not key.startswith(prefix) or not isinstance(message.head, RowHead):
                continue
            value = await self._reader.body(message)
            if value is None:
                row = await self.row(table, key)
                found += [row] if row is not None else []
            else:
                self._known.met_row((table, key), message)
                found.append(row_of(key, message, value))
        return sorted(found, key=lambda row: row.key)

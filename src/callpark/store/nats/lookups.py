"""Items and rows, whole, as they are in the stream now, the journals of all nodes included. Called by the store and by
whoever takes items."""

import heapq
from collections.abc import Sequence
from itertools import islice, takewhile

from callpark.store.nats.barrier import Barrier
from callpark.store.nats.connection import Connection
from callpark.store.nats.index import Entry
from callpark.store.nats.journal import ItemKey, replay
from callpark.store.nats.knowledge import Knowledge, item_of, row_of
from callpark.store.nats.reader import Reader
from callpark.store.nats.records import ItemHead, Message, RowHead
from callpark.store.ports import BEFORE_ALL, Position, Row, WorkItem


class Lookups:
    """All raise Unanswered."""

    def __init__(self, connection: Connection, reader: Reader, known: Knowledge, barrier: Barrier) -> None:
        self._subjects = connection.subjects
        self._reader = reader
        self._known = known
        self._barrier = barrier

    async def item(self, queue: str, item_id: str) -> WorkItem | None:
        kept = self._known.journal.get((queue, item_id))
        if kept is not None:
            return kept.item
        found = await self._written_item(queue, item_id)
        if found is None and self._has_company():
            elsewhere = await self._elsewhere(await self._barrier.mark())
            found, _ = elsewhere.get((queue, item_id), (None, 0))
            if found is None:  # it may have left a journal meanwhile
                found = await self._written_item(queue, item_id)
        return found

    async def _written_item(self, queue: str, item_id: str) -> WorkItem | None:
        while True:
            message = await self._reader.latest(self._subjects.item(queue, item_id))
            if message is None or not isinstance(message.head, ItemHead):
                return None
            body = await self._reader.body(message)
            if body is not None:
                return item_of((queue, item_id), message, body)

    async def count(self, queue: str, ready_by: float | None) -> int:
        known, elsewhere = self._known, await self._elsewhere()
        found = [item for name, (item, _) in elsewhere.items() if name[0] == queue and known.entry(name) is None]
        if ready_by is None:
            return known.index.count(queue) + len(found)
        ready = takewhile(lambda entry: entry.ready_at <= ready_by, known.index.after(queue, BEFORE_ALL))
        return sum(1 for _ in ready) + sum(item.ready_at <= ready_by for item in found)

    async def browse(self, queue: str, after: Position, limit: int) -> list[tuple[Position, WorkItem]]:
        """As of now: nothing is missed that was committed before, by whichever node."""
        known, elsewhere = self._known, dict[ItemKey, tuple[WorkItem, int]]()
        if self._has_company():
            elsewhere = await self._elsewhere(await self._barrier.mark())
            await self._barrier.cross()
        there = [
            ((item.ready_at, sequence), item)
            for name, (item, sequence) in elsewhere.items()
            if name[0] == queue and known.entry(name) is None and (item.ready_at, sequence) > after
        ]
        entries = list(islice(known.index.after(queue, after), limit))
        contents = await self.contents(entries)
        here = [(entry.position, contents[entry]) for entry in entries if entry in contents]
        return heapq.nsmallest(limit, [*here, *there], key=lambda found: found[0])

    async def queues(self) -> list[str]:
        return sorted({*self._known.index.queues, *(queue for queue, _ in await self._elsewhere())})

    def _has_company(self) -> bool:
        """Whether other nodes live, or have left journals."""
        known = self._known
        return bool((known.membership.living() | known.openings.holders()) - {known.holder})

    async def _elsewhere(self, since: int = 0) -> dict[ItemKey, tuple[WorkItem, int]]:
        """What is in the journals of other nodes, with its place among equals; as of the sequence `since` or later."""
        own = self._known.journal.holder
        if not self._has_company():
            return {}
        journals: dict[str, list[Message]] = {}
        for message in await self._reader.all(self._subjects.journals, since):
            holder = self._subjects.journal_of(message.subject)
            if holder != own:
                journals.setdefault(holder, []).append(message)
        found = [replay(holder, messages) for holder, messages in journals.items()]
        return {name: (kept.item, kept.sequence) for journal in found for name, kept in journal}

    async def contents(self, entries: Sequence[Entry]) -> dict[Entry, WorkItem]:
        """What of these items is still as the index has it."""
        found: dict[Entry, WorkItem] = {}
        for entry in entries:
            kept = None if entry.at else self._known.journal.get((entry.queue, entry.id))
            if kept is not None:
                found[entry] = kept.item
        subjects = {self._subjects.item(entry.queue, entry.id): entry for entry in entries if entry.at}
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
                found[entry] = item_of((entry.queue, entry.id), message, body)
        return found

    async def row(self, table: str, key: str) -> Row | None:
        while True:
            message = await self._reader.latest(self._subjects.row(table, key))
            self._known.rows.meet((table, key), message)
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
                self._known.rows.meet((table, key), message)
                found.append(row_of(key, message, value))
        return sorted(found, key=lambda row: row.key)

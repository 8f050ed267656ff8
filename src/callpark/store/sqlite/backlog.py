"""The journal together with what it holds, in two halves: what is being carried over to the database, what came since.

The writer's thread appends, the database's thread carries over; an append and a turn of the journal never meet. Whoever
looks something up goes through `layers`, the latest first, before asking the database.
"""

import threading

from callpark.store.sqlite.batch import Batch
from callpark.store.sqlite.journal import Journal
from callpark.store.sqlite.pending import ItemFate, Pending


class Backlog:
    def __init__(self, journal: Journal, number: int) -> None:
        """`number` is that of the last record the database has."""
        self._journal = journal
        self._number = number
        self._lock = threading.Lock()
        self._newest = Pending()
        self._carried: Pending | None = None

    @property
    def size(self) -> int:
        """Bytes that came since the last turn."""
        return self._journal.size

    @property
    def unfinished(self) -> bool:
        """Whether the database could not be written last time."""
        return self._carried is not None

    def append(self, payload: bytes, batch: Batch) -> None:
        """Returns when the batch is durable. Raises OSError."""
        with self._lock:
            self._journal.append(self._number + 1, payload)
            self._number += 1
            self._newest.take(self._number, batch)

    def take_up(self, number: int, batch: Batch) -> None:
        """A record that was found in the journal when the store was opened."""
        self._number = number
        self._newest.take(number, batch)

    def carry(self) -> Pending | None:
        """What is to be written to the database now: what could not be written last time, else what came since; None
        when there is nothing. Raises OSError."""
        if self._carried is None and self._newest.number:
            with self._lock:
                self._journal.turn()
                self._carried, self._newest = self._newest, Pending()
        return self._carried

    def carried(self) -> None:
        """The database has it."""
        self._carried = None

    def layers(self) -> list[Pending]:
        """The latest first."""
        with self._lock:
            return [self._newest] if self._carried is None else [self._newest, self._carried]

    def fates(self, queue: str, item_id: str) -> list[ItemFate]:
        """What is known of an item, the latest first."""
        return [fate for layer in self.layers() if (fate := layer.item(queue, item_id)) is not None]

    def rows(self, table: str, prefix: str) -> list[tuple[str, tuple[bytes, int] | None]]:
        """What is known of rows, the latest last."""
        with self._lock:
            found = [layer.rows.get(table, {}) for layer in (self._carried, self._newest) if layer is not None]
            return [(key, row) for rows in found for key, row in rows.items() if key.startswith(prefix)]

    def close(self) -> None:
        self._journal.close()

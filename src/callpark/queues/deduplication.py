"""Which sends a FIFO queue has seen in the last five minutes, and what it answered. Pure.

Called by `delivery/fifo_sending.py`, which keeps each entry in the store beside its message, so that a duplicate is
known after a restart as well, and after its original was deleted.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from callpark.queues.model import DeduplicationScope


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A send and its answer."""

    at: float
    message_id: str
    sequence: int


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Seen).decode


def key(scope: DeduplicationScope, group: str, deduplication: str) -> str:
    """Equal for sends that are duplicates of each other."""
    text = f"{group}\0{deduplication}" if scope == "messageGroup" else f"\0{deduplication}"
    return hashlib.sha256(text.encode()).hexdigest()


class Memory:
    """Entries by key, oldest first."""

    __slots__ = ("_entries", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._entries: OrderedDict[str, Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, entry_key: str, now: float) -> Seen | None:
        found = self._entries.get(entry_key)
        return found if found is not None and found.at + self._seconds > now else None

    def keep(self, entry_key: str, seen: Seen) -> None:
        self._entries[entry_key] = seen
        self._entries.move_to_end(entry_key)

    def forget(self, entry_key: str, seen: Seen) -> None:
        """Take back an entry whose send failed."""
        if self._entries.get(entry_key) is seen:
            del self._entries[entry_key]

    def expire(self, now: float, limit: int) -> Iterator[str]:
        """Remove up to `limit` entries that are too old, and say which."""
        for _ in range(limit):
            entry_key = next(iter(self._entries), None)
            if entry_key is None or self._entries[entry_key].at + self._seconds > now:
                return
            del self._entries[entry_key]
            yield entry_key

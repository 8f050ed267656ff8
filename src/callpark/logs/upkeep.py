"""Which lines go: those beyond the bounds, and those that retention has let go. Changes journals, returns what to
write.

Called by `service.py` with nothing else writing.
"""

from collections.abc import Iterable, Sequence

from callpark.kernel.limits import LogsLimits
from callpark.logs.journal import Journal
from callpark.store.ports import Change, DeleteRow

GROUPS, INDEX, CHUNKS = "logs/groups", "logs/index", "logs/chunks"
DAY_MILLISECONDS = 86_400_000


def row_key(group: str, number: int) -> str:
    """The key of a chunk, in INDEX and in CHUNKS."""
    return f"{group}:{number:012x}"


def deletions(group: str, numbers: Iterable[int]) -> list[Change]:
    return [DeleteRow(table, row_key(group, number)) for number in numbers for table in (INDEX, CHUNKS)]


def trim(written: Sequence[Journal], every: Sequence[Journal], limits: LogsLimits) -> tuple[list[Change], set[str]]:
    """Drop the oldest chunks of the groups just written that are too large, then the oldest of all; returns the names
    of the groups that lost some."""
    changes: list[Change] = []
    lost: set[str] = set()

    def drop(journal: Journal) -> int:
        oldest = journal.closed.pop(0)
        changes.extend(deletions(journal.name, [oldest.number]))
        lost.add(journal.name)
        return oldest.bytes

    for journal in written:
        excess = journal.stored_bytes - limits.group_bytes
        while excess > 0 and journal.closed:
            excess -= drop(journal)
    excess = sum(info.bytes for journal in every for info in journal.closed) - limits.total_bytes
    while excess > 0:
        excess -= drop(min((journal for journal in every if journal.closed), key=lambda j: j.closed[0].last))
    return changes, lost


def expire(journals: Iterable[Journal], now: int) -> list[Change]:
    """Drop the chunks all of whose lines are older than their group keeps them. `now` in milliseconds."""
    changes: list[Change] = []
    for journal in journals:
        if journal.record.retention_days is None:
            continue
        oldest = now - journal.record.retention_days * DAY_MILLISECONDS
        gone = [info.number for info in journal.closed if info.last < oldest]
        journal.closed = [info for info in journal.closed if info.last >= oldest]
        if journal.growing and all(line.at < oldest for line in journal.growing):
            gone.append(journal.number)
            journal.growing = []
            journal.written = None
            journal.number += 1
        changes += deletions(journal.name, gone)
    return changes


def next_expiry(journals: Iterable[Journal]) -> int | None:
    """When the next chunk expires, in milliseconds; None when none ever does."""
    return min(
        (
            info.last + journal.record.retention_days * DAY_MILLISECONDS + 1
            for journal in journals
            if journal.record.retention_days is not None
            for info in (*journal.closed, *([journal.written] if journal.written else []))
        ),
        default=None,
    )

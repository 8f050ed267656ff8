"""Folds the commits that wait into one batch: which are accepted, and what they change. Pure; called by the writer's
thread, and again for the journal's records when the store is opened.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from callpark.store.ports import Change, Defer, DeleteRow, Done, Put, RevisionConflict, SetRow
from callpark.store.revisions import RowKey, revise

ItemChange: TypeAlias = Put | Defer | Done
ItemKey: TypeAlias = tuple[str, str]
"""(queue, id)"""


class Commit(msgspec.Struct, frozen=True, eq=False):
    """`done` is None for one that is read back from the journal: nobody waits for it any more."""

    changes: Sequence[Change]
    done: "asyncio.Future[None] | None" = None


class Batch(msgspec.Struct):
    """What to write, and what to tell the event loop once it is written.

    `steps` are the item changes in order, each Put with its sequence (others 0), without the Puts of items that are
    there already. `rows` have the last value and revision that each one gets, None for one that goes. `refused` are the
    commits that met another revision; nothing of them is in the batch.
    """

    next_sequence: int
    steps: list[tuple[ItemChange, int]] = msgspec.field(default_factory=list)
    rows: dict[RowKey, tuple[bytes, int] | None] = msgspec.field(default_factory=dict)
    accepted: list[Commit] = msgspec.field(default_factory=list)
    refused: list[tuple[Commit, RevisionConflict]] = msgspec.field(default_factory=list)

    @property
    def removes(self) -> bool:
        return any(isinstance(change, Done) for change, _ in self.steps)


_BINARY = (bytes, bytearray, memoryview)

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Change]).decode
"""The changes of a batch's accepted commits, as they stand in the journal."""


def row_keys(commits: Sequence[Commit]) -> Iterator[RowKey]:
    """The rows whose revisions `fold` needs to know."""
    for commit in commits:
        for change in commit.changes:
            if isinstance(change, SetRow):
                yield change.table, change.key


def fold(
    commits: Sequence[Commit], revisions: dict[RowKey, int], present: dict[ItemKey, bool], next_sequence: int
) -> Batch:
    """`revisions` says what the rows of `row_keys` have now, those that exist; `present` whether an item is there, of
    those that are put and may be. Both are brought up to date on the way."""
    batch = Batch(next_sequence)
    for commit in commits:
        try:
            revised = revise(commit.changes, lambda row: revisions.get(row, 0))
        except RevisionConflict as conflict:
            batch.refused.append((commit, conflict))
            continue
        revisions.update(revised)
        batch.accepted.append(commit)
        for change in commit.changes:
            _check(change)
            if isinstance(change, SetRow):
                batch.rows[change.table, change.key] = change.value, revised[change.table, change.key]
            elif isinstance(change, DeleteRow):
                batch.rows[change.table, change.key] = None
            elif not present or _changes_something(change, present):
                _add(batch, change)
    return batch


def _check(change: Change) -> None:
    """The journal would keep what the database then refuses for ever. Raises TypeError."""
    if isinstance(change, Put):
        binary = isinstance(change.item.body, _BINARY) and isinstance(change.item.state, _BINARY)
    elif isinstance(change, Defer):
        binary = isinstance(change.state, _BINARY)
    else:
        binary = not isinstance(change, SetRow) or isinstance(change.value, _BINARY)
    if not binary:
        raise TypeError(f"bodies, states and values are bytes: {change}")


def _add(batch: Batch, change: ItemChange) -> None:
    if isinstance(change, Put):
        batch.steps.append((change, batch.next_sequence))
        batch.next_sequence += 1
    else:
        batch.steps.append((change, 0))


def _changes_something(change: ItemChange, present: dict[ItemKey, bool]) -> bool:
    """False for a Put of an item that is there."""
    if isinstance(change, Defer):
        return True
    key = (change.item.queue, change.item.id) if isinstance(change, Put) else (change.queue, change.id)
    if isinstance(change, Put) and present.get(key):
        return False
    if key in present:
        present[key] = isinstance(change, Put)
    return True

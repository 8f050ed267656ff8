"""Folds the commits that wait into what one transaction has to do. Pure; called by the writer thread.

Changes of the same kind become one statement. That keeps the meaning only while no item is touched twice, so a batch is
a list of groups in each of which every item occurs once; rows are folded to the last value each one gets.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from callpark.store.ports import Change, Defer, Done, Put, RevisionConflict, SetRow
from callpark.store.revisions import RowKey, revise
from callpark.store.sqlite.statements import SqlValue


class Commit(msgspec.Struct, frozen=True, eq=False):
    changes: Sequence[Change]
    done: "asyncio.Future[None]"


ItemChange: TypeAlias = Put | Defer | Done


class Group(msgspec.Struct):
    """Changes of items, each item at most once, as the columns of the statements `put`, `defer` and `done`."""

    puts: list[SqlValue] = msgspec.field(default_factory=list)
    defers: list[SqlValue] = msgspec.field(default_factory=list)
    dones: list[SqlValue] = msgspec.field(default_factory=list)


class Batch(msgspec.Struct):
    """What to write, and what to tell the event loop once it is written.

    `steps` are the item changes in order, each Put with its sequence (others 0). `refused` are the commits that met
    another revision; nothing of them is in the batch.
    """

    next_sequence: int
    groups: list[Group] = msgspec.field(default_factory=list)
    rows: dict[RowKey, tuple[bytes, int] | None] = msgspec.field(default_factory=dict)
    steps: list[tuple[ItemChange, int]] = msgspec.field(default_factory=list)
    accepted: list[Commit] = msgspec.field(default_factory=list)
    refused: list[tuple[Commit, RevisionConflict]] = msgspec.field(default_factory=list)


def row_keys(commits: Sequence[Commit]) -> Iterator[RowKey]:
    """The rows whose revisions `fold` needs to know."""
    for commit in commits:
        for change in commit.changes:
            if isinstance(change, SetRow):
                yield change.table, change.key


def fold(commits: Sequence[Commit], revisions: dict[RowKey, int], next_sequence: int) -> Batch:
    """`revisions` says what the rows of `row_keys` have now, those that exist; it is brought up to date on the way."""
    batch = Batch(next_sequence)
    add = _item_adder(batch)
    for commit in commits:
        try:
            revised = revise(commit.changes, lambda row: revisions.get(row, 0))
        except RevisionConflict as conflict:
            batch.refused.append((commit, conflict))
            continue
        revisions.update(revised)
        batch.accepted.append(commit)
        for change in commit.changes:
            if isinstance(change, Put | Defer | Done):
                add(change)
            elif isinstance(change, SetRow):
                batch.rows[change.table, change.key] = change.value, revised[change.table, change.key]
            else:
                batch.rows[change.table, change.key] = None
    return batch


def _item_adder(batch: Batch) -> Callable[[ItemChange], None]:
    """Takes in one item change after the other, opening a new group when an item comes up again."""
    touched: set[tuple[str, str]] = set()

    def add(change: ItemChange) -> None:
        name = (change.item.queue, change.item.id) if isinstance(change, Put) else (change.queue, change.id)
        if name in touched or not batch.groups:
            touched.clear()
            batch.groups.append(Group())
        touched.add(name)
        group, sequence = batch.groups[-1], 0
        if isinstance(change, Put):
            item, sequence = change.item, batch.next_sequence
            batch.next_sequence += 1
            group.puts += sequence, *name, item.ready_at, item.state, item.body
        elif isinstance(change, Defer):
            group.defers += *name, change.ready_at, change.state
        else:
            group.dones += name
        batch.steps.append((change, sequence))

    return add

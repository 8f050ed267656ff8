"""What this node knows of the store: the places of all items that are written down, its journal, the rows it has met,
what it holds and has leased.

Filled by the follower (`bring`) and the writer (`stored`); the writer folds commits on it. What this node holds stands
in its `Queues` and nowhere else's, so leasing needs no word with anybody.
"""

import logging
from collections.abc import Callable, Iterable

import msgspec

from callpark.store.nats.connection import Unanswered, elapsed
from callpark.store.nats.folding import Fold, Step
from callpark.store.nats.index import Entry, Index
from callpark.store.nats.journal import ItemKey, Journal, Kept, decode, name_of
from callpark.store.nats.membership import Membership
from callpark.store.nats.met_rows import MetRows
from callpark.store.nats.openings import Openings
from callpark.store.nats.reader import Reader
from callpark.store.nats.records import (
    NOBODY,
    ItemHead,
    MemberHead,
    Message,
    OpeningHead,
    RecordHead,
    RowHead,
    WithdrawalHead,
)
from callpark.store.nats.subjects import Subjects
from callpark.store.nats.view import RowState
from callpark.store.ports import BEFORE_ALL, Position, Row, WorkItem
from callpark.store.queues import Queues
from callpark.store.revisions import RowKey

_log = logging.getLogger("callpark")

_UNBOUNDED = 1_000_000


class Knowledge:
    """Implements `writer.Known`. `holder` is this node's name in items; it changes when the node was put out."""

    def __init__(
        self,
        subjects: Subjects,
        reader: Reader,
        queues: Queues,
        membership: Membership,
        holder: str,
        claim_items: int,
        soon: Callable[[float], bool],
        changed: Callable[[], None],
        row_changed: Callable[[str, str], None],
    ) -> None:
        """`soon` says whether an instant is so near that what is ready then goes into the journal. `changed` is told
        when there may be something free to take or to be written down, `row_changed` of other nodes' rows."""
        self.holder = holder
        self.journal = Journal(holder)
        self.openings = Openings()
        self.uncertain = False
        """Whether the journal's end is where it was, after a batch that was given up."""
        self.outlived = False
        """Somebody else has ended the journal: this node was taken for dead and needs another name in items."""
        self.resume: Callable[[], None] = lambda: None
        """Has everything brought again."""
        self.strayed: Callable[[str], None] = lambda queue: None
        """Told of a queue of which this node has come to hold something, although it serves it no more."""
        self.index = Index()
        self.queues = queues
        self.membership = membership
        self.attended: set[str] = set()
        self.leases: set[ItemKey] = set()
        self._subjects = subjects
        self._reader = reader
        self._claim_items = claim_items
        self._soon = soon
        self._changed = changed
        self._row_changed = row_changed
        self.rows = MetRows()
        self._contents: dict[ItemKey, WorkItem] = {}
        self._names = {holder}
        self._withdrawals: dict[str, int] = {}
        self._orphans: set[str] = set()

    # -- what the writer asks

    def entry(self, name: ItemKey) -> Entry | None:
        return self.index.find(*name)

    def sequence_of(self, name: ItemKey) -> int:
        return self.index.sequence_of(*name)

    def content(self, name: ItemKey) -> WorkItem | None:
        kept = self.journal.get(name)
        return kept.item if kept is not None else self.queues.peek(*name) or self._contents.get(name)

    def row(self, name: RowKey) -> RowState:
        return self.rows.state(name)

    def lost(self, name: ItemKey) -> bool:
        if name not in self.leases:
            return False
        entry = self.index.find(*name)
        return entry is not None and entry.holder not in self._names

    def serves(self, queue: str) -> bool:
        return queue in self.attended

    def takes(self, queue: str, more: int) -> bool:
        return queue in self.attended and self.room(queue) > more

    def room(self, queue: str) -> int:
        """How many items more this node would hold ready: one of several leaves some to the others."""
        if len(self.membership.living()) < 2:
            return _UNBOUNDED
        return self._claim_items - self.queues.ready(queue, self._claim_items)

    def withdrawn_at(self, queue: str) -> int:
        return self._withdrawals.get(queue, 0)

    def leased(self, queue: str) -> frozenset[str]:
        return frozenset(item_id for name, item_id in self.leases if name == queue)

    def keeps(self, item: WorkItem) -> bool:
        return self.journal.ready and self._soon(item.ready_at)

    def kept(self, queue: str) -> list[ItemKey]:
        return [name for name, _ in self.journal if name[0] == queue]

    def journal_end(self) -> tuple[int, int]:
        return self.journal.last, self.journal.number

    async def learn_rows(self, names: Iterable[RowKey], *, again: bool) -> None:
        distinct = list(dict.fromkeys(names))
        unknown = distinct if again else self.rows.unmet(distinct)
        found = await self._reader.latest_of([self._subjects.row(*name) for name in unknown])
        for name, message in zip(unknown, found, strict=True):
            self.rows.meet(name, message)

    async def learn_items(self, names: Iterable[ItemKey]) -> None:
        asked = list(names)
        found = await self._reader.latest_of([self._subjects.item(*name) for name in asked])
        for name, message in zip(asked, found, strict=True):
            if name in self.journal and (message is None or message.head is None):
                self.index.bury(*name, message.sequence if message is not None else 0)
            elif message is None or not isinstance(message.head, ItemHead):
                before = self.index.find(*name)
                self.index.remove(*name, message.sequence if message is not None else 0)
                self._left(name, before)
            else:
                self._hear(name, message)
                body = await self._reader.body(message)
                if body is not None:
                    self._contents[name] = item_of(name, message, body)

    async def learn_journal(self) -> None:
        journal = self.journal
        if not journal.ready:
            return
        message = await self._reader.latest(self._subjects.journal(journal.holder))
        if journal is not self.journal:
            return
        at = message.sequence if message is not None else 0
        if 0 < at < journal.last:
            raise Unanswered("a server that is behind the others has answered")
        self.uncertain = False
        if at == journal.last:
            return
        if message is not None and isinstance(message.head, RecordHead):
            self._adopt(message, message.head.behind)  # of a batch that was given up
        else:
            self.outlived = True
            self._begin_journal()

    def stored(self, fold: Fold, first: int) -> None:
        if fold.record is not None:
            self.journal.apply(fold.noted, first + fold.record, elapsed(), fold.record)
        for step in fold.items:
            name = step.name
            if step.write is None:
                self._stored_in_journal(step)
                continue
            at = first + step.write
            if step.claimed and step.head is not None and name in self.leases:
                self.index.set(*name, step.head, at)  # its work goes on here; it was only held under another name
                continue
            self.leases.discard(name)
            if step.head is None or step.item is None:
                self.index.remove(*name, at)
                self.queues.done(*name)
                continue
            entry = self.index.set(*name, step.head, at)
            self.queues.done(*name)
            if entry.holder == self.holder:
                self.queues.put(step.item, entry.sequence)
                self._look_for_strays(name[0])
            else:
                self._changed()
        for row in fold.rows:
            head = row.head
            self.rows.remember(
                row.name, RowState(first + row.write, head.revision if head else 0, head.parts if head else None)
            )
        for queue, write in fold.withdrawals:
            self._withdrawals[queue] = first + write
            self._withdrawn(queue, self.holder, self.leased(queue), first + write)
        for name in fold.lost:
            self.leases.discard(name)
            _log.warning("a lease of queue %s ended before its work did: this node was silent too long", name[0])
        self._contents.clear()
        self.queues.review()

    def _stored_in_journal(self, step: Step) -> None:
        self.leases.discard(step.name)
        self.queues.done(*step.name)
        kept = self.journal.get(step.name)
        if kept is None:
            self.index.remove(*step.name, self.index.sequence_of(*step.name))
        else:
            self._keep(step.name, kept)

    def _keep(self, name: ItemKey, kept: Kept) -> None:
        self.index.set(*name, ItemHead(kept.item.ready_at, kept.sequence, self.holder, 0), 0)
        self.queues.put(kept.item, kept.sequence)
        self._look_for_strays(name[0])

    def _adopt(self, record: Message, behind: int) -> None:
        changes = decode(record.payload)
        names = {name_of(change) for change in changes}
        self.journal.apply(changes, record.sequence, elapsed(), behind)
        for name in names:
            entry, kept = self.index.find(*name), self.journal.get(name)
            if entry is not None and not entry.at:
                self._forget(name)
            if kept is not None:
                self._keep(name, kept)
        self.queues.review()

    def _forget(self, name: ItemKey) -> None:
        """An item of the journal is there no more."""
        self.index.remove(*name, self.index.sequence_of(*name))
        self.leases.discard(name)
        self.queues.done(*name)

    def _begin_journal(self) -> None:
        """What was in the one before is for somebody to write down; what is leased of it stays so, see `in_limbo`."""
        before, self.journal = self.journal, Journal(self.holder)
        for name, _ in before:
            self.index.remove(*name, self.index.sequence_of(*name))
            self.queues.done(*name)
        self.queues.review()

    def in_limbo(self, names: Iterable[ItemKey]) -> bool:
        """Whether items that this node has leased are in a former journal of its own that is not written down yet."""
        former = self.openings.holders() & self._names - {self.journal.holder}
        former |= {self.journal.holder} if self.outlived else set()
        return bool(former) and any(name in self.leases and self.index.find(*name) is None for name in names)

    def vanished(self, entry: Entry) -> None:
        """The leader has nothing of an item that this node knows of."""
        name = (entry.queue, entry.id)
        if self.index.find(*name) is entry:
            self.index.remove(*name, 0)
            self._left(name, entry)

    def given_up(self, token: str) -> None:
        self._orphans.add(token)
        self.uncertain = True
        self.resume()

    # -- what the follower brings

    def bring(self, message: Message) -> None:
        subjects = self._subjects
        if subjects.is_item(message.subject):
            name = subjects.item_of(message.subject)
            if message.token.startswith(f"{self.holder}.") and message.token not in self._orphans:
                self._hear_of_own(name, message)
            else:
                self._hear(name, message)
        elif subjects.is_member(message.subject):
            member = subjects.member_of(message.subject)
            holder = message.head.holder if isinstance(message.head, MemberHead) else None
            if self.membership.hear(member, holder, message.sequence, elapsed()):
                self.judge()
        elif subjects.is_opening(message.subject):
            opening = message.head if isinstance(message.head, OpeningHead) else None
            holder = subjects.opening_of(message.subject)
            if self.openings.hear(holder, opening, message.sequence):
                if opening is None and holder in self._names:
                    self.leases = {name for name in self.leases if self.index.find(*name) is not None}
                self.judge()
        elif isinstance(message.head, WithdrawalHead):
            queue = subjects.queue_withdrawn_from(message.subject)
            if message.subject == subjects.withdrawal(queue, self.membership.name):
                self._withdrawals[queue] = max(message.sequence, self.withdrawn_at(queue))
            self._withdrawn(queue, message.head.holder, message.head.leased, message.sequence)
        elif subjects.is_row(message.subject):
            table, key = subjects.row_of(message.subject)
            if not message.token.startswith(f"{self.holder}."):
                self.rows.forget((table, key))
                self._row_changed(table, key)

    def begin_again(self) -> bool:
        """From here on everything that there is will be brought. True when something was brought before."""
        before = bool(self.membership.living())
        self.index.begin_again()
        self.openings.begin_again()
        self.membership.begin_again()
        return before

    def end_again(self, until: int) -> None:
        """Everything up to `until` has been brought."""
        if not self.index.beginning:
            return
        for entry in self.index.end_again(until):
            self._left((entry.queue, entry.id), entry)
        self.openings.end_again(until)
        self.judge()

    def judge(self) -> None:
        """The living, or the open journals, may have changed. What a dead node held is free when its journal, which
        says what has become of it, is written down."""
        living = self.membership.living()
        if self.holder in living:
            self.index.live(living | self.openings.holders())
            self._changed()

    def orphans(self) -> list[str]:
        """The dead whose journals are open."""
        living = self.membership.living()
        return self.openings.orphans(living) if self.holder in living else []

    def journal_closed(self, holder: str, at: int | None) -> None:
        """The opening of a journal is gone; `at` is the sequence of the message that says so."""
        if self.openings.hear(holder, None, at or self.openings.at(holder) + 1):
            self.judge()

    def confirmed(self, holder: str) -> None:
        """A beat of this node is stored, so that the others know that `holder` lives."""
        if self.journal.holder == holder and not self.outlived:
            self.journal.ready = True

    def put_out(self, holder: str) -> None:
        """The others have put this node out: what it held is anybody's. It goes on under a new name."""
        self.holder = holder
        self.outlived = False
        self._names.add(holder)
        self._begin_journal()
        for entry in list(self.index.all()):
            self.queues.done(entry.queue, entry.id)
        self.queues.review()

    # -- what the store asks

    def held(self, queue: str, since: Position) -> list[Entry]:
        """What this node holds behind `since`, in order."""
        return [entry for entry in self.index.after(queue, since) if entry.holder == self.holder]

    def _withdrawn(self, queue: str, holder: str, leased: frozenset[str], at: int) -> None:
        if holder == self.holder:
            for entry in self.held(queue, BEFORE_ALL):
                if entry.at < at and entry.id not in leased:
                    self.queues.done(queue, entry.id)
        self.index.withdraw(queue, holder, leased, at)
        if queue in self.attended:
            self._changed()

    def _hear_of_own(self, name: ItemKey, message: Message) -> None:
        """The writer says what becomes of it: it has done so already, or is about to."""
        self.index.see(name)
        if self.index.sequence_of(*name) >= message.sequence:
            self.index.hear(*name, message)

    def _hear(self, name: ItemKey, message: Message) -> None:
        if message.token in self._orphans and isinstance(message.head, ItemHead):
            # A batch that was given up is stored after all: its items are nobody's until somebody takes them.
            message = msgspec.structs.replace(message, head=msgspec.structs.replace(message.head, holder=NOBODY))
            self._look_for_strays(name[0])
        before = self.index.find(*name)
        if self.index.hear(*name, message):
            self._left(name, before)
            if name[0] in self.attended:
                self._changed()

    def _look_for_strays(self, queue: str) -> None:
        if queue not in self.attended:
            self.strayed(queue)

    def _left(self, name: ItemKey, before: Entry | None) -> None:
        """Another node wrote an item: what this one has of it is no longer so."""
        if before is not None and before.holder == self.holder:
            self.journal.drop(name)
            if self.index.find(*name) is None:
                self.leases.discard(name)
            self.queues.done(*name)
            self.queues.review()


def item_of(name: ItemKey, message: Message, body: bytes) -> WorkItem:
    head = message.head
    assert isinstance(head, ItemHead)
    return WorkItem(*name, body, message.payload[: head.state_bytes], head.ready_at)


def row_of(key: str, message: Message, value: bytes) -> Row:
    head = message.head
    assert isinstance(head, RowHead)
    return Row(key, value, head.revision)

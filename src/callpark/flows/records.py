"""Ended contacts, kept for a while with their stories; and the stories of open ones.

Filled by the lane in the commit that ends a contact, so none is lost between the two. Bounded in number, size and age
(`connect.kept_contacts`, `…_bytes`, `connect.contact_retention_seconds`): the oldest go, with their stories. The
contacts are in memory too, the stories are not. Asked by `service.py`.

https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html
"""

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from callpark.flows import story
from callpark.flows.chat import transcript
from callpark.flows.contact import Contact, Memory, from_bytes, to_bytes
from callpark.flows.effects import Effect
from callpark.kernel.clock import Clock
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Entry
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_log = logging.getLogger("callpark")

TABLE = "contacts/ended"


class Kept(msgspec.Struct, frozen=True, gc=False):
    """An ended contact, and what it takes on disk with its story and its transcript, in bytes. `revision`: of its row,
    where other nodes may change it."""

    contact: Contact
    size: int
    revision: int | None = None


def as_record(contact: Contact) -> Contact:
    """What is kept of an ended contact: all but what Connect keeps out of contact records, which is what functions
    answered, what the customer keyed in and what belonged to a run of a flow."""
    memory = contact.memory
    invocations = {
        invocation.id: msgspec.structs.replace(invocation, result=None, payload=b"")
        for invocation in contact.invocations.values()
    }
    return msgspec.structs.replace(
        contact,
        memory=Memory(
            attributes=memory.attributes,
            record=memory.record,
            logging=memory.logging,
            found={name: memory.found[name] for name in ("Agent",) if name in memory.found},
        ),
        invocations=invocations,
        frames=(),
    )


class Records:
    """Oldest first."""

    def __init__(self, clock: Clock, limits: ConnectLimits, store: Store, *, shared: bool = False) -> None:
        """`shared`: by nodes that may be of another version, so what cannot be read stays where it is."""
        self._shared = shared
        self._clock = clock
        self._limits = limits
        self._store = store
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0
        self._forgotten: list[Callable[[Sequence[str]], None]] = []

    def on_forgotten(self, callback: Callable[[Sequence[str]], None]) -> None:
        """Call with the ids of contacts that are not kept any longer."""
        self._forgotten.append(callback)

    async def load(self) -> None:
        """Take up what a former process kept; what is too old or too much goes."""
        found: list[tuple[Contact, int]] = []
        for row in await self._store.scan(TABLE):
            try:
                found.append((from_bytes(row.value), len(row.value)))
            except ValueError as error:
                _log.warning("the record of contact %s was written by another version: %s", row.key, error)
                if not self._shared:
                    await self.forget(row.key)
        for contact, size in sorted(found, key=lambda pair: pair[0].ended_at):
            self._add(contact, size)
        removals = self._trim()
        if removals:
            await self._store.commit(removals)

    async def recall(self, contact_id: str) -> None:
        """Take up the record of a contact as it is kept now, whichever node wrote it."""
        row = await self._store.get(TABLE, contact_id)
        if row is None:
            self._drop(contact_id)
            return
        with contextlib.suppress(ValueError):  # of another version
            contact = from_bytes(row.value)
            known = self._kept.get(contact_id)
            self._bytes -= 0 if known is None else known.size
            self._add(contact, len(row.value), row.revision)

    async def forget(self, contact_id: str) -> None:
        """A contact cannot be read: its record and its story go."""
        rows = await self._store.scan(story.TABLE, f"{contact_id}/")
        pages = [DeleteRow(story.TABLE, row.key) for row in rows]
        said = [
            DeleteRow(transcript.TABLE, row.key) for row in await self._store.scan(transcript.TABLE, f"{contact_id}/")
        ]
        await self._store.commit([DeleteRow(TABLE, contact_id), *pages, *said])

    def page(self, contact: Contact, effects: Sequence[Effect], at: float) -> tuple[Contact, list[Change]]:
        """The next page of a contact's story: what belongs into the commit that saves the contact, and the contact with
        the page counted. A story has an end when it gets too long (`connect.story_bytes`)."""
        if contact.page_bytes >= self._limits.story_bytes:
            return contact, []
        data = story.page(effects, at)
        if data is None:
            return contact, []
        counted = msgspec.structs.replace(contact, pages=contact.pages + 1, page_bytes=contact.page_bytes + len(data))
        return counted, [SetRow(story.TABLE, story.key(contact.id, contact.pages), data)]

    def keep(self, contact: Contact) -> list[Change]:
        """What belongs into the commit that ends a contact."""
        record = as_record(contact)
        data = to_bytes(record)
        self._drop(contact.id)
        self._add(record, len(data))
        removals = self._trim()
        # One that is larger than the bound is gone already, and its story, which this commit may write, with it.
        return [SetRow(TABLE, contact.id, data), *removals]

    def replace(self, contact: Contact) -> list[Change]:
        """A contact that has ended is changed; it stays as old as it is."""
        kept = self._kept.get(contact.id)
        if kept is None:
            return []
        data = to_bytes(contact)
        size = kept.size + len(data) - len(to_bytes(kept.contact))
        self._bytes += size - kept.size
        following = None if kept.revision is None else kept.revision + 1
        self._kept[contact.id] = Kept(contact, size, following)
        return [SetRow(TABLE, contact.id, data, kept.revision)]

    def get(self, contact_id: str) -> Contact | None:
        kept = self._kept.get(contact_id)
        return None if kept is None or kept.contact.ended_at < self.oldest() else kept.contact

    def all(self) -> list[Contact]:
        oldest = self.oldest()
        return [kept.contact for kept in self._kept.values() if kept.contact.ended_at >= oldest]

    async def story(self, contact_id: str) -> list[Entry]:
        """What is on disk, of an open contact too."""
        rows = await self._store.scan(story.TABLE, f"{contact_id}/")
        return story.entries(contact_id, [row.value for row in rows])

    def oldest(self) -> float:
        """What ended before is not kept."""
        return self._clock.now() - self._limits.contact_retention_seconds

    def _trim(self) -> list[Change]:
        changes: list[Change] = []
        limits, oldest = self._limits, self.oldest()
        while self._kept and (
            len(self._kept) > limits.kept_contacts
            or self._bytes > limits.kept_contact_bytes
            or next(iter(self._kept.values())).contact.ended_at < oldest
        ):
            contact_id, kept = next(iter(self._kept.items()))
            self._drop(contact_id)
            changes.append(DeleteRow(TABLE, contact_id))
            changes += [DeleteRow(story.TABLE, story.key(contact_id, page)) for page in range(kept.contact.pages)]
            said = 0 if kept.contact.chat is None else kept.contact.chat.items
            changes += [DeleteRow(transcript.TABLE, transcript.key(contact_id, number)) for number in range(said)]
        return changes

    def _add(self, contact: Contact, size: int, revision: int | None = None) -> None:
        size += contact.page_bytes + (0 if contact.chat is None else contact.chat.item_bytes)
        self._kept[contact.id] = Kept(contact, size, revision)
        self._bytes += size

    def _drop(self, contact_id: str) -> None:
        kept = self._kept.pop(contact_id, None)
        if kept is not None:
            self._bytes -= kept.size

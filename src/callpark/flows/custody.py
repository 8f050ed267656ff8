"""Which node a contact is at: its row names the life of the node that holds it. `Alone` answers for a single node.

Among several, each save expects the row as this node wrote it last: a node that was taken for dead, and whose contact
goes on elsewhere, cannot overwrite what has happened there. Used by `service.py` and `lane.py`.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from callpark.flows.contact import Contact, from_bytes, to_bytes
from callpark.store.ports import Change, DeleteRow, RevisionConflict, Row, SetRow, Store

TABLE = "contacts"


class Custody(Protocol):
    @property
    def life(self) -> str:
        """This life of this node; "" when there is no other node."""
        ...

    def gone(self, life: str) -> bool:
        """Whether a life of a node is over for sure."""
        ...

    def holds(self, contact_id: str) -> bool:
        """Whether this node takes up a contact that nobody has any more."""
        ...


class Alone:
    """Implements `Custody`: there is no other node."""

    life = ""

    def gone(self, life: str) -> bool:
        return True

    def holds(self, contact_id: str) -> bool:
        return True


@runtime_checkable
class Movable(Protocol):
    """A phone whose people can go where the contact goes."""

    def moved(self) -> None:
        """The contact goes on at another node."""
        ...


class Rows:
    """The rows of open contacts. `written` counts how often a row was written."""

    def __init__(self, custody: Custody, store: Store) -> None:
        self._custody = custody
        self._store = store

    @property
    def life(self) -> str:
        return self._custody.life

    def kept(self, contact: Contact, written: int) -> SetRow:
        """An open contact, as it is now."""
        life = self._custody.life
        if not life:
            return SetRow(TABLE, contact.id, to_bytes(contact))
        return SetRow(TABLE, contact.id, to_bytes(_at(contact, life)), revision=written)

    def removed(self, contact: Contact, written: int) -> Sequence[Change]:
        """It is not open any more."""
        if not self._custody.life:
            return (DeleteRow(TABLE, contact.id),)
        return (self.kept(contact, written), DeleteRow(TABLE, contact.id))

    async def claim(self, row: Row, contact: Contact) -> bool:
        """Take up a contact that nobody has any more; False when it is not this node's."""
        custody = self._custody
        if not custody.life:
            return True
        if not custody.gone(contact.node) or not custody.holds(contact.id):
            return False
        try:
            await self._store.commit([self.kept(contact, row.revision)])
        except RevisionConflict:
            return False
        return True

    async def holder(self, contact_id: str) -> str | None:
        """The life of another node that has an open contact; None when there is no such contact."""
        row = await self._store.get(TABLE, contact_id)
        if row is None:
            return None
        try:
            life = from_bytes(row.value).node
        except ValueError:
            return None
        return None if life == self._custody.life else life


def _at(contact: Contact, life: str) -> Contact:
    return contact if contact.node == life else msgspec.structs.replace(contact, node=life)

"""At the node that has the floor: which node has which contact, so that what nodes say of them is believed of the one
that has it. The contacts of a node that is gone stay where they are on the floor, and their agents busy, until another
node says what has become of them, or their rows are gone.

Used by `clustered/floor.py`, which brings what the nodes say. Knows neither clocks nor sockets.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple

from callpark.flows.agents.standing import Standing
from callpark.flows.floor import Floor

_NOBODY: Final = ""


class _Holder(NamedTuple):
    life: str
    revision: int


class RollCall:
    """`is_here`: whether this node itself has a contact, of which nobody else is believed then."""

    def __init__(self, floor: Floor, is_here: Callable[[str], bool]) -> None:
        self._floor = floor
        self._is_here = is_here
        self._holders: dict[str, _Holder] = {}

    def begin(self) -> None:
        """Nothing is known yet."""
        self._holders.clear()
        self._floor.clear_out()

    def holder(self, contact_id: str) -> str:
        """The life of the node that has a contact; "" when that is not known."""
        return self._holders.get(contact_id, _Holder(_NOBODY, 0)).life

    def said(self, life: str, standing: Standing) -> None:
        """A node says how one of its contacts stands."""
        contact_id = standing.contact_id
        known = self._holders.get(contact_id)
        if self._is_here(contact_id):
            self._holders.pop(contact_id, None)
            return
        if known is not None and known.life != life:
            older = standing.revision < known.revision
            if older or (known.life != _NOBODY and standing.revision == known.revision):
                return
        if standing.desk is None:
            self._holders.pop(contact_id, None)
        else:
            self._holders[contact_id] = _Holder(life, standing.revision)
        self._floor.follow(standing)

    def said_all(self, life: str, standings: Iterable[Standing]) -> None:
        """A node says how all of its contacts stand: it does not have any others."""
        with self._floor.quiet():
            listed = set()
            for standing in standings:
                listed.add(standing.contact_id)
                self.said(life, standing)
            for contact_id, known in tuple(self._holders.items()):
                if known.life == life and contact_id not in listed:
                    self.lost(life, contact_id)

    def lost(self, life: str, contact_id: str) -> None:
        """A node does not have a contact any more."""
        known = self._holders.get(contact_id)
        if known is None or known.life != life:
            return
        if self._is_here(contact_id):
            del self._holders[contact_id]
        else:
            self._holders[contact_id] = _Holder(_NOBODY, known.revision)

    def living(self, lives: Collection[str]) -> None:
        """Whoever is not among these lives is gone."""
        for contact_id, known in tuple(self._holders.items()):
            if known.life not in lives:
                self.lost(known.life, contact_id)

    def orphans(self) -> list[str]:
        """Contacts of which no node says that it has them."""
        found = [contact_id for contact_id, known in self._holders.items() if known.life == _NOBODY]
        for contact_id in filter(self._is_here, found):
            del self._holders[contact_id]
        return [contact_id for contact_id in found if contact_id in self._holders]

    def over(self, contact_id: str) -> None:
        """A contact has no row any more."""
        known = self._holders.pop(contact_id, None)
        if known is not None and not self._is_here(contact_id):
            self._floor.leave(contact_id)

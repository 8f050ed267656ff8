"""What belongs into the commit that saves a contact: a page of its story, what its transcript gets, then the contact
itself. An open one is a row, an ended one goes to the records.

Called by `lane.py` after each turn, and by whoever ends a contact that cannot go on.
"""

from collections.abc import Sequence

from callpark.flows.chat.items import kept, written
from callpark.flows.chat.model import Item
from callpark.flows.contact import Contact
from callpark.flows.custody import Rows
from callpark.flows.effects import Effect
from callpark.flows.records import Records
from callpark.store.ports import Change


def saved(
    records: Records, rows: Rows, contact: Contact, effects: Sequence[Effect], now: float, times: int
) -> tuple[Contact, list[Change], Sequence[Item]]:
    """The contact with its story and transcript counted, what to commit, and what is new in the transcript. `times`:
    how often its row was written."""
    contact, changes = records.page(contact, effects, now)
    contact, items = written(contact, effects, now)
    if items:
        changes += kept(contact, items)
    if contact.ended is None:
        return contact, [*changes, rows.kept(contact, times)], items
    return contact, [*changes, *rows.removed(contact, times), *records.keep(contact)], items

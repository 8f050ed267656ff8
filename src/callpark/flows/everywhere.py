"""Contacts of all nodes: open at this one or another, or ended. What other nodes have is read from its rows, as it was
when they last saved it. A single node knows all there are without reading.

Made by whoever asks: `api/`, `chat/service.py`.
"""

import logging
from typing import Final
from uuid import UUID, uuid5

from callpark.flows import custody, records
from callpark.flows.calls import Wanted
from callpark.flows.contact import Contact, from_bytes
from callpark.flows.service import Flows

_log = logging.getLogger("callpark")

_NAMESPACE: Final = UUID("0d0f6d0a-52f0-4c53-8a3c-0a4b0b8e5c11")


def id_for(instance_arn: str, operation: str, client_token: str) -> str:
    """The id of the contact that a request with this token makes, at whichever node and how often it comes: that there
    is one contact of an id is the store's promise."""
    return str(uuid5(_NAMESPACE, f"{instance_arn}\n{operation}\n{client_token}"))


class Everywhere:
    def __init__(self, flows: Flows) -> None:
        self._flows = flows

    async def contact(self, contact_id: str) -> Contact | None:
        """Open at any node, or ended and kept. Raises StoreFailure."""
        flows = self._flows
        if flows.is_elsewhere(contact_id):
            row = await flows.store.get(custody.TABLE, contact_id)
            if row is not None:
                return _read(row.value)
            await flows.records.recall(contact_id)
        return flows.contact(contact_id)

    async def find(self, wanted: Wanted) -> list[Contact]:
        """Open ones and those that ended within `connect.contact_retention_seconds`, in no order. Raises
        StoreFailure."""
        flows = self._flows
        if not flows.rows.life:
            return flows.find_contacts(wanted)
        found: dict[str, Contact] = {}
        for table in (custody.TABLE, records.TABLE):
            for row in await flows.store.scan(table):
                contact = _read(row.value)
                if contact is not None:
                    found[row.key] = contact
        found |= {contact.id: contact for contact in flows.contacts()}
        oldest = flows.records.oldest()
        kept = [each for each in found.values() if each.ended is None or each.ended_at >= oldest]
        return flows.chosen(kept, wanted)


def _read(data: bytes) -> Contact | None:
    """None for what another version wrote differently."""
    try:
        return from_bytes(data)
    except ValueError as error:
        _log.debug("a contact of another version is left out: %s", error)
        return None

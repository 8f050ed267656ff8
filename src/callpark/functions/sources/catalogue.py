"""All event source mappings by UUID: in memory for reading, in the store's table for the next start.

Called by `service.py`. A project's own mappings are not stored: the project brings them again; what the API changes of
them other nodes hear by the table's neighbour. A change is seen once it is durable.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from callpark.functions.sources.model import SourceMapping
from callpark.store.amendments import NO_AMENDMENTS, Amendments
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_TABLE = "event-source-mappings"
DECLARED = "event-source-mappings/declared"
_decode = msgspec.json.Decoder(SourceMapping).decode


class Catalogue:
    def __init__(self, store: Store, amendments: Amendments = NO_AMENDMENTS) -> None:
        self._store = store
        self._amendments = amendments
        self._mappings: dict[str, SourceMapping] = {}
        self._brought: dict[str, SourceMapping] = {}

    async def load(self) -> None:
        for row in await self._store.scan(_TABLE):
            self._mappings.setdefault(row.key, _decode(row.value))

    async def refresh(self) -> list[str]:
        """Take note of what other nodes have made, changed or deleted; the UUIDs of those."""
        found = {row.key: _decode(row.value) for row in await self._store.scan(_TABLE)}
        await self._amendments.read()
        for key, brought in self._brought.items():
            if (amended := self._amended(brought)) is not None:
                found[key] = amended
        changed = [key for key, mapping in found.items() if self._mappings.get(key) != mapping]
        gone = [key for key in self._mappings if key not in found]
        self._mappings = found
        return [*changed, *gone]

    async def declare(self, mappings: Iterable[SourceMapping]) -> tuple[list[SourceMapping], list[SourceMapping]]:
        """A project's mappings take the place of those of the project before, as the API, at any node, has changed them
        since. Those that are other than before, and those that are gone."""
        await self._amendments.read()
        self._brought = {mapping.mapping_id: mapping for mapping in mappings}
        amended = {key: found for key, each in self._brought.items() if (found := self._amended(each)) is not None}
        changed = [
            mapping
            for key, mapping in amended.items()
            if (known := self._mappings.get(key)) is None
            or replace(known, last_modified=0.0) != replace(mapping, last_modified=0.0)
        ]
        gone = [each for key, each in self._mappings.items() if each.declared and key not in amended]
        self._mappings |= {mapping.mapping_id: mapping for mapping in changed}
        for mapping in gone:
            del self._mappings[mapping.mapping_id]
        return changed, gone

    def get(self, mapping_id: str) -> SourceMapping | None:
        return self._mappings.get(mapping_id)

    def __iter__(self) -> Iterator[SourceMapping]:
        """By UUID."""
        return iter([self._mappings[mapping_id] for mapping_id in sorted(self._mappings)])

    async def keep(self, mapping: SourceMapping) -> None:
        await self._change(mapping, msgspec.json.encode(mapping))
        self._mappings[mapping.mapping_id] = mapping

    async def remove(self, mapping: SourceMapping) -> None:
        await self._change(mapping, None)
        self._mappings.pop(mapping.mapping_id, None)

    async def _change(self, mapping: SourceMapping, value: bytes | None) -> None:
        key = mapping.mapping_id
        changes: Sequence[Change]
        if mapping.declared:
            changes = self._amendments.change(key, _said(self._brought[key]), value)
        else:
            changes = (DeleteRow(_TABLE, key) if value is None else SetRow(_TABLE, key, value),)
        if changes:
            await self._store.commit(changes)

    def _amended(self, brought: SourceMapping) -> SourceMapping | None:
        amendment = self._amendments.of(brought.mapping_id, _said(brought))
        if amendment is None:
            return brought
        return None if amendment.value is None else _decode(amendment.value)


def _said(brought: SourceMapping) -> bytes:
    """What a project says of a mapping, the same at all nodes."""
    return msgspec.json.encode(replace(brought, last_modified=0.0), order="sorted")

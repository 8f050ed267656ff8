"""All event source mappings by UUID: in memory for reading, in the store's table for the next start.

Called by `service.py`. A project's own mappings are not stored: the project brings them again. A change is seen once it
is durable.
"""

from collections.abc import Iterator

import msgspec

from callpark.functions.sources.model import SourceMapping
from callpark.store.ports import DeleteRow, SetRow, Store

_TABLE = "event-source-mappings"
_decode = msgspec.json.Decoder(SourceMapping).decode


class Catalogue:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._mappings: dict[str, SourceMapping] = {}

    async def load(self) -> None:
        for row in await self._store.scan(_TABLE):
            self._mappings.setdefault(row.key, _decode(row.value))

    async def refresh(self) -> list[str]:
        """Take note of what other nodes have made, changed or deleted; the UUIDs of those."""
        found = {row.key: _decode(row.value) for row in await self._store.scan(_TABLE)}
        stored = {key: mapping for key, mapping in self._mappings.items() if not mapping.declared}
        changed = [key for key, mapping in found.items() if self._mappings.get(key) != mapping]
        gone = [key for key in stored if key not in found]
        self._mappings.update((key, found[key]) for key in changed)
        for key in gone:
            del self._mappings[key]
        return [*changed, *gone]

    def get(self, mapping_id: str) -> SourceMapping | None:
        return self._mappings.get(mapping_id)

    def __iter__(self) -> Iterator[SourceMapping]:
        """By UUID."""
        return iter([self._mappings[mapping_id] for mapping_id in sorted(self._mappings)])

    async def keep(self, mapping: SourceMapping) -> None:
        if not mapping.declared:
            await self._store.commit([SetRow(_TABLE, mapping.mapping_id, msgspec.json.encode(mapping))])
        self._mappings[mapping.mapping_id] = mapping

    async def remove(self, mapping: SourceMapping) -> None:
        if not mapping.declared:
            await self._store.commit([DeleteRow(_TABLE, mapping.mapping_id)])
        self._mappings.pop(mapping.mapping_id, None)

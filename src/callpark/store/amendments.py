"""What the API changes of things that a project declares, so that all nodes of a cluster have the same.

A project's own things are in no table: each node brings them with its project. Here are rows of what was changed of
them. A row counts as long as a node's project says of the thing what it said at the node that changed it; nodes of two
versions of a project side by side differ therefore as their projects do. Used by the control planes of the slices; a
single node has `NO_AMENDMENTS`, there a change lasts until the project is loaded again.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from callpark.store.ports import Change, SetRow, Store

#: Stands in rows for the address at which each node serves its own functions and APIs.
_THIS_NODE: Final = b"callpark://this-node"


class Amendment(msgspec.Struct, frozen=True, array_like=True):
    """`value` None: it was deleted. `base` stands for what the project said."""

    base: str
    value: bytes | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Amendment).decode


class Amendments(Protocol):
    async def read(self) -> None:
        """Take note of what all nodes have changed. Raises StoreFailure."""
        ...

    def of(self, key: str, said: bytes) -> Amendment | None:
        """What was changed of a thing, of which this node's project says `said`; None when nothing was."""
        ...

    def change(self, key: str, said: bytes, value: bytes | None) -> Sequence[Change]:
        """What belongs into the commit that changes a thing, or deletes it."""
        ...


class SharedAmendments:
    """Implements `Amendments` of one table. `url` is this node's own address, which differs in what nodes declare."""

    def __init__(self, store: Store, table: str, url: str) -> None:
        self._store = store
        self._table = table
        self._url = url.encode()
        self._rows: dict[str, Amendment] = {}

    async def read(self) -> None:
        self._rows = {row.key: _decode(row.value) for row in await self._store.scan(self._table)}

    def of(self, key: str, said: bytes) -> Amendment | None:
        row = self._rows.get(key)
        if row is None or row.base != self._base(said):
            return None
        return row if row.value is None else Amendment(row.base, row.value.replace(_THIS_NODE, self._url))

    def change(self, key: str, said: bytes, value: bytes | None) -> Sequence[Change]:
        kept = None if value is None else value.replace(self._url, _THIS_NODE)
        row = self._rows[key] = Amendment(self._base(said), kept)
        return (SetRow(self._table, key, _encode(row)),)

    def _base(self, said: bytes) -> str:
        return hashlib.sha256(said.replace(self._url, _THIS_NODE)).hexdigest()[:32]


class _NoAmendments:
    async def read(self) -> None:
        pass

    def of(self, key: str, said: bytes) -> Amendment | None:
        return None

    def change(self, key: str, said: bytes, value: bytes | None) -> Sequence[Change]:
        return ()


NO_AMENDMENTS: Final[Amendments] = _NoAmendments()

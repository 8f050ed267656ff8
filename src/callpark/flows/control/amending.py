"""What the API changes of what a project declares, on several nodes: records as they were changed, at whichever node.
Pure but for the amendments it is given; used by `plane.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from callpark.flows.control.model import FlowRecord, Key, Record, from_row, key_of, to_row
from callpark.flows.model import InstanceDefinition
from callpark.store.amendments import Amendments
from callpark.store.ports import Change

TABLE: Final = "connect/declared"
_FUNCTIONS: Final = "functions"


class Declarations:
    """What the project has brought."""

    def __init__(self, amendments: Amendments) -> None:
        self._amendments = amendments
        self._definition = InstanceDefinition(arn="")
        self._brought: dict[Key, Record] = {}

    async def read(self) -> None:
        """Take note of what all nodes have changed. Raises StoreFailure."""
        await self._amendments.read()

    def bringing(self, definition: InstanceDefinition, records: Iterable[Record]) -> "Declarations":
        """The same for another project."""
        following = Declarations(self._amendments)
        following._definition = definition
        following._brought = {key_of(record): record for record in records}
        return following

    def records(self) -> list[Record]:
        """As they are now: changed, or deleted. What another version wrote differently is as the project has it."""
        return [found for record in self._brought.values() if (found := self._amended(record)) is not None]

    def definition(self) -> InstanceDefinition:
        amendment = self._amendments.of(_FUNCTIONS, self._said_functions())
        if amendment is None or amendment.value is None:
            return self._definition
        return replace(self._definition, function_arns=msgspec.json.decode(amendment.value, type=tuple[str, ...]))

    def change(self, record: Record, *, removed: bool = False) -> Sequence[Change]:
        """What belongs into the commit that changes a declared record."""
        key = key_of(record)
        return self._amendments.change("/".join(key), _said(self._brought[key]), None if removed else to_row(record))

    def change_functions(self, function_arns: Sequence[str]) -> Sequence[Change]:
        return self._amendments.change(_FUNCTIONS, self._said_functions(), msgspec.json.encode(function_arns))

    def _amended(self, brought: Record) -> Record | None:
        amendment = self._amendments.of("/".join(key_of(brought)), _said(brought))
        if amendment is None:
            return brought
        if amendment.value is None:
            return None
        try:
            changed = from_row(amendment.value)
        except ValueError:
            return brought
        if isinstance(changed, FlowRecord) and isinstance(brought, FlowRecord):
            return msgspec.structs.replace(changed, source=brought.source)
        return changed

    def _said_functions(self) -> bytes:
        return msgspec.json.encode(self._definition.function_arns)


def _said(record: Record) -> bytes:
    """What the project says of it, the same at every node: without when and from which folder it was loaded."""
    if isinstance(record, FlowRecord):
        record = msgspec.structs.replace(record, source=None)
    return to_row(msgspec.structs.replace(record, modified_at=0.0))

"""The rows that this node has met: where each stands in the stream, so that a commit can expect it as it is.

Kept by `knowledge.py`: filled by what was read, by what this node wrote; what another node writes is forgotten and read
again by who needs it.
"""

from collections import OrderedDict
from collections.abc import Iterable

from callpark.store.nats.records import Message, RowHead
from callpark.store.nats.view import RowState
from callpark.store.revisions import RowKey

_REMEMBERED = 50_000


class MetRows:
    """The latest `_REMEMBERED` of them; a row that was never met counts as not there."""

    def __init__(self) -> None:
        self._rows: OrderedDict[RowKey, RowState] = OrderedDict()

    def state(self, name: RowKey) -> RowState:
        return self._rows.get(name) or RowState()

    def unmet(self, names: Iterable[RowKey]) -> list[RowKey]:
        return [name for name in names if name not in self._rows]

    def meet(self, name: RowKey, message: Message | None) -> None:
        """A row was read; None: the stream has nothing of it."""
        at = message.sequence if message is not None else 0
        known = self._rows.get(name)
        if known is not None and message is not None and known.at > at:
            return  # it was written while it was read
        if message is not None and isinstance(message.head, RowHead):
            self.remember(name, RowState(at, message.head.revision, message.head.parts))
        else:
            self.remember(name, RowState(at))

    def remember(self, name: RowKey, state: RowState) -> None:
        self._rows[name] = state
        self._rows.move_to_end(name)
        if len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)

    def forget(self, name: RowKey) -> None:
        self._rows.pop(name, None)

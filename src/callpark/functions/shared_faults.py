"""The faults of a whole cluster: one plan in a row of the store, so that the next N deliveries are N wherever they run.

Made by `app.py` among several nodes, in the place of `fault_injection.Plan`. A delivery takes its fault by
compare-and-set; each node knows whether there are any, so that without faults nothing is asked.
"""

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from callpark.functions.faults import Fault, FaultPlan
from callpark.kernel.others import Members, Others, Questions
from callpark.store.ports import RevisionConflict, SetRow, Store, StoreFailure

_log = logging.getLogger("callpark")

_TABLE, _KEY = "faults", "plan"
_CHANGED: Final = "FaultsChanged"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FaultPlan).decode


class SharedPlan:
    """Implements `fault_injection.Faults`. It is kept until it has happened or is cleared, also over restarts."""

    def __init__(self, store: Store, others: Others) -> None:
        self.plan = FaultPlan()
        self._store = store
        self._others = others
        self._revision = 0

    def questions(self) -> Questions:
        """What other nodes tell this one."""
        return {_CHANGED: self._hear}

    async def refresh(self) -> None:
        """Read it again. Raises StoreFailure."""
        row = await self._store.get(_TABLE, _KEY)
        if row is not None and row.revision > self._revision:
            self.plan, self._revision = _decode(row.value), row.revision

    async def current(self) -> FaultPlan:
        await self.refresh()
        return self.plan

    async def take(self, function: str) -> Fault | None:
        """What happens to this delivery. A store that does not answer injects nothing."""
        try:
            while True:
                fault, rest = self.plan.taken(function)
                if fault is None or await self._write(rest):
                    return fault
        except StoreFailure as failure:
            _log.warning("whether a fault of %s is left cannot be told now: %s", function, failure)
            return None

    async def change(self, change: Callable[[FaultPlan], FaultPlan]) -> FaultPlan:
        """All nodes that answer know it on return. Raises StoreFailure."""
        await self.refresh()
        while not await self._write(changed := change(self.plan)):
            pass
        await self._others.ask(_CHANGED, {})
        return changed

    async def _write(self, plan: FaultPlan) -> bool:
        """Whether nobody else was faster; if so, theirs is known now."""
        revision = self._revision
        try:
            await self._store.commit((SetRow(_TABLE, _KEY, _encode(plan), revision=revision),))
        except RevisionConflict:
            await self.refresh()
            return False
        if self._revision == revision:
            self.plan, self._revision = plan, revision + 1
        return True

    async def _hear(self, members: Members) -> Members:
        await self.refresh()
        return {}

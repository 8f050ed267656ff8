"""Agents' states on disk: one row each, written whenever one changes. Used by `service.py`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from callpark.flows.agents.model import TABLE, AgentState, from_row, to_row
from callpark.store.ports import Change, SetRow, Store

_log = logging.getLogger("callpark")


class AgentStates:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._saving: asyncio.Future[None] | None = None

    async def load(self) -> AsyncIterator[AgentState]:
        for row in await self._store.scan(TABLE):
            try:
                state = from_row(row.value)
            except ValueError as error:
                _log.warning("agent %s was kept by another version; they begin as declared: %s", row.key, error)
                continue
            yield state

    def keep(self, state: AgentState, also: Sequence[Change] = ()) -> None:
        """Durable a little later. After a crash in between the agent is as before, which costs no contact."""
        row = SetRow(TABLE, state.name, to_row(state))
        self._saving = asyncio.ensure_future(self._store.commit([row, *also]))
        self._saving.add_done_callback(_told)

    async def saved(self) -> None:
        """Returns when all that was kept so far is durable. Raises what the store raised."""
        if self._saving is not None:
            await asyncio.shield(self._saving)


def _told(saving: "asyncio.Future[None]") -> None:
    if not saving.cancelled() and (error := saving.exception()) is not None:
        _log.error("the state of an agent could not be saved", exc_info=error)

"""Agents' states on disk: one row each, written whenever one changes. Used by `service.py`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import msgspec

from callpark.flows.agents.model import TABLE, AgentState, Uncleared, from_row, to_row
from callpark.flows.records import Records
from callpark.kernel.clock import Clock
from callpark.store.ports import Change, SetRow, Store

_log = logging.getLogger("callpark")


class AgentStates:
    def __init__(self, clock: Clock, store: Store, records: Records) -> None:
        self._clock = clock
        self._store = store
        self._records = records
        self._saving: asyncio.Future[None] | None = None

    async def load(self) -> AsyncIterator[AgentState]:
        for row in await self._store.scan(TABLE):
            try:
                state = from_row(row.value)
            except ValueError as error:
                _log.warning("agent %s was kept by another version; they begin as declared: %s", row.key, error)
                continue
            yield state

    def keep(self, state: AgentState, done: Sequence[Uncleared]) -> None:
        """With what ended contacts say of the agent's work after them. Durable a little later: after a crash in between
        the agent is as before, which costs no contact."""
        changes: list[Change] = [SetRow(TABLE, state.name, to_row(state))]
        for contact in (self._records.get(one.contact_id) for one in done if one.how == "ended"):
            if contact is not None and contact.desk is not None and contact.desk.agent == state.name:
                desk = msgspec.structs.replace(contact.desk, worked_until=self._clock.now())
                changes += self._records.replace(msgspec.structs.replace(contact, desk=desk))
        self._saving = asyncio.ensure_future(self._store.commit(changes))
        self._saving.add_done_callback(_told)

    async def saved(self) -> None:
        """Returns when all that was kept so far is durable. Raises what the store raised."""
        if self._saving is not None:
            await asyncio.shield(self._saving)


def _told(saving: "asyncio.Future[None]") -> None:
    if not saving.cancelled() and (error := saving.exception()) is not None:
        _log.error("the state of an agent could not be saved", exc_info=error)

"""Agents' states on disk: one row each, written whenever one changes. Used by `service.py`."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence

import msgspec

from callpark.flows.agents.model import TABLE, AgentState, Uncleared, from_row, to_row
from callpark.flows.records import Records
from callpark.kernel.clock import Clock
from callpark.kernel.tasks import Tasks
from callpark.store.ports import Change, RevisionConflict, SetRow, Store, StoreFailure

_log = logging.getLogger("callpark")


class AgentStates:
    """`shared`: other nodes end contacts too."""

    def __init__(self, clock: Clock, store: Store, records: Records, *, shared: bool = False) -> None:
        self._shared = shared
        self._tasks = Tasks("after contact work")
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
        now = self._clock.now()
        for contact_id in (one.contact_id for one in done if one.how == "ended"):
            if self._shared:
                self._tasks.spawn(self._note_elsewhere(contact_id, state.name, now), contact_id)
            else:
                changes += self._worked(contact_id, state.name, now)
        self._saving = asyncio.ensure_future(self._store.commit(changes))
        self._saving.add_done_callback(_told)

    def _worked(self, contact_id: str, agent: str, until: float) -> Sequence[Change]:
        contact = self._records.get(contact_id)
        if contact is None or contact.desk is None or contact.desk.agent != agent:
            return ()
        desk = msgspec.structs.replace(contact.desk, worked_until=until)
        return self._records.replace(msgspec.structs.replace(contact, desk=desk))

    async def _note_elsewhere(self, contact_id: str, agent: str, until: float) -> None:
        """In a record that any node may have written."""
        with contextlib.suppress(StoreFailure):
            await self._records.recall(contact_id)
            while changes := self._worked(contact_id, agent, until):
                try:
                    await self._store.commit(changes)
                except RevisionConflict:
                    await self._records.recall(contact_id)
                else:
                    return

    async def saved(self) -> None:
        """Returns when all that was kept so far is durable. Raises what the store raised."""
        if self._saving is not None:
            await asyncio.shield(self._saving)

    async def close(self) -> None:
        await self._tasks.aclose()


def _told(saving: "asyncio.Future[None]") -> None:
    if not saving.cancelled() and (error := saving.exception()) is not None:
        _log.error("the state of an agent could not be saved", exc_info=error)

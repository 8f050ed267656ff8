"""Keeps the journal short: what is in it for long becomes items with messages of their own, spent records are purged.

Made by the store.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from callpark.kernel.limits import StoreLimits
from callpark.store.nats.batches import batches
from callpark.store.nats.connection import Connection, Unanswered, elapsed, pause
from callpark.store.nats.folding import AnyChange, WriteDown
from callpark.store.nats.knowledge import Knowledge
from callpark.store.ports import StoreFailure

_log = logging.getLogger("callpark")

_LOOK_SECONDS = 0.5
_AT_ONCE = 150


class Settling:
    def __init__(
        self,
        connection: Connection,
        known: Knowledge,
        limits: StoreLimits,
        commit: "Callable[[Sequence[AnyChange]], asyncio.Future[None]]",
    ) -> None:
        self._connection = connection
        self._known = known
        self._limits = limits
        self._commit = commit

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await pause(_LOOK_SECONDS)
            try:
                if self._known.uncertain:
                    await self._commit([])
                await self._write_down()
                await self._purge()
            except (Unanswered, StoreFailure) as error:
                _log.debug("the journal stays as it is: %s", error)

    async def _write_down(self) -> None:
        limits = self._limits
        due = self._known.journal.due(elapsed() - limits.journal_seconds, limits.journal_bytes, limits.journal_records)
        for page in batches([1] * len(due), _AT_ONCE, len(due)):
            await self._commit([WriteDown(*name) for name in due[page]])

    async def _purge(self) -> None:
        journal = self._known.journal
        until = journal.spent()
        if until:
            await self._connection.ask(
                "STREAM.PURGE", {"filter": self._connection.subjects.journal(journal.holder), "seq": until + 1}
            )

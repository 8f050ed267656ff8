"""The door of one backend: who may go in now, who waits, who is refused.

Carries out what `scheduling.py` decides; kept by `service.py`.
"""

import asyncio

from callpark.models import refusals
from callpark.models.backends.port import Backend
from callpark.models.scheduling import Decided, Line, asked, ended


class Desk:
    """A backend and its line. `at_once` is the backend's, `longest` how many may wait."""

    def __init__(self, backend: Backend, longest: int) -> None:
        self.backend = backend
        self._line = Line(backend.at_once, longest)
        self._tickets = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def enter(self, caller: str) -> int:
        """A ticket, once it is the request's turn. Raises ThrottlingException when the line is full."""
        self._tickets += 1
        ticket = self._tickets
        turn = self._waiting[ticket] = asyncio.get_running_loop().create_future()
        self._idle.clear()
        self._carry_out(asked(self._line, ticket, caller))
        try:
            await turn
        except BaseException:
            self.leave(ticket)
            raise
        return ticket

    def leave(self, ticket: int) -> None:
        """The request is over; harmless when it left before."""
        self._waiting.pop(ticket, None)
        self._carry_out(ended(self._line, ticket))

    async def idle(self) -> None:
        """Until nobody is in."""
        await self._idle.wait()

    def _carry_out(self, decided: Decided) -> None:
        self._line = decided.line
        for ticket in decided.started:
            turn = self._waiting.pop(ticket, None)
            if turn is not None and not turn.done():
                turn.set_result(None)
        if decided.refused is not None:
            turn = self._waiting.pop(decided.refused, None)
            if turn is not None and not turn.done():
                turn.set_exception(refusals.throttled())
        if not self._line.running and not self._line.waiting:
            self._idle.set()

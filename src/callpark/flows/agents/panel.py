"""An agent's contact control panel: what somebody who plays an agent can do, and what they are told.

Made by `agents/service.py`; used by `callpark agent` over a socket, and by tests as it is:

    with app.agents.sit("alice") as alice:
        offered = await alice.next(Offered)
        await alice.accept(offered.contact_id)
        await alice.say(offered.contact_id, "Good morning")

What it is told is durable (`scribe.py`). Every act returns when it is durable.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TypeVar

import msgspec

from callpark.flows.agents import orders
from callpark.flows.agents.model import AgentView
from callpark.flows.agents.notes import Note, Seated, StatusSet
from callpark.flows.agents.orders import ContactOrder, Order
from callpark.kernel.errors import ProjectError

N = TypeVar("N", bound=msgspec.Struct)


class Office(Protocol):
    """What a panel needs of `agents/service.py`."""

    def now(self) -> float: ...

    def view(self, agent: str) -> AgentView: ...

    async def set_status(self, agent: str, status: str) -> None: ...

    async def clear(self, agent: str, contact_id: str) -> bool: ...

    async def carry_out(self, agent: str, order: ContactOrder) -> None:
        """At the node that has the contact. Raises ProjectError for what cannot be done now."""
        ...


class Panel:
    """Whoever holds it plays the agent until it is closed. Notes are kept for `next`, unless a `listener` takes each as
    it comes, on the loop."""

    def __init__(self, office: Office, agent: str, listener: Callable[[Note], None] | None = None) -> None:
        self.agent = agent
        self.notes: list[Note] = []
        self._office = office
        self._listener = listener
        self._read: dict[type, int] = {}
        self._told = asyncio.Event()
        self._closing: list[Callable[[], None]] = []
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def opened(self, *closing: Callable[[], None]) -> None:
        """The agent is played from now on; `closing` ends it."""
        self._closing += closing
        self.note(Seated(self._office.view(self.agent), self._office.now()))

    def close(self) -> None:
        """Stand up: contacts stay with the agent, whoever plays them next."""
        for end in self._closing:
            end()
        self._closing.clear()
        if not self.closed.done():
            self.closed.set_result(None)

    @property
    def view(self) -> AgentView:
        return self._office.view(self.agent)

    async def next(self, kind: type[N]) -> N:
        """The next note of a kind that was not asked for yet."""
        while True:
            for place in range(self._read.get(kind, 0), len(self.notes)):
                self._read[kind] = place + 1
                note = self.notes[place]
                if isinstance(note, kind):
                    return note
            self._told.clear()
            await self._told.wait()

    # What agents do. All raise ProjectError for what cannot be done now.

    async def carry_out(self, order: Order) -> None:
        match order:
            case orders.SetStatus(status=status):
                await self.set_status(status)
            case orders.Clear(contact_id=contact_id):
                await self.clear(contact_id)
            case _:
                await self._office.carry_out(self.agent, order)

    async def set_status(self, status: str) -> None:
        await self._office.set_status(self.agent, status)
        self.note(StatusSet(status, self._office.now()))

    async def clear(self, contact_id: str) -> None:
        if not await self._office.clear(self.agent, contact_id):
            cause = f"contact {contact_id} is not to be cleared: it is open, or cleared already"
            raise ProjectError(cause, "`contacts` lists yours")

    async def accept(self, contact_id: str) -> None:
        await self.carry_out(orders.Accept(contact_id))

    async def reject(self, contact_id: str) -> None:
        await self.carry_out(orders.Reject(contact_id))

    async def hold(self, contact_id: str) -> None:
        await self.carry_out(orders.Hold(contact_id))

    async def resume(self, contact_id: str) -> None:
        await self.carry_out(orders.Resume(contact_id))

    async def say(self, contact_id: str, text: str) -> None:
        await self.carry_out(orders.Say(contact_id, text))

    async def transfer(self, contact_id: str, to: str) -> None:
        await self.carry_out(orders.Transfer(contact_id, to))

    async def hang_up(self, contact_id: str) -> None:
        await self.carry_out(orders.HangUp(contact_id))

    def note(self, note: Note) -> None:
        """Something is told."""
        if self._listener is not None:
            self._listener(note)
            return
        self.notes.append(note)
        self._told.set()

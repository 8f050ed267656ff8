"""The open contacts of this node: a lane for each, and what their lanes ask for.

Implements `exchange.Exchange` and `switchboard.Contacts`. Made by `service.py`, which lets contacts in.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from callpark.flows.agents.routing import NO_METRICS
from callpark.flows.agents.states import AgentStates
from callpark.flows.agents.switchboard import Neighbours, Switchboard
from callpark.flows.beginnings import made_by
from callpark.flows.channels.voice import DeadPhone, Phone
from callpark.flows.contact import Contact
from callpark.flows.custody import Rows
from callpark.flows.defaults import default_arn
from callpark.flows.effects import Keep, OpenContact, SetAttributes, StartFunction
from callpark.flows.events import AgentOffered, AttributesSet, Event
from callpark.flows.function_runs import FunctionRuns
from callpark.flows.instance import NOTHING, Instance, Surroundings, default_programs
from callpark.flows.lane import Lane
from callpark.flows.ledger import Ledger
from callpark.flows.ports import FunctionRunner
from callpark.flows.program import Program
from callpark.flows.records import Records
from callpark.flows.world import Unmeasured, World
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace
from callpark.store.ports import RevisionConflict, Store, StoreFailure

_log = logging.getLogger("callpark")


class OpenContacts:
    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        limits: ConnectLimits,
        place: Place,
        store: Store,
        functions: FunctionRunner,
        records: Records,
        rows: Rows,
        agent_states: AgentStates,
        neighbours: Neighbours | None,
    ) -> None:
        self.clock = clock
        self.trace = trace
        self.store = store
        self.records = records
        self.rows = rows
        self.switchboard = Switchboard(clock, limits, self, agent_states.keep, neighbours)
        self._limits = limits
        self._place = place
        self._functions = functions
        self._runs = FunctionRuns(functions, clock, trace, limits)
        self._tasks = Tasks("contacts")
        self._ledger = Ledger()
        self._lanes: dict[str, Lane] = {}
        self._warned: set[str] = set()
        self._world = self._surroundings(NOTHING)

    def __iter__(self) -> Iterator[Lane]:
        """Oldest first."""
        return iter(tuple(self._lanes.values()))

    def __contains__(self, contact_id: str) -> bool:
        return contact_id in self._lanes

    def contact(self, contact_id: str) -> Contact | None:
        """An open contact, or one that has ended and is kept."""
        lane = self._lanes.get(contact_id)
        return self.records.get(contact_id) if lane is None else lane.contact

    @property
    def instance(self) -> Instance:
        """What is served now."""
        return self._world.instance

    def serve(self, instance: Instance) -> None:
        """Contacts that begin from now on meet this instance."""
        self._world = self._surroundings(instance)
        self._ledger.serve(instance.definition.declared)
        self.switchboard.floor.serve(instance.resources)
        self._warned.clear()

    def open_lane(self, contact: Contact, program: Program, phone: Phone, written: int = 0) -> Lane:
        """`written`: how often the contact's row was written."""
        lane = Lane(self, self._world, contact, program, phone, written)
        self._lanes[contact.id] = lane
        return lane

    def enter(self, contact: Contact, program: Program, phone: Phone) -> Lane:
        """Somebody comes in from outside. Raises CallerError when there is no room."""
        self.need_room()
        lane = self.open_lane(contact, program, phone)
        lane.greet()
        return lane

    def need_room(self) -> None:
        """Raises CallerError when there is none."""
        if len(self._lanes) >= self._limits.calls:
            raise CallerError("LimitExceededException", 429, f"{self._limits.calls} contacts are open already")

    async def tell(self, contact_id: str, event: Event) -> bool:
        """Let something happen to an open contact; returns when that is durable. False when no such contact is open.
        Raises CallerError when the contact was let go of before that was done: it goes on elsewhere."""
        lane = self._lanes.get(contact_id)
        if lane is None:
            return False
        lane.post(event)
        await asyncio.wait([lane.idle])
        _check_kept(lane)
        return True

    async def end(self, contact_id: str, event: Event) -> bool:
        """The same, until the contact has ended."""
        lane = self._lanes.get(contact_id)
        if lane is None:
            return False
        lane.post(event)
        await asyncio.wait([lane.ended])
        _check_kept(lane)
        return True

    async def update_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> bool:
        """Set attributes of a contact, open or kept; returns when that is durable. False when none is known."""
        if await self.tell(contact_id, AttributesSet(attributes)):
            return True
        while (contact := self.records.get(contact_id)) is not None:
            memory = msgspec.structs.replace(contact.memory, attributes={**contact.memory.attributes, **attributes})
            try:
                await self.store.commit(self.records.replace(msgspec.structs.replace(contact, memory=memory)))
            except RevisionConflict:  # another node was faster
                await self.records.recall(contact_id)
            else:
                return True
        return False

    async def aclose(self) -> None:
        """Leave them as they are saved, and end what runs for them."""
        await self._tasks.aclose()
        for lane in self:
            lane.close()
        await self._runs.aclose()

    # `exchange.Exchange`

    def run_function(self, lane: Lane, start: StartFunction) -> None:
        self._runs.start(lane, start)

    def warn(self, message: str) -> None:
        """Once for each wording: a flow says the same with every contact."""
        if message not in self._warned:
            self._warned.add(message)
            _log.warning("%s", message)

    def forget(self, lane: Lane) -> None:
        self._lanes.pop(lane.contact.id, None)
        self.switchboard.leave(lane.contact)

    def moved(self, contact: Contact) -> None:
        self.switchboard.follow(contact)

    def measure(self, lane: Lane, unmeasured: Unmeasured, world: World) -> None:
        self._tasks.spawn(self._measure(lane, unmeasured, world), f"queues for {lane.contact.id}")

    def keep(self, effect: Keep) -> None:
        self._ledger.keep(effect)

    def set_attributes(self, effect: SetAttributes) -> None:
        lane = self._lanes.get(effect.contact_id)
        if lane is None:
            self._tasks.spawn(self._set_attributes(effect), f"attributes of {effect.contact_id}")
        else:
            lane.post(AttributesSet(effect.attributes))

    def prepare(self, creator: Contact, effect: OpenContact) -> Contact:
        return made_by(creator, effect, self._program_of(effect))

    def open(self, creator: Contact, effect: OpenContact) -> None:
        if effect.contact_id not in self._lanes:
            made = self.prepare(creator, effect)
            self.open_lane(made, self._program_of(effect), DeadPhone(), written=1).restore()

    # `switchboard.Contacts`

    def contacts(self) -> list[Contact]:
        return [lane.contact for lane in self._lanes.values()]

    def revision(self, contact_id: str) -> int:
        lane = self._lanes.get(contact_id)
        return 0 if lane is None else lane.revision

    def ring(self, contact_id: str, offer: AgentOffered) -> "asyncio.Future[None] | None":
        lane = self._lanes.get(contact_id)
        if lane is None:
            return None
        lane.post(offer)
        return lane.idle

    # Inside

    def _program_of(self, effect: OpenContact) -> Program:
        """The flow was there when the engine looked; after a reload it may be gone, and the default takes over."""
        program = None if effect.flow is None else self.instance.flow(effect.flow)
        return program or default_programs()[default_arn("Callback")]

    async def _measure(self, lane: Lane, unmeasured: Unmeasured, world: World) -> None:
        """A caller is not left waiting for a node that does not answer: the queue counts as empty then."""
        assert isinstance(world, Surroundings)
        try:
            found = await self.switchboard.measure(unmeasured.targets)
        except CallerError as error:
            self.warn(f"queues cannot be measured, they count as empty and without agents: {error.message}")
            found = NO_METRICS
        measured = {target.arn: found for target in unmeasured.targets}
        lane.resume(replace(world, measured={**world.measured, **measured}))

    async def _set_attributes(self, effect: SetAttributes) -> None:
        """Of a related contact that has ended, or is elsewhere."""
        try:
            known = await self.update_attributes(effect.contact_id, effect.attributes)
            if not known and self.rows.life:
                known = await self.switchboard.neighbours.update_attributes(effect.contact_id, effect.attributes)
            problem = "it is not known any more"
        except (CallerError, StoreFailure) as error:
            known, problem = False, str(error)
        if not known:
            self.warn(f"attributes of a related contact are dropped: {problem}")

    def _surroundings(self, instance: Instance) -> Surroundings:
        return Surroundings(
            instance,
            self._limits,
            self._place,
            self._functions,
            self.switchboard.metrics,
            self._ledger,
            self._lanes.__len__,
            self.contact,
        )


def _check_kept(lane: Lane) -> None:
    if lane.closed and lane.contact.ended is None:
        text = f"contact {lane.contact.id} goes on at another node or after a restart; try again"
        raise CallerError("InternalServiceException", 503, text, headers={"Retry-After": "1"})

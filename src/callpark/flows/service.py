"""The flows slice's face: `Flows` answers calls, feeds each contact's events to the engine and does what follows.

Each contact has a lane: events in order, one at a time, saved before the effects show. A parked contact costs its
state, its lane and its timers on the clock, never a task. Functions run as tasks and come back as events.

  an event → `engine.handle` → the contact is saved (table `contacts`) → effects: the phone hears, timers are armed,
  functions start, the trace is told → the next event
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from callpark.flows.agents.routing import NO_METRICS
from callpark.flows.agents.states import AgentStates
from callpark.flows.agents.switchboard import Neighbours, Switchboard
from callpark.flows.calls import Call, Chat, Wanted
from callpark.flows.channels.voice import DeadPhone, Phone
from callpark.flows.chat.items import kept, written
from callpark.flows.chat.model import ChatSession
from callpark.flows.contact import Contact, End, Memory, Party, Record, from_bytes
from callpark.flows.contact_record import state_of
from callpark.flows.custody import TABLE, Alone, Custody, Rows
from callpark.flows.defaults import default_arn
from callpark.flows.effects import Keep, OpenContact, SetAttributes, StartFunction
from callpark.flows.engine import new_contact
from callpark.flows.events import (
    AgentOffered,
    AttributesSet,
    Event,
    HungUp,
    Prepared,
    Started,
)
from callpark.flows.function_runs import FunctionRuns
from callpark.flows.happenings import ContactEnded
from callpark.flows.instance import NOTHING, Instance, Surroundings, build_instance, default_programs
from callpark.flows.lane import Lane
from callpark.flows.ledger import Ledger
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.flows.ports import FunctionRunner
from callpark.flows.program import Program
from callpark.flows.records import Records
from callpark.flows.turn import BEGINNING, CHAT_OVER, CONNECTION
from callpark.flows.world import Unmeasured, World
from callpark.kernel.arn import Arn, Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Entry, Trace
from callpark.store.ports import DeleteRow, RevisionConflict, Store, StoreFailure

_log = logging.getLogger("callpark")

FLOW_GONE = "callpark was restarted and the contact's flow is gone or has changed"
PHONE_GONE = "callpark was restarted and the caller's phone is gone"


class Flows:
    """Amazon Connect's contact flows. Order of life: `apply`, `start`, calls, `close`."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        trace: Trace,
        limits: ConnectLimits,
        place: Place,
        store: Store,
        functions: FunctionRunner,
        custody: Custody | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.clock = clock
        self.rows = Rows(custody or Alone(), store)
        self.trace = trace
        self.store = store
        self.records = Records(clock, limits, store, shared=bool(self.rows.life))
        self._ids = ids
        self._limits = limits
        self._place = place
        self._functions = functions
        self._runs = FunctionRuns(functions, clock, trace, limits)
        self.agent_states = AgentStates(clock, store, self.records, shared=bool(self.rows.life))
        self.switchboard = Switchboard(clock, limits, self, self.agent_states.keep, neighbours)
        self._tasks = Tasks("contacts")
        self._ledger = Ledger()
        self._lanes: dict[str, Lane] = {}
        self._reconnect: Callable[[Contact], Phone | None] = lambda contact: None
        self._world = self._surroundings(NOTHING)
        self._region = place.region
        self._warned: set[str] = set()

    @property
    def instance(self) -> Instance:
        """What is served now: numbers and flows."""
        return self._world.instance

    def contacts(self) -> Sequence[Contact]:
        """The contacts that are open, oldest first."""
        return [lane.contact for lane in self._lanes.values()]

    def find_contacts(self, wanted: Wanted) -> list[Contact]:
        """Of this node: open ones and those that ended within `connect.contact_retention_seconds`, in no order."""
        return self.chosen((*self.contacts(), *self.records.all()), wanted)

    def chosen(self, contacts: Iterable[Contact], wanted: Wanted) -> list[Contact]:
        flows = None if wanted.flow is None else self._arns_of(wanted.flow)
        return [
            contact
            for contact in contacts
            if wanted.state in (None, state_of(contact), "ended" if contact.ended is not None else "open")
            and (wanted.since is None or (contact.ended_at or self.clock.now()) >= wanted.since)
            and (flows is None or bool(flows & {contact.party.flow_arn, contact.flow_arn}))
        ]

    def contact(self, contact_id: str) -> Contact | None:
        """An open contact, or one that has ended and is kept."""
        lane = self._lanes.get(contact_id)
        return self.records.get(contact_id) if lane is None else lane.contact

    async def story(self, contact_id: str) -> list[Entry]:
        """What the trace was told about a contact, as it is on disk: across restarts, without the flow log."""
        return await self.records.story(contact_id)

    def flow_name(self, arn: str) -> str:
        """The name of a flow by its ARN; of one that is gone, its id."""
        program = self.instance.any(arn)
        return arn.rsplit("/", 1)[-1] if program is None else program.flow.name

    def apply(
        self,
        instance: InstanceDefinition,
        flows: Sequence[FlowDefinition],
        numbers: Sequence[NumberDefinition],
    ) -> tuple[str, ...]:
        """Serve this instance from now on, whole; returns warnings. Contacts in progress keep what they started with.

        Raises ProjectError for a flow that cannot run; then everything stays as it was.
        """
        served, warnings = build_instance(instance, flows, numbers, self._limits)
        self._world = self._surroundings(served)
        parsed = Arn.parse(instance.arn)
        self._region = self._place.region if parsed is None else parsed.region
        self._ledger.serve(instance.declared)
        self.switchboard.floor.serve(served.resources)
        self._warned.clear()
        return warnings

    async def start(self, reconnect: Callable[[Contact], Phone | None] = lambda contact: None) -> None:
        """Take up the contacts that were open when callpark stopped. `reconnect` finds the phone of each; a contact
        without one is hung up. Functions that were running are run again within the time they have left."""
        self._reconnect = reconnect
        await self.records.load()
        async for state in self.agent_states.load():
            self.switchboard.floor.restore(state)
        await self.take_up()

    async def take_up(self) -> None:
        """Take up the open contacts that nobody has any more, and let go of those that others have taken up."""
        before = [lane for lane in self._lanes.values() if lane.written and self.rows.life]
        with self.switchboard.floor.quiet():
            rows = {row.key: row for row in await self.store.scan(TABLE)}
            for lane in before:
                row = rows.get(lane.contact.id)
                if row is None or row.revision > lane.revision:
                    lane.lose()
            for row in rows.values():
                if row.key in self._lanes:
                    continue
                try:
                    contact = from_bytes(row.value)
                except ValueError as error:
                    if self.rows.life:
                        self.warn(f"contact {row.key} was saved by another version and is left to its nodes: {error}")
                        continue
                    _log.warning("contact %s was saved by another version and is dropped: %s", row.key, error)
                    await self.store.commit([DeleteRow(TABLE, row.key)])
                    await self.records.forget(row.key)
                    continue
                if await self.rows.claim(row, contact):
                    await self._take_up(contact, self._reconnect(contact), row.revision + 1)

    async def whereabouts(self, contact_id: str) -> str | None:
        """The life of another node that has an open contact; None when it is here, or no open contact. One that has
        ended is known here then as it is kept, whichever node changed it."""
        if contact_id in self._lanes:
            return None
        holder = await self.rows.holder(contact_id)
        if holder is None:
            await self.records.recall(contact_id)
        return holder

    def start_call(self, number_or_flow: str, phone: Phone, caller: str | None = "+441632960001") -> Call:
        """Call a number (E.164) or a flow (name, id, ARN). Raises ProjectError for what nobody answers, CallerError
        when `connect.calls` contacts are open."""
        program = self.instance.answering(number_or_flow)
        number = number_or_flow if number_or_flow in self.instance.numbers else None
        contact = new_contact(self._party(program, caller, number), program)
        lane = self._enter(contact, program, phone)
        lane.post(Started())
        return Call(contact.id, lane)

    def start_chat(
        self,
        flow: str,
        participant: Phone,
        *,
        attributes: Mapping[str, str] | None = None,
        seconds: float | None = None,
        session: ChatSession | None = None,
        party: Mapping[str, object] | None = None,
        record: Record | None = None,
    ) -> Chat:
        """Begin a chat with a flow (name, id, ARN) of at most `seconds` (25 hours unless given). The flow starts when
        the customer connects. With a `session` there is a transcript. `party`: members of its Party. Raises as
        `start_call`.

        https://docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html
        """
        program = self.instance.answering(flow)
        known: Mapping[str, object] = {"channel": "CHAT", "initiation_method": "API", **(party or {})}
        its_party = msgspec.structs.replace(self._party(program, None, None), **known)
        now, limits = its_party.started_at, self._limits
        timers = (
            (CONNECTION, now + limits.chat_connection_seconds),
            (CHAT_OVER, now + (limits.chat_seconds if seconds is None else seconds)),
        )
        initial = None if session is None else session.initial
        own = initial is not None and initial.author.role == "CUSTOMER"
        found = {"Media": {"InitialMessage": initial.content}} if own and initial is not None else {}
        memory = Memory(attributes=dict(attributes or {}), record=record or Record(), found=found)
        contact = msgspec.structs.replace(new_contact(its_party, program, memory), timers=timers, chat=session)
        lane = self._enter(contact, program, participant)
        lane.post(Prepared())
        return Chat(contact.id, lane)

    async def stop(self, contact_id: str) -> bool:
        """End an open contact (StopContact); returns when that is durable. False when no such contact is open."""
        lane = self._lanes.get(contact_id)
        if lane is None:
            return False
        lane.post(HungUp("API"))
        await asyncio.wait([lane.ended])
        self._check_kept(lane)
        return True

    async def update_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> bool:
        """Set attributes of a contact, open or kept; returns when that is durable. False when none is known."""
        lane = self._lanes.get(contact_id)
        if lane is not None:
            lane.post(AttributesSet(attributes))
            await asyncio.wait([lane.idle])
            self._check_kept(lane)
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

    async def begin(self, flow: str, party: Mapping[str, object], memory: Memory, at: float | None = None) -> str:
        """A contact that the API makes, with nobody to talk to it: durable when this returns its id. It begins at once,
        or `at` an instant. `party`: members of its Party; one whose id is taken is the one that there is. Raises
        CallerError when `connect.calls` contacts are open, ProjectError when there is no such flow."""
        self._need_room()
        program = self.instance.answering(flow)
        made = new_contact(msgspec.structs.replace(self._party(program, None, None), **party), program, memory)
        contact = msgspec.structs.replace(made, timers=((BEGINNING, made.party.started_at if at is None else at),))
        try:
            await self.store.commit([self.rows.kept(contact, 0)])
        except RevisionConflict:
            if "contact_id" not in party:
                raise
            return contact.id
        if contact.id not in self._lanes:
            self._open(contact, program, DeadPhone(), written=1).restore()
        return contact.id

    async def tell(self, contact_id: str, event: Event) -> bool:
        """Let something happen to an open contact; returns when that is durable. False when no such contact is open."""
        lane = self._lanes.get(contact_id)
        if lane is None:
            return False
        lane.post(event)
        await asyncio.wait([lane.idle])
        self._check_kept(lane)
        return True

    def is_open(self, contact_id: str) -> bool:
        """Whether a contact is open at this node."""
        return contact_id in self._lanes

    def is_elsewhere(self, contact_id: str) -> bool:
        """Whether another node may know a contact that is not known here."""
        return bool(self.rows.life) and self.contact(contact_id) is None

    async def close(self) -> None:
        """Leave open contacts as they are saved, and end what runs for them."""
        await self.switchboard.close()
        await self.agent_states.close()
        await self._tasks.aclose()
        for lane in tuple(self._lanes.values()):
            lane.close()
        await self._runs.aclose()

    # What lanes ask for

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
        """Stands before its flow until the timer `beginning`; a task is related to its maker, a callback follows it."""
        task = effect.channel == "TASK"
        program = self._program_of(effect)
        party = Party(
            contact_id=effect.contact_id,
            instance_arn=creator.party.instance_arn,
            region=creator.party.region,
            caller=effect.address,
            number=None if task else creator.party.number,
            started_at=effect.starts_at,
            channel=effect.channel,
            initiation_method=effect.initiation_method,
            language_code=creator.party.language_code,
            initial_contact_id=None if task else creator.party.initial_contact_id or creator.id,
            related_contact_id=creator.id if task else None,
            flow_arn=program.flow.arn,
        )
        memory = Memory(attributes=effect.attributes, record=effect.record, logging=creator.memory.logging)
        made = new_contact(party, program, memory)
        return msgspec.structs.replace(made, timers=((BEGINNING, effect.starts_at),))

    def open(self, creator: Contact, effect: OpenContact) -> None:
        if effect.contact_id not in self._lanes:
            made = self.prepare(creator, effect)
            self._open(made, self._program_of(effect), DeadPhone(), written=1).restore()

    def _program_of(self, effect: OpenContact) -> Program:
        """The flow was there when the engine looked; after a reload it may be gone, and the default takes over."""
        program = None if effect.flow is None else self.instance.flow(effect.flow)
        return program or default_programs()[default_arn("Callback")]

    # `switchboard.Contacts`

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

    def _party(self, program: Program, caller: str | None, number: str | None) -> Party:
        return Party(
            contact_id=self._ids.uuid(),
            instance_arn=self.instance.definition.arn,
            region=self._region,
            caller=caller,
            number=number,
            started_at=self.clock.now(),
            flow_arn=program.flow.arn,
        )

    def _enter(self, contact: Contact, program: Program, phone: Phone) -> Lane:
        """Somebody comes in from outside. Raises CallerError when there is no room."""
        self._need_room()
        lane = self._open(contact, program, phone)
        lane.greet()
        return lane

    def _check_kept(self, lane: Lane) -> None:
        """Raises CallerError when the contact was let go of before what it was told was done: it goes on elsewhere."""
        if lane.closed and lane.contact.ended is None:
            text = f"contact {lane.contact.id} goes on at another node or after a restart; try again"
            raise CallerError("InternalServiceException", 503, text, headers={"Retry-After": "1"})

    def _need_room(self) -> None:
        if len(self._lanes) >= self._limits.calls:
            raise CallerError("LimitExceededException", 429, f"{self._limits.calls} contacts are open already")

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

    def _arns_of(self, flow: str) -> frozenset[str]:
        """A flow by name, id or ARN; an ARN also when the flow is gone."""
        program = self.instance.any(self.instance.names.get(flow, flow))
        return frozenset((flow,) if program is None else (flow, program.flow.arn))

    def _open(self, contact: Contact, program: Program, phone: Phone, written: int = 0) -> Lane:
        lane = Lane(self, self._world, contact, program, phone, written)
        self._lanes[contact.id] = lane
        return lane

    def _stands(self, contact: Contact, program: Program) -> bool:
        """Whether every place that the contact stands in, or comes back to, is still there."""
        if contact.position not in program.steps:
            return False
        arns = [*(frame.flow_arn for frame in contact.frames), contact.flow_arn]
        places = [(frame.flow_arn, frame.action) for frame in contact.frames]
        if contact.wait is not None:
            places.append((arns[contact.wait.depth], contact.wait.action))
        programs = [(self.instance.any(arn), action) for arn, action in places]
        return all(found is not None and action in found.steps for found, action in programs)

    async def _take_up(self, contact: Contact, phone: Phone | None, revision: int) -> None:
        program = self.instance.any(contact.flow_arn)
        if program is None or not self._stands(contact, program):
            self.warn(f"contact {contact.id} stood in {contact.flow_arn}, which is gone or has changed; it is ended")
            now = self.clock.now()
            happening = ContactEnded(contact.id, "OTHER", FLOW_GONE)
            contact = msgspec.structs.replace(contact, ended=End("OTHER", FLOW_GONE), ended_at=now)
            contact, page = self.records.page(contact, [happening], now)
            contact, items = written(contact, [happening], now)
            said = kept(contact, items)
            gone = self.rows.removed(contact, revision)
            await self.store.commit([*page, *said, *gone, *self.records.keep(contact)])
            self.trace.emit(happening)
            return
        lane = self._open(contact, program, phone or DeadPhone(), revision)
        lane.restore()
        self.switchboard.taken_up(contact)
        if phone is None and contact.party.channel == "VOICE" and contact.party.initiation_method != "CALLBACK":
            lane.post(HungUp("OTHER", PHONE_GONE))

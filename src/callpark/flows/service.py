"""The flows slice's face: `Flows` answers calls, feeds each contact's events to the engine and does what follows.

Each contact has a lane: events in order, one at a time, saved before the effects show. A parked contact costs its
state, its lane and its timers on the clock, never a task. Functions run as tasks and come back as events.

  an event → `engine.handle` → the contact is saved (table `contacts`) → effects: the phone hears, timers are armed,
  functions start, the trace is told → the next event
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from callpark.flows.agents.states import AgentStates
from callpark.flows.agents.switchboard import Neighbours
from callpark.flows.beginnings import chat, standing_before_its_flow
from callpark.flows.calls import Call, Chat, Wanted
from callpark.flows.channels.voice import DeadPhone, Phone
from callpark.flows.chat.model import ChatSession
from callpark.flows.contact import Contact, End, Memory, Party, Record, from_bytes
from callpark.flows.contact_record import state_of
from callpark.flows.custody import TABLE, Alone, Custody, Rows
from callpark.flows.engine import new_contact
from callpark.flows.events import (
    Event,
    HungUp,
    Prepared,
    Started,
)
from callpark.flows.happenings import ContactEnded
from callpark.flows.instance import Instance, build_instance
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.flows.open_contacts import OpenContacts
from callpark.flows.ports import FunctionRunner
from callpark.flows.program import Program
from callpark.flows.records import Records
from callpark.flows.saving import saved
from callpark.kernel.arn import Arn, Place
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Entry, Trace
from callpark.store.ports import DeleteRow, RevisionConflict, Store

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
        self.agent_states = AgentStates(clock, store, self.records, shared=bool(self.rows.life))
        self._open = OpenContacts(
            clock, trace, limits, place, store, functions, self.records, self.rows, self.agent_states, neighbours
        )
        self.switchboard = self._open.switchboard
        self._ids = ids
        self._limits = limits
        self._place = place
        self._reconnect: Callable[[Contact], Phone | None] = lambda contact: None
        self._region = place.region

    @property
    def instance(self) -> Instance:
        """What is served now: numbers and flows."""
        return self._open.instance

    def contacts(self) -> Sequence[Contact]:
        """The contacts that are open, oldest first."""
        return self._open.contacts()

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
        return self._open.contact(contact_id)

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
        self._open.serve(served)
        parsed = Arn.parse(instance.arn)
        self._region = self._place.region if parsed is None else parsed.region
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
        before = [lane for lane in self._open if lane.written and self.rows.life]
        with self.switchboard.floor.quiet():
            rows = {row.key: row for row in await self.store.scan(TABLE)}
            for lane in before:
                row = rows.get(lane.contact.id)
                if row is None or row.revision > lane.revision:
                    lane.lose()
            for row in rows.values():
                if row.key in self._open:
                    continue
                try:
                    contact = from_bytes(row.value)
                except ValueError as error:
                    if self.rows.life:
                        self._open.warn(
                            f"contact {row.key} was saved by another version and is left to its nodes: {error}"
                        )
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
        if contact_id in self._open:
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
        lane = self._open.enter(contact, program, phone)
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
        contact = chat(its_party, program, self._limits, dict(attributes or {}), seconds, session, record or Record())
        lane = self._open.enter(contact, program, participant)
        lane.post(Prepared())
        return Chat(contact.id, lane)

    async def stop(self, contact_id: str) -> bool:
        """End an open contact (StopContact); returns when that is durable. False when no such contact is open."""
        return await self._open.end(contact_id, HungUp("API"))

    async def update_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> bool:
        """Set attributes of a contact, open or kept; returns when that is durable. False when none is known."""
        return await self._open.update_attributes(contact_id, attributes)

    async def begin(self, flow: str, party: Mapping[str, object], memory: Memory, at: float | None = None) -> str:
        """A contact that the API makes, with nobody to talk to it: durable when this returns its id. It begins at once,
        or `at` an instant. `party`: members of its Party; one whose id is taken is the one that there is. Raises
        CallerError when `connect.calls` contacts are open, ProjectError when there is no such flow."""
        self._open.need_room()
        program = self.instance.answering(flow)
        its_party = msgspec.structs.replace(self._party(program, None, None), **party)
        contact = standing_before_its_flow(its_party, program, memory, its_party.started_at if at is None else at)
        try:
            await self.store.commit([self.rows.kept(contact, 0)])
        except RevisionConflict:
            if "contact_id" not in party:
                raise
            return contact.id
        if contact.id not in self._open:
            self._open.open_lane(contact, program, DeadPhone(), written=1).restore()
        return contact.id

    async def tell(self, contact_id: str, event: Event) -> bool:
        """Let something happen to an open contact; returns when that is durable. False when no such contact is open."""
        return await self._open.tell(contact_id, event)

    def is_open(self, contact_id: str) -> bool:
        """Whether a contact is open at this node."""
        return contact_id in self._open

    def is_elsewhere(self, contact_id: str) -> bool:
        """Whether another node may know a contact that is not known here."""
        return bool(self.rows.life) and self.contact(contact_id) is None

    async def close(self) -> None:
        """Leave open contacts as they are saved, and end what runs for them."""
        await self.switchboard.close()
        await self.agent_states.close()
        await self._open.aclose()

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

    def _arns_of(self, flow: str) -> frozenset[str]:
        """A flow by name, id or ARN; an ARN also when the flow is gone."""
        program = self.instance.any(self.instance.names.get(flow, flow))
        return frozenset((flow,) if program is None else (flow, program.flow.arn))

    async def _take_up(self, contact: Contact, phone: Phone | None, revision: int) -> None:
        program = self.instance.going_on_in(contact)
        if program is None:
            self._open.warn(
                f"contact {contact.id} stood in {contact.flow_arn}, which is gone or has changed; it is ended"
            )
            now = self.clock.now()
            happening = ContactEnded(contact.id, "OTHER", FLOW_GONE)
            contact = msgspec.structs.replace(contact, ended=End("OTHER", FLOW_GONE), ended_at=now)
            _, changes, _ = saved(self.records, self.rows, contact, [happening], now, revision)
            await self.store.commit(changes)
            self.trace.emit(happening)
            return
        lane = self._open.open_lane(contact, program, phone or DeadPhone(), revision)
        lane.restore()
        self.switchboard.taken_up(contact)
        if phone is None and contact.party.channel == "VOICE" and contact.party.initiation_method != "CALLBACK":
            lane.post(HungUp("OTHER", PHONE_GONE))

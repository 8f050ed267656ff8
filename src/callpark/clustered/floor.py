"""Agents and queues across nodes: the floor is at the node that has the control planes, contacts are where they are.

The contact's node tells what becomes of it (`reporting.py`); the floor's node decides for whom it rings, and asks that
node to let it ring. An agent's panel is at the floor; what the agent does with a contact is done at the contact's node.
`flows/agents/switchboard.py` stands on both sides.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from callpark.cluster.forwarding import Forwarder
from callpark.cluster.members import Member
from callpark.cluster.node import Node
from callpark.cluster.peers import Peers, unavailable
from callpark.cluster.placement import FLOOR, SERVICE, Contact
from callpark.cluster.wire import Asked
from callpark.clustered.reporting import Reporting, Told
from callpark.flows.agents.notes import Left
from callpark.flows.agents.orders import ContactOrder
from callpark.flows.agents.roll_call import RollCall
from callpark.flows.agents.routing import QueueMetrics
from callpark.flows.agents.service import Agents
from callpark.flows.agents.standing import Followed, Lost, Noted, Report, standing_of
from callpark.flows.contact import Target, from_bytes
from callpark.flows.custody import TABLE
from callpark.flows.events import AgentOffered
from callpark.flows.service import Flows
from callpark.kernel.arn import Place
from callpark.kernel.clock import sleep
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.operations import Answer, Call, Operation, OperationTable
from callpark.kernel.tasks import Tasks
from callpark.store.ports import Store, StoreFailure

_log = logging.getLogger("callpark")

_LOOK_SECONDS: Final = 0.05

_FOLLOW: Final = "FollowContacts"
_MEASURE: Final = "MeasureQueues"
_OFFER: Final = "OfferContact"
_CARRY_OUT: Final = "CarryOutOrder"
_SET_ATTRIBUTES: Final = "SetContactAttributes"

_encode = msgspec.msgpack.Encoder().encode
_decode_told = msgspec.msgpack.Decoder(Told).decode
_decode_targets = msgspec.msgpack.Decoder(list[Target]).decode
_decode_metrics = msgspec.msgpack.Decoder(QueueMetrics).decode
_decode_offer = msgspec.msgpack.Decoder(AgentOffered).decode
_decode_order: Final[msgspec.msgpack.Decoder[ContactOrder]] = msgspec.msgpack.Decoder(ContactOrder)


class SharedFloor:
    """`flows.agents.switchboard.Neighbours`, and the tenant that takes up the floor and lets go of it. Order of life:
    made, `bind`, `start`, `take_up` and `let_go`, `close`."""

    def __init__(self, node: Node, peers: Peers, forwarder: Forwarder, place: Place) -> None:
        self._node = node
        self._peers = peers
        self._forwarder = forwarder
        self._place = place
        self._reporting = Reporting(node, self._tell)
        self._tasks = Tasks("the floor")
        self._operations: OperationTable = {
            (SERVICE, _FOLLOW): self._hear,
            (SERVICE, _MEASURE): self._measured,
            (SERVICE, _OFFER): self._ring,
            (SERVICE, _CARRY_OUT): self._act,
            (SERVICE, _SET_ATTRIBUTES): self._set_attributes,
        }
        self._taken = self._quiet = False
        self._tellers: dict[str, Told] = {}
        self._awaited: set[str] = set()

    def bind(self, flows: Flows, agents: Agents, store: Store) -> None:
        self._flows, self._agents, self._store = flows, agents, store
        self._floor = flows.switchboard.floor
        self._roll = RollCall(self._floor, flows.is_open)

    def operations(self) -> OperationTable:
        """For the mount of the other nodes' calls."""
        return self._operations

    def start(self) -> None:
        self._reporting.start(self._flows.switchboard.standings)

    async def close(self) -> None:
        await self._reporting.close()
        await self._tasks.aclose()

    # `cluster.node.Tenant`

    async def let_go(self) -> None:
        if not self._taken or self._node.holds(FLOOR):
            return
        self._taken = False
        await self._tasks.aclose()
        await self._flows.switchboard.give_up_offers()
        self._agents.dismiss()
        if not self._quiet:
            self._floor.hush()
        self._roll.begin()
        await self._flows.agent_states.saved()

    async def take_up(self) -> None:
        """Agents as they were kept, contacts as their rows say; nobody rings before every node has told of its own."""
        node = self._node
        if not node.holds(FLOOR):
            return
        lives = {each.id for each in (*node.view.members, *node.view.leaving)}
        if self._taken:
            self._roll.living(lives)
            self._awaited &= lives
        else:
            self._roll.begin()
            async for state in self._flows.agent_states.load():
                self._floor.restore(state)
            await self._read_rows()
            mine = await self._flows.switchboard.standings()
            self._taken = self._quiet = True
            for standing in mine:
                self._floor.follow(standing)
            self._roll.living(lives)
            self._tellers.clear()
            self._awaited = lives - {node.me.id}
            self._tasks.spawn(self._wait_for_all(), "all nodes")
            self._tasks.spawn(self._look_for_orphans(), "contacts of nodes that are gone")
        self._open()

    async def _read_rows(self) -> None:
        for row in await self._store.scan(TABLE):
            try:
                contact = from_bytes(row.value)
            except ValueError:
                continue  # of another version; whoever takes it up says so
            if contact.desk is not None:
                self._roll.said(contact.node, standing_of(contact, row.revision))

    async def _wait_for_all(self) -> None:
        """Whoever says nothing for so long is gone, or of a version that does not tell."""
        await sleep(self._node.clock, self._node.limits.silence_seconds, "what nodes tell the floor")
        self._awaited.clear()
        self._open()

    def _open(self) -> None:
        if self._quiet and not self._awaited:
            self._quiet = False
            self._floor.open()

    async def _look_for_orphans(self) -> None:
        """Contacts that ended with their node have no row any more."""
        while True:
            await sleep(self._node.clock, self._node.limits.silence_seconds, "contacts of nodes that are gone")
            try:
                for contact_id in self._roll.orphans():
                    row = await self._store.get(TABLE, contact_id)
                    if row is None and contact_id in self._roll.orphans():
                        agent = self._floor.agent_of(contact_id)
                        self._roll.over(contact_id)
                        if agent is not None:
                            left = Left(contact_id, self._node.clock.now(), "OTHER")
                            self._flows.switchboard.told(agent, left)
            except StoreFailure as failure:
                _log.warning("contacts of nodes that are gone cannot be looked for now: %s", failure)

    # `flows.agents.switchboard.Neighbours`

    @property
    def floor_is_here(self) -> bool:
        return self._taken

    async def floor(self) -> None:
        await self._until(lambda: self._taken and not self._quiet)

    async def _until(self, ready: Callable[[], bool]) -> None:
        """Raises CallerError when the floor is elsewhere, or does not come."""
        node = self._node
        until = node.clock.now() + node.limits.owner_seconds
        while not ready():
            owner = node.owner(FLOOR)
            if owner is not None and owner.id != node.me.id:
                raise unavailable(f"node {owner.name} routes contacts", node.limits)
            if node.clock.now() >= until:
                raise unavailable("this node does not route contacts now", node.limits)
            await sleep(node.clock, _LOOK_SECONDS, "the floor")

    def report(self, report: Report) -> None:
        self._reporting.add(report)

    async def offer(self, contact_id: str, offer: AgentOffered) -> None:
        teller = self._tellers.get(self._roll.holder(contact_id))
        members = {"Token": "" if teller is None else teller.token, "Offer": _encode(offer)}
        try:
            answer = await self._at_contact(contact_id, _OFFER, members)
        except CallerError as error:
            _log.warning("contact %s cannot be offered to %s now: %s", contact_id, offer.agent, error)
        else:
            if answer.get("Taken"):
                return
        # It is on its way to another node, or gone: its new node tells.
        await sleep(self._node.clock, self._node.limits.beat_seconds, "an offer")

    async def measure(self, targets: Sequence[Target]) -> QueueMetrics:
        await self._reporting.flush()
        call = self._call(_MEASURE, {"Targets": _encode(targets)})
        answer = await self._forwarder.elsewhere(FLOOR, self._measured, call)
        return _decode_metrics(_bytes(_members(answer), "Metrics"))

    async def carry_out(self, agent: str, order: ContactOrder) -> None:
        members = {"Agent": agent, "Order": _encode(order)}
        answer = await self._at_contact(order.contact_id, _CARRY_OUT, members)
        refused = answer.get("Refused")
        if isinstance(refused, list | tuple):
            raise ProjectError(str(refused[0]), str(refused[1]))

    async def update_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> bool:
        answer = await self._at_contact(contact_id, _SET_ATTRIBUTES, {"Attributes": dict(attributes)})
        return bool(answer.get("Known"))

    # What other nodes ask

    async def _tell(self, owner: Member, told: Told) -> bool:
        asked = Asked(SERVICE, _FOLLOW, {"Told": _encode(told)}, self._node.new_request_id(), {})
        answer = await self._peers.call(owner, self._node.secret, asked)
        return bool(answer.members.get("Heard"))

    async def _hear(self, call: Call) -> Mapping[str, object]:
        told = _decode_told(_bytes(call.parameters, "Told"))
        await self._until(lambda: self._taken)
        node = self._node
        if node.member(told.life) is None:
            raise unavailable(f"{told.life} is no member of the cluster", node.limits)
        before = self._tellers.get(told.life)
        if told.whole:
            standings = [report.standing for report in told.reports if isinstance(report, Followed)]
            self._roll.said_all(told.life, standings)
        elif before is None or before.token != told.token or told.number != before.number + 1:
            return {"Heard": False}
        self._tellers[told.life] = told
        for report in told.reports:
            match report:
                case Followed(standing) if not told.whole:
                    self._roll.said(told.life, standing)
                case Lost(contact_id):
                    self._roll.lost(told.life, contact_id)
                case Noted(agent, note):
                    self._flows.switchboard.told(agent, note)
        self._awaited.discard(told.life)
        self._open()
        return {"Heard": True}

    async def _measured(self, call: Call) -> Mapping[str, object]:
        await self.floor()
        return {"Metrics": _encode(self._floor.metrics(*_decode_targets(_bytes(call.parameters, "Targets"))))}

    async def _ring(self, call: Call) -> Mapping[str, object]:
        """Answered when what has become of it is known at the floor."""
        contact_id, token = str(call.parameters["ContactId"]), call.parameters.get("Token")
        if not token or token != self._reporting.token:
            return {"Taken": False}
        noted = self._flows.switchboard.ring(contact_id, _decode_offer(_bytes(call.parameters, "Offer")))
        if noted is None:
            return {"Taken": False}
        await noted
        await self._reporting.flush()
        return {"Taken": True}

    async def _act(self, call: Call) -> Mapping[str, object]:
        order = _decode_order.decode(_bytes(call.parameters, "Order"))
        try:
            await self._agents.acts.carry_out(str(call.parameters["Agent"]), order)
        except ProjectError as error:
            return {"Refused": [error.cause, error.remedy]}
        return {}

    async def _set_attributes(self, call: Call) -> Mapping[str, object]:
        given = call.parameters["Attributes"]
        assert isinstance(given, Mapping)
        attributes = {str(name): str(value) for name, value in given.items()}
        return {"Known": await self._flows.update_attributes(str(call.parameters["ContactId"]), attributes)}

    # Inside

    async def _at_contact(self, contact_id: str, name: str, members: Mapping[str, object]) -> Mapping[str, object]:
        """Done by the node that has the contact. Raises CallerError."""
        call = self._call(name, {"ContactId": contact_id, **members})
        done: Operation = self._operations[SERVICE, name]
        return _members(await self._forwarder.elsewhere(Contact(contact_id), done, call))

    def _call(self, name: str, members: Mapping[str, object]) -> Call:
        return Call(SERVICE, name, members, self._node.new_request_id(), self._place)


def _members(answer: Mapping[str, object] | Answer) -> Mapping[str, object]:
    return answer.members if isinstance(answer, Answer) else answer


def _bytes(members: Mapping[str, object], name: str) -> bytes:
    found = members[name]
    assert isinstance(found, bytes)
    return found

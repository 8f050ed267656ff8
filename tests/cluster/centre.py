"""A call centre on several nodes in virtual time: real nodes, flows and floors on one store in memory; calls between
nodes take a while, and nodes die."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

import msgspec

from callpark.cluster.forwarding import Forwarder, Receiver
from callpark.cluster.members import Member
from callpark.cluster.node import Node
from callpark.cluster.peers import Unreached, unavailable
from callpark.cluster.wire import Asked
from callpark.clustered.floor import SharedFloor
from callpark.clustered.holding import ContactsOfNode
from callpark.flows.agents.notes import Connected, Left, Note, Offered
from callpark.flows.agents.panel import Panel
from callpark.flows.agents.service import Agents
from callpark.flows.chat.service import Chats
from callpark.flows.contact import Contact, Memory
from callpark.flows.declared import Agent, Declared, ProfileQueue, Queue, RoutingProfile
from callpark.flows.service import Flows
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock, VirtualClock, sleep
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ClusterLimits, ConnectLimits
from callpark.kernel.operations import Answer
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore
from callpark.store.ports import Row, StoreFailure
from tests.cluster.simulation import Machine
from tests.flows.agents.centre import line
from tests.flows.building import INSTANCE
from tests.flows.exchange import Office

DECLARED = Declared(
    queues=(Queue(name="Support", id="support", arn="arn:support"),),
    routing_profiles=(
        RoutingProfile(name="Tasks", queues=(ProfileQueue(queue="Support"),), concurrency={"TASK": 1}),
        RoutingProfile(name="Two", queues=(ProfileQueue(queue="Support"),), concurrency={"TASK": 2}),
    ),
    agents=(
        Agent(name="alice", routing_profile="Tasks", status="offline"),
        Agent(name="bob", routing_profile="Two", status="offline"),
    ),
)
MOST: Mapping[str, int] = {"alice": 1, "bob": 2}


class Computer(Machine):
    """With the rest of a store."""

    async def scan(self, table: str, prefix: str = "") -> Sequence[Row]:
        await self._reach()
        return await self._store.scan(table, prefix)


class Lines:
    """`cluster.peers.Peers`: calls to other nodes, each way takes up to 20 ms."""

    def __init__(self, centre: "Centre", caller: "Branch") -> None:
        self._centre = centre
        self._caller = caller

    async def call(self, peer: Member, secret: str, asked: Asked) -> Answer:
        sent = msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=Asked)
        limits = self._caller.node.limits
        await self._centre.transit()
        branch = self._centre.branch(peer.id)
        while branch is not None and branch.machine.paused:
            await sleep(self._centre.clock, 0.05, "a node that is stopped")
        if branch is None or branch.dead:
            raise Unreached(peer.name)
        if not await branch.receiver._is_here(sent):
            raise Unreached(f"{peer.name} does not hold it")
        answered, _ = await branch.receiver._answer(sent, _never)
        await self._centre.transit()
        if branch.dead or self._caller.dead:
            raise unavailable(f"{peer.name} broke off", limits)
        if answered.refused is not None:
            raise CallerError(answered.refused.code, answered.refused.status, answered.refused.message)
        return Answer(answered.members or {})


async def _never() -> None:
    await asyncio.get_running_loop().create_future()


class Branch:
    """A node and what of the application contacts and agents need."""

    def __init__(self, centre: "Centre", number: int, clock: VirtualClock, store: MemoryStore) -> None:
        self.machine = machine = Computer(clock, store)
        computer: Clock = machine
        self.dead = False
        limits = ConnectLimits()
        name = f"n{number}"
        self.node = Node(machine, machine, SeededIds(number), ClusterLimits(), name=name, url=f"http://{name}")  # type: ignore[arg-type]
        lines = Lines(centre, self)
        forwarder = Forwarder(self.node, lines, self, lambda parameters: None, _nothing)  # type: ignore[arg-type]
        self.floor = SharedFloor(self.node, lines, forwarder, Place())  # type: ignore[arg-type]
        self.flows = Flows(
            computer,
            SeededIds(100 + number),
            Trace(computer),
            limits,
            Place(),
            machine,  # type: ignore[arg-type]
            Office(clock, [], {}).runner,
            ContactsOfNode(self.node),
            self.floor,
        )
        self.chats = Chats(self.flows, computer, SeededIds(200 + number), limits, machine)  # type: ignore[arg-type]
        self.agents = Agents(self.flows, self.chats)
        self.floor.bind(self.flows, self.agents, machine)  # type: ignore[arg-type]
        self.receiver = Receiver(self.node, forwarder, self.floor.operations(), Place(), 1_000_000)
        self.node.attend(self)
        self.flows.apply(dataclasses.replace(INSTANCE, declared=DECLARED), [line()], [])

    # `cluster.forwarding.Whereabouts`

    def family(self, queue: str) -> str:
        return queue

    async def contact(self, contact_id: str) -> str | None:
        return await self.flows.whereabouts(contact_id)

    # `cluster.node.Tenant`

    async def let_go(self) -> None:
        await self.floor.let_go()

    async def take_up(self) -> None:
        await self.flows.take_up()
        await self.floor.take_up()

    async def up(self) -> None:
        await self.node.start()
        self.floor.start()
        await self.flows.start(self.chats.reconnect)
        await self.node.join()

    async def later(self) -> None:
        """As `clustered/slices.py` does: a node that died is certain to be dead a little later."""
        while not self.dead:
            await sleep(self.machine, 1.0, "later")
            if not self.dead and not self.node.fenced():
                await self.flows.take_up()

    async def die(self) -> None:
        """kill -9: nothing more is said or done."""
        self.dead = self.machine.dead = True
        await self.flows.close()
        self.agents.dismiss()
        await self.floor.close()
        await self.node.close()


async def _nothing(service: str) -> None: ...


class Player:
    """Whoever plays an agent, and comes again when the floor has moved. `decide`: accept, reject or neither."""

    def __init__(self, centre: "Centre", name: str, decide: Callable[[], str]) -> None:
        self._centre = centre
        self._name = name
        self._decide = decide
        self.offered: list[str] = []

    async def play(self) -> None:
        while True:
            branch = self._centre.at_floor()
            if branch is None:
                await sleep(self._centre.clock, 0.1, "a floor")
                continue
            notes: asyncio.Queue[Note] = asyncio.Queue()
            try:
                await branch.agents.ready()
            except CallerError:
                await sleep(self._centre.clock, 0.1, "a floor")
                continue
            panel = branch.agents.sit(self._name, notes.put_nowait)
            try:
                await panel.set_status("Available")
                for one in panel.view.contacts:
                    if one.state in ("MISSED", "REJECTED", "ENDED"):
                        await panel.clear(one.contact_id)
                    elif one.state == "CONNECTED":
                        await self._hang_up(panel, one.contact_id)
                await self._serve(panel, notes)
            except (ProjectError, CallerError, StoreFailure):
                pass
            panel.close()
            await sleep(self._centre.clock, 0.1, "another floor")

    async def _serve(self, panel: Panel, notes: "asyncio.Queue[Note]") -> None:
        while not panel.closed.done():
            noting = asyncio.ensure_future(notes.get())
            try:
                await asyncio.wait((noting, panel.closed), return_when=asyncio.FIRST_COMPLETED)
                if not noting.done():
                    return
                await self._answer(panel, noting.result())
            finally:
                noting.cancel()

    async def _answer(self, panel: Panel, note: Note) -> None:
        match note:
            case Offered(contact_id=contact_id):
                self.offered.append(contact_id)
                await sleep(self._centre.clock, 0.3, "an agent")
                what = self._decide()
                if what == "accept":
                    await panel.accept(contact_id)
                elif what == "reject":
                    await panel.reject(contact_id)
            case Connected(contact_id=contact_id):
                await self._hang_up(panel, contact_id)
            case Left():
                pass
        for one in panel.view.contacts:
            if one.state in ("MISSED", "REJECTED", "ENDED"):
                await panel.clear(one.contact_id)

    async def _hang_up(self, panel: Panel, contact_id: str) -> None:
        await sleep(self._centre.clock, 1.0, "a conversation")
        await panel.hang_up(contact_id)


class Centre:
    def __init__(self, clock: VirtualClock, seed: int = 0) -> None:
        self.clock = clock
        self.store = MemoryStore(clock)
        self.branches: list[Branch] = []
        self.chance = random.Random(seed)
        self._tasks: list[asyncio.Task[None]] = []

    async def add(self) -> Branch:
        branch = Branch(self, len(self.branches) + 1, self.clock, self.store)
        self.branches.append(branch)
        branch.flows.trace.listen(lambda _: self.check())
        await self.clock.run_until(branch.up())
        self._tasks.append(asyncio.ensure_future(branch.later()))
        return branch

    def play(self, name: str, decide: Callable[[], str] = lambda: "accept") -> Player:
        player = Player(self, name, decide)
        self._tasks.append(asyncio.ensure_future(player.play()))
        return player

    async def transit(self) -> None:
        await sleep(self.clock, self.chance.uniform(0.0, 0.02), "between nodes")

    @property
    def living(self) -> list[Branch]:
        return [each for each in self.branches if not each.dead]

    def branch(self, life: str) -> Branch | None:
        return next((each for each in self.branches if each.node.me.id == life), None)

    def at_floor(self) -> Branch | None:
        return next((each for each in self.living if each.floor.floor_is_here and not each.machine.paused), None)

    async def begin(self, branch: Branch) -> str:
        return await self.clock.run_until(branch.flows.begin("line", {"channel": "TASK"}, Memory()))

    def contacts(self) -> Iterator[Contact]:
        for branch in self.living:
            yield from branch.flows.contacts()

    def check(self) -> None:
        """No agent has more contacts than they can, whatever nodes those are at."""
        load: dict[str, set[str]] = {name: set() for name in MOST}
        for contact in self.contacts():
            desk = contact.desk
            if desk is None or contact.ended is not None:
                continue
            agent = desk.offered if desk.stage == "queued" else desk.agent
            if agent is not None:
                load[agent].add(contact.id)
        over = {name: found for name, found in load.items() if len(found) > MOST[name]}
        assert not over, f"{self.clock.now()}: more contacts than an agent can have: {over}"

    async def all_over(self, ids: Sequence[str], seconds: float) -> None:
        """Until all of these have ended."""
        until = self.clock.now() + seconds
        while True:
            rows = {row.key for row in await self.store.scan("contacts/ended")}
            if rows >= set(ids):
                return
            assert self.clock.now() < until, f"not taken in time: {set(ids) - rows}"
            await self.clock.advance(0.5)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self.living:
            await each.die()
        await self.store.close()


async def centre(clock: VirtualClock, nodes: int, seed: int = 0) -> AsyncIterator[Centre]:
    made = Centre(clock, seed)
    try:
        for _ in range(nodes):
            await made.add()
        yield made
    finally:
        await made.close()

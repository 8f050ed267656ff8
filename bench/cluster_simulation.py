"""What 10 and 100 nodes would do, from what 1 to 3 cost here: pure, seeded, on a clock of its own.

A discrete-event model. Machines have cores; a process (a node's event loop, a server) does one thing at a time,
handlers run beside each other. An event: the balancer gives it to a node, whose loop accepts it and hands it to its
writer; a writer has so many batches under way; the stream's leader works a batch off, then the replicas, one of which
has to have it; then the acknowledgement waits as long as one was measured to wait on idle servers. The event runs where
it was accepted, in a process beside, and its end is written too. Nodes follow each other's messages.

Assumptions: the network costs what loopback does; the leader works on one core; what a node follows it follows evenly;
arrivals are Poisson and the balancer draws a node for each. `Run.measured` is there to be compared with: the same model
with everything on the cores of one machine, as far as others left them, and 16 clients that wait for their answers. The
rate of 3, 10 and 100 nodes is the one at which 99 of 100 acknowledgements come within 50 ms.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from bench.figures import Figure, percentile

_REACH_SECONDS = 0.05
_CLIENTS = 16
_CLIENT_SECONDS = 40e-6
#: An event is accepted with this share of what it costs its node in all.
_ACCEPTING = 0.4
_BATCH = 128
_SAMPLE = 2_000
_LIFE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """Seconds of processor time: for each message, however much is in it, and for each event."""

    message: float
    event: float

    def of(self, messages: float, events: float) -> float:
        return messages * self.message + events * self.event

    def slower(self, factor: float) -> "Part":
        return Part(self.message * factor, self.event * factor)


@dataclass(frozen=True, slots=True)
class Costs:
    """`own`: an event at its node, `followed`: at each node that follows it. `waits`: seconds that an acknowledgement
    takes on idle servers, samples."""

    own: float
    followed: Part
    handler: float
    leader: Part
    replica: Part
    waits: tuple[float, ...]

    def slower(self, factor: float) -> "Costs":
        """On processors that have only a part of their time for this."""
        return Costs(
            self.own * factor,
            self.followed.slower(factor),
            self.handler * factor,
            self.leader.slower(factor),
            self.replica.slower(factor),
            self.waits,
        )


@dataclass(frozen=True, slots=True)
class Here:
    """Everything on one machine, whose `cores` were left by others: events a second until all have run."""

    rate: float
    cores: float


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured, by how many nodes there were."""

    costs: Costs
    measured: Mapping[int, Here]


@dataclass(frozen=True, slots=True)
class Shape:
    """A cluster. `followed`: the share of all messages that a node follows; `rate`: events a second, None for clients
    that wait for their answers."""

    nodes: int
    followed: float
    rate: float | None = None
    node_cores: int = 2
    server_cores: int = 2
    in_flight: int = 1
    one_machine: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    rate: float
    p50: float
    p99: float
    node_busy: float
    handlers_busy: float
    leader_busy: float

    @property
    def limit(self) -> str:
        """What has the least to spare."""
        busy = {"loops": self.node_busy, "handlers": self.handlers_busy, "stream": self.leader_busy}
        most = max(busy, key=lambda each: busy[each])
        return most if busy[most] > 0.6 else "the wait for the servers"


class _Machine:
    def __init__(self, cores: int) -> None:
        self.free = cores
        self.ready: deque[_Process] = deque()


@dataclass(slots=True)
class _Process:
    """Does `width` things at a time on the cores of its machine."""

    world: "_World"
    machine: _Machine
    width: int = 1
    busy_seconds: float = 0.0
    running: int = 0
    jobs: deque[tuple[float, Callable[[], None]]] = field(default_factory=deque)

    def do(self, seconds: float, then: Callable[[], None]) -> None:
        self.jobs.append((seconds, then))
        self.machine.ready.append(self)
        self.world.start(self.machine)


class _World:
    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._due, (self.now + seconds, self._number, then))

    def start(self, machine: _Machine) -> None:
        """Whoever is ready and not at work, in turn."""
        for _ in range(len(machine.ready)):
            if not machine.free:
                return
            process = machine.ready.popleft()
            if process.running >= process.width:
                machine.ready.append(process)
                continue
            seconds, then = process.jobs.popleft()
            process.running += 1
            process.busy_seconds += seconds
            machine.free -= 1
            self.after(seconds, lambda p=process, t=then: self._end(p, t))  # type: ignore[misc]

    def _end(self, process: _Process, then: Callable[[], None]) -> None:
        process.running -= 1
        process.machine.free += 1
        then()
        self.start(process.machine)

    def step(self) -> bool:
        if not self._due:
            return False
        self.now, _, then = heapq.heappop(self._due)
        then()
        return True


class _Stream:
    """One stream of three servers."""

    def __init__(self, world: _World, costs: Costs, chance: random.Random, machines: list[_Machine]) -> None:
        self.leader, *self._replicas = [_Process(world, machine) for machine in machines]
        self.messages, self.events = 0, 0.0
        self._world, self._costs, self._chance = world, costs, chance

    def keep(self, events: float, then: Callable[[], None]) -> None:
        """One message with so many events in it: an acceptance is half of one, an end the other half."""
        costs, quorum = self._costs, False
        self.messages += 1
        self.events += events

        def replicate() -> None:
            for replica in self._replicas:
                replica.do(costs.replica.of(1, events), has_it)

        def has_it() -> None:
            nonlocal quorum
            if not quorum:
                quorum = True
                self._world.after(self._chance.choice(costs.waits), then)

        self.leader.do(costs.leader.of(1, events), replicate)


class _Node:
    def __init__(self, world: _World, costs: Costs, shape: Shape, stream: _Stream, machine: _Machine) -> None:
        self._world, self._costs, self._shape, self._stream = world, costs, shape, stream
        self.loop = _Process(world, machine)
        self.handlers = _Process(world, machine, width=16)
        self._waiting: deque[Callable[[], None]] = deque()
        self._under_way = 0
        self._followed = (0, 0.0)
        self._idle_since = 0.0
        self.following_seconds = 0.0

    def accept(self, acknowledge: Callable[[], None]) -> None:
        own = self._costs.own

        def acknowledged() -> None:
            acknowledge()
            self._work(own * (1 - _ACCEPTING), run)

        def run() -> None:
            self.handlers.do(self._costs.handler, lambda: self._write(lambda: None))

        self._work(own * _ACCEPTING, lambda: self._write(acknowledged))

    def _work(self, seconds: float, then: Callable[[], None]) -> None:
        """What it follows it has read while it had nothing to do, or reads now."""
        world, shape = self._world, self._shape
        messages, events = self._followed
        self._followed = self._stream.messages, self._stream.events
        new = self._stream.messages - messages, self._stream.events - events
        following = shape.followed * self._costs.followed.of(*new)
        self.following_seconds += following
        busy = self.loop.running or shape.one_machine
        owed = following if busy else max(0.0, following - max(0.0, world.now - self._idle_since))
        self._idle_since = world.now + owed + seconds
        self.loop.do(owed + seconds, then)

    def _write(self, then: Callable[[], None]) -> None:
        self._waiting.append(then)
        self._flush()

    def _flush(self) -> None:
        if not self._waiting or self._under_way >= self._shape.in_flight:
            return
        batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
        self._under_way += 1

        def kept() -> None:
            self._under_way -= 1
            for each in batch:
                each()
            self._flush()

        self._stream.keep(len(batch) / 2, kept)


def simulated(costs: Costs, shape: Shape, seed: int = 1, events: int = _SAMPLE) -> Outcome:
    """At least half a second of the cluster's life, and so many events."""
    world, chance = _World(), random.Random(seed)
    here = _Machine(shape.node_cores)
    servers = [here if shape.one_machine else _Machine(shape.server_cores) for _ in range(3)]
    stream = _Stream(world, costs, chance, servers)
    nodes = [
        _Node(world, costs, shape, stream, here if shape.one_machine else _Machine(shape.node_cores))
        for _ in range(shape.nodes)
    ]
    client = _Process(world, here if shape.one_machine else _Machine(_CLIENTS))
    latencies: list[float] = []
    last_at = 0.0

    def send(again: bool) -> None:
        sent_at = world.now

        def acknowledged() -> None:
            nonlocal last_at
            last_at = world.now
            latencies.append(world.now - sent_at)
            if again:
                client.do(_CLIENT_SECONDS, lambda: send(True))

        chance.choice(nodes).accept(acknowledged)

    if shape.rate is None:
        for _ in range(_CLIENTS):
            send(True)
        wanted = events
    else:
        rate = shape.rate
        wanted = max(events, int(rate * _LIFE_SECONDS))

        def arrive(left: int) -> None:
            send(False)
            if left:
                world.after(chance.expovariate(rate), lambda: arrive(left - 1))

        arrive(wanted - 1)
    while len(latencies) < wanted and world.step():
        pass
    seconds = max(last_at, 1e-9)
    loops = sum(node.loop.busy_seconds for node in nodes) / len(nodes) / seconds
    followed = sum(node.following_seconds for node in nodes) / len(nodes) / seconds
    own = costs.own * len(latencies) / len(nodes) / seconds
    handlers = sum(node.handlers.busy_seconds for node in nodes) / len(nodes) / seconds
    return Outcome(
        rate=len(latencies) / seconds,
        p50=percentile(latencies, 0.5),
        p99=percentile(latencies, 0.99),
        node_busy=max(loops, own + followed),
        handlers_busy=handlers / max(1, shape.node_cores - 1),
        leader_busy=stream.leader.busy_seconds / seconds,
    )


def simulated_here(costs: Costs, nodes: int, left: float) -> Outcome:
    """Everything on one machine of which so many cores are left: whole ones, slower by what is missing."""
    cores = max(1, ceil(left - 0.1))
    slower = costs.slower(max(1.0, cores / left))
    return simulated(slower, Shape(nodes, 1.0, node_cores=cores, one_machine=True))


def reached(costs: Costs, shape: Shape) -> Outcome:
    """The most events a second, within 3 % of what the machines could ever do, of which 99 in 100 are acknowledged
    within 50 ms."""
    most = min(
        1 / costs.leader.of(2 / _BATCH, 1),
        shape.nodes / costs.own,
        shape.nodes * max(1, shape.node_cores - 1) / max(1e-9, costs.handler),
    )
    low, high, best = 0.0, most, simulated(costs, replace(shape, rate=most / 32))
    for _ in range(6):
        rate = (low + high) / 2
        found = simulated(costs, replace(shape, rate=rate))
        if found.p99 < _REACH_SECONDS:
            low, best = rate, found
        else:
            high = rate
    return best


def figures(run: Run) -> list[Figure]:
    found = []
    for nodes, here in sorted(run.measured.items()):
        outcome = simulated_here(run.costs, nodes, here.cores)
        name = f"simulated, {nodes} nodes here, {here.cores:.1f} cores left: {outcome.rate / here.rate - 1:+.0%}"
        found.append(Figure(name, outcome.rate, "/s", peer="measured", peer_value=here.rate))
    for nodes in (3, 10, 100):
        for followed, said in ((1.0, "all followed"), (1 / nodes, "1/N followed")):
            outcome = reached(run.costs, Shape(nodes, followed))
            busy = f"loops {outcome.node_busy:.0%}, stream {outcome.leader_busy:.0%}, limit: {outcome.limit}"
            name = f"simulated, {nodes} nodes, {said}: {busy}"
            found.append(Figure(name, outcome.rate, "/s"))
    return found

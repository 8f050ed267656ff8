"""Which contact rings for which agent. Pure.

`next_offers` is asked whenever a contact or an agent has moved; `metrics` reads the same state. An agent takes contacts
of the queues that their routing profile names (and of their own), on channels on which they have room; a queue's delay
keeps a contact from them for so long, and so do criteria that they do not meet. Contacts come by the queue's priority
in the profile, then by their own, then by age; among agents the one who has been idle longest takes the first.

https://docs.aws.amazon.com/connect/latest/adminguide/concepts-routing-profiles-priority.html
https://docs.aws.amazon.com/connect/latest/adminguide/about-routing.html
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from callpark.flows.agents.criteria import Criteria, Skill, expiries, step_after
from callpark.flows.contact import Target

StatusType: TypeAlias = Literal["ROUTABLE", "CUSTOM", "OFFLINE"]

CHANNELS: Final = ("VOICE", "CHAT", "TASK", "EMAIL")

#: An agent's own queue comes before all others (our rule).
_OWN: Final = 0


@dataclass(frozen=True, slots=True)
class Served:
    """A queue that an agent takes contacts of, by its ARN (or name without one). `channel` None: of every channel."""

    queue: str
    priority: int = 1
    delay: float = 0.0
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many contacts of each channel at once, one unless said. `shared`: channels beside which others may ring."""

    most: Mapping[str, int] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    def room(self, channel: str, load: Mapping[str, int]) -> int:
        """How many more contacts of a channel an agent can take who has `load`."""
        if any(count and other != channel and other not in self.shared for other, count in load.items()):
            return 0
        return max(0, self.most.get(channel, 1) - load.get(channel, 0))


ONE_AT_A_TIME: Final = Concurrency()


@dataclass(frozen=True, slots=True)
class Member:
    """An agent as routing sees them. `queue`: their own. `reachable`: somebody plays them, or they accept by
    themselves. `load`: contacts by channel that they have, that ring, or that are not cleared; of these `talking` have
    a customer, `after_work` and `errors` (missed, rejected) have none any more."""

    name: str
    queue: str
    serves: tuple[Served, ...] = ()
    concurrency: Concurrency = ONE_AT_A_TIME
    status: StatusType = "ROUTABLE"
    reachable: bool = True
    played: bool = False
    load: Mapping[str, int] = field(default_factory=dict)
    talking: int = 0
    after_work: int = 0
    errors: int = 0
    idle_since: float = 0.0
    skills: Mapping[Skill, float] = field(default_factory=dict)
    slots: int = field(init=False)
    """Room on the channel on which there is most."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "slots", max(self.room(channel) for channel in CHANNELS))

    def room(self, channel: str) -> int:
        return self.concurrency.room(channel, self.load)

    def room_for(self, targets: Sequence[Target]) -> int:
        """For contacts of these queues, on the channel on which there is most."""
        if any(target.agent and target.name == self.name for target in targets):
            return self.slots
        arns = [target.arn for target in targets]
        taken = [entry.channel for entry in self.serves if entry.queue in arns]
        return self.slots if None in taken else max((self.room(channel) for channel in taken if channel), default=0)

    def serving(self, target: Target, channel: str | None = None) -> Served | None:
        """The entry by which they take contacts of a queue; of several the one of highest priority."""
        if target.agent:
            return Served(self.queue, _OWN) if target.name == self.name else None
        found = [
            entry
            for entry in self.serves
            if entry.queue == target.arn and (channel is None or entry.channel in (None, channel))
        ]
        return min(found, key=lambda entry: (entry.priority, entry.delay), default=None)

    @property
    def takes(self) -> bool:
        return self.status == "ROUTABLE" and self.reachable


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact in a queue."""

    contact_id: str
    target: Target
    since: float
    priority: int
    channel: str = "VOICE"
    criteria: Criteria = ()

    @property
    def turn(self) -> "Turn":
        """Lower comes first."""
        return (self.priority, self.since, self.contact_id)

    @property
    def line(self) -> "LineKey":
        """Whom one agent can take, that agent can take all of."""
        return (self.target, self.channel, self.criteria)


Turn: TypeAlias = tuple[int, float, str]
LineKey: TypeAlias = tuple[Target, str, Criteria]
Lines: TypeAlias = Mapping[LineKey, Sequence[tuple[Turn, Waiting]]]
"""The contacts that ring for nobody, by queue, channel and criteria, each line in the order of turns."""


def lined_up(waiting: Iterable[Waiting]) -> Lines:
    lines: dict[LineKey, list[tuple[Turn, Waiting]]] = {}
    for contact in waiting:
        lines.setdefault(contact.line, []).append((contact.turn, contact))
    for line in lines.values():
        line.sort(key=lambda item: item[0])
    return lines


@dataclass(frozen=True, slots=True)
class Offer:
    contact_id: str
    agent: str
    channel: str


def next_offers(members: Sequence[Member], lines: Lines, now: float) -> list[Offer]:
    """Which contacts ring for whom now. Equally idle agents come in their order."""
    free = _free(members)
    most = sum(member.slots for _, member in free)
    pairs = [
        (served.priority, turn, member.idle_since, order, member, contact)
        for line, order, member, served in _served(free, lines)
        # So many can be placed at most: whoever is further behind cannot be.
        for turn, contact in itertools.islice(_ready(lines[line], member, served.delay, now), most)
    ]
    pairs.sort(key=lambda pair: pair[:4])
    loads: dict[str, dict[str, int]] = {}
    offers: list[Offer] = []
    placed: set[str] = set()
    for *_, member, contact in pairs:
        load = loads.setdefault(member.name, dict(member.load))
        if contact.contact_id not in placed and member.concurrency.room(contact.channel, load):
            load[contact.channel] = load.get(contact.channel, 0) + 1
            placed.add(contact.contact_id)
            offers.append(Offer(contact.contact_id, member.name, contact.channel))
    return offers


def next_look(members: Sequence[Member], lines: Lines, now: float) -> float | None:
    """The next instant at which a queue's delay or a step of criteria is over for a contact and an agent with room."""
    instants = [
        contact.since + seconds
        for line, _, _, served in _served(_free(members), lines)
        if served.delay or line[2]
        for _, contact in lines[line]
        for seconds in (served.delay, *expiries(line[2]))
    ]
    return min((at for at in instants if at > now), default=None)


def _free(members: Sequence[Member]) -> list[tuple[int, Member]]:
    return [(order, member) for order, member in enumerate(members) if member.takes and member.slots]


def _served(free: Sequence[tuple[int, Member]], lines: Lines) -> Iterator[tuple[LineKey, int, Member, Served]]:
    """Which lines which agents can take from, by which entry of their profiles."""
    for line, waiting in lines.items():
        target, channel, _ = line
        for order, member in free if waiting else ():
            served = member.serving(target, channel)
            if served is not None and member.room(channel):
                yield line, order, member, served


def _ready(
    line: Sequence[tuple[Turn, Waiting]], member: Member, delay: float, now: float
) -> Iterable[tuple[Turn, Waiting]]:
    """Those of a line who have waited for the delay, and whose criteria the agent meets by now."""
    if not delay and not line[0][1].criteria:
        return line
    return (item for item in line if _fits(item[1], member, delay, now))


def _fits(contact: Waiting, member: Member, delay: float, now: float) -> bool:
    step = step_after(contact.criteria, now - contact.since)
    return (not delay or now >= contact.since + delay) and (step is None or step.met_by(member.skills))


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """What a queue's metrics say now. `since`: when each waiting contact entered, oldest first. Agents by state;
    `slots`: room that agents have for its contacts, `active`: contacts that they have."""

    since: tuple[float, ...] = ()
    online: int = 0
    staffed: int = 0
    available: int = 0
    busy: int = 0
    reachable: int = 0
    played: int = 0
    after_work: int = 0
    errors: int = 0
    active: int = 0
    slots: int = 0


NO_METRICS: Final = QueueMetrics()


def metrics(members: Sequence[Member], targets: Sequence[Target], waiting: Sequence[Waiting]) -> QueueMetrics:
    """The state of one queue, or of several together. `waiting`: contacts in queues, ringing or not.

    https://docs.aws.amazon.com/connect/latest/adminguide/real-time-metrics-definitions.html
    """
    arns = {target.arn for target in targets}
    serving = [member for member in members if any(member.serving(target) for target in targets)]
    staffed = [member for member in serving if member.status == "ROUTABLE"]
    rooms = [member.room_for(targets) for member in staffed]
    return QueueMetrics(
        since=tuple(sorted(contact.since for contact in waiting if contact.target.arn in arns)),
        online=sum(member.status != "OFFLINE" for member in serving),
        staffed=len(staffed),
        available=sum(room > 0 for room in rooms),
        busy=sum(member.talking > 0 for member in serving),
        reachable=sum(member.reachable for member in serving),
        played=sum(member.played for member in serving),
        after_work=sum(member.after_work > 0 for member in serving),
        errors=sum(member.errors > 0 for member in serving),
        active=sum(member.talking for member in serving),
        slots=sum(rooms),
    )

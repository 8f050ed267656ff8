"""The floor of the call centre: who waits in which queue, which agents are busy, who takes whom when.

`next_answers` and `metrics` are pure. `Floor` keeps the state for the service: it follows the contacts (so a restart
rebuilds it from them) and arms one timer on the clock for each contact that an agent is about to take.

https://docs.aws.amazon.com/connect/latest/adminguide/about-queue-capacity.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from callpark.flows.contact import Contact, Target
from callpark.flows.declared import Agent
from callpark.flows.resources import NO_RESOURCES, Resources
from callpark.kernel.clock import Clock
from callpark.kernel.timers import Timer


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """What a queue's metrics say now. `since`: when each waiting contact entered, oldest first. Agents by state."""

    since: tuple[float, ...] = ()
    online: int = 0
    staffed: int = 0
    available: int = 0
    busy: int = 0


NO_METRICS = QueueMetrics()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact in a queue."""

    contact_id: str
    target: Target
    since: float
    priority: int

    @property
    def turn(self) -> tuple[int, float, str]:
        """Lower comes first."""
        return (self.priority, self.since, self.contact_id)


@dataclass(frozen=True, slots=True)
class Answer:
    """An agent begins to ring for a contact; takes it `seconds` later."""

    contact_id: str
    agent: str
    seconds: float


def next_answers(resources: Resources, waiting: Sequence[Waiting], busy: frozenset[str]) -> list[Answer]:
    """Which free agents take which contacts: contacts by priority and age, agents in the order of the queue. Pure."""
    answers: list[Answer] = []
    taken = set(busy)
    for contact in sorted(waiting, key=lambda item: item.turn):
        for agent in serving(resources, contact.target):
            if agent.status == "available" and agent.answers_after is not None and agent.name not in taken:
                taken.add(agent.name)
                answers.append(Answer(contact.contact_id, agent.name, agent.answers_after))
                break
    return answers


def serving(resources: Resources, target: Target) -> list[Agent]:
    """The agents of a queue, or the one whose own queue it is."""
    queue = None if target.agent else resources.queue(target.arn)
    names = (target.name,) if target.agent else () if queue is None else queue.agents
    found = [resources.agent(name) for name in names]
    return [agent for agent in found if agent is not None]


def metrics(resources: Resources, target: Target, waiting: Sequence[Waiting], busy: frozenset[str]) -> QueueMetrics:
    """The state of one queue. Pure."""
    agents = serving(resources, target)
    staffed = [agent for agent in agents if agent.status == "available"]
    return QueueMetrics(
        since=tuple(sorted(contact.since for contact in waiting if contact.target.arn == target.arn)),
        online=sum(agent.status != "offline" for agent in agents),
        staffed=len(staffed),
        available=sum(agent.name not in busy for agent in staffed),
        busy=sum(agent.name in busy for agent in staffed),
    )


class Floor:
    """The state. `accept` is told which agent takes which contact when the time has come."""

    def __init__(self, clock: Clock, accept: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._accept = accept
        self._resources = NO_RESOURCES
        self._waiting: dict[str, Waiting] = {}
        self._with_agent: dict[str, str] = {}
        self._ringing: dict[str, tuple[str, Timer]] = {}

    def serve(self, resources: Resources) -> None:
        """Other agents and queues from now on; who rings goes on ringing."""
        self._resources = resources
        self._assign()

    def follow(self, contact: Contact) -> None:
        """A contact has moved."""
        desk = None if contact.ended is not None else contact.desk
        if desk is None:
            self.leave(contact.id)
            return
        before = self._waiting.pop(contact.id, None)
        self._with_agent.pop(contact.id, None)
        queued = desk.stage == "queued"
        if queued:
            self._waiting[contact.id] = Waiting(contact.id, desk.target, desk.since, desk.priority)
        if not queued or (before is not None and before.target != desk.target):
            self._stop_ringing(contact.id)
        if desk.agent is not None and desk.stage != "remaining":
            self._with_agent[contact.id] = desk.agent
        self._assign()

    def leave(self, contact_id: str) -> None:
        """A contact is gone, or was never here."""
        known = contact_id in self._waiting or contact_id in self._with_agent
        self._waiting.pop(contact_id, None)
        self._with_agent.pop(contact_id, None)
        self._stop_ringing(contact_id)
        if known:
            self._assign()

    def metrics(self, target: Target) -> QueueMetrics:
        return metrics(self._resources, target, tuple(self._waiting.values()), self._busy())

    def close(self) -> None:
        for _, timer in self._ringing.values():
            timer.cancel()
        self._ringing.clear()

    def _busy(self) -> frozenset[str]:
        return frozenset((*self._with_agent.values(), *(agent for agent, _ in self._ringing.values())))

    def _assign(self) -> None:
        if not self._waiting or not self._resources.agents:
            return
        unrung = [contact for contact in self._waiting.values() if contact.contact_id not in self._ringing]
        for answer in next_answers(self._resources, unrung, self._busy()):
            at = self._clock.now() + answer.seconds
            timer = self._clock.timer(at, _Ring(self, answer), answer.contact_id)
            self._ringing[answer.contact_id] = (answer.agent, timer)

    def _stop_ringing(self, contact_id: str) -> None:
        ringing = self._ringing.pop(contact_id, None)
        if ringing is not None:
            ringing[1].cancel()

    def taken(self, answer: Answer) -> None:
        """The agent picks up; it stays theirs until the contact's own state says so."""
        self._accept(answer.contact_id, answer.agent)


@dataclass(frozen=True, slots=True)
class _Ring:
    floor: Floor
    answer: Answer

    def __call__(self) -> None:
        self.floor.taken(self.answer)

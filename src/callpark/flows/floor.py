"""The floor of the call centre: who waits in which queue, who rings where, what agents are doing.

`Floor` keeps the state; what follows is decided in `agents/routing.py`. It follows the contacts, so a restart rebuilds
it from them; statuses and what is not cleared are agents' own and are kept. Whom a contact rings for is told to the
contact as an event: ringing is part of the contact, with its timer. Until the contact has taken note of that
(`answered`) it rings for nobody else, and the agent has no room for another. Among several nodes one has the floor; the
way there is `agents/switchboard.py`.

https://docs.aws.amazon.com/connect/latest/adminguide/about-routing.html
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from callpark.flows.agents.held import Held, held_of, uncleared
from callpark.flows.agents.lineup import LineUp
from callpark.flows.agents.model import AgentState, AgentView, Ending, Uncleared
from callpark.flows.agents.routing import (
    CHANNELS,
    NO_METRICS,
    Member,
    QueueMetrics,
    StatusType,
    metrics,
    next_look,
    next_offers,
)
from callpark.flows.agents.standing import Standing
from callpark.flows.contact import Target
from callpark.flows.declared import Agent
from callpark.flows.events import AgentOffered
from callpark.flows.resources import NO_RESOURCES, Resources, Staffed
from callpark.kernel.clock import Clock
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.timers import Timer

_DECLARED: Final = {"available": "Available", "away": "Away", "offline": "Offline"}


@dataclass(slots=True)
class _Desk:
    """An agent's. `played`: by how many somebodies. `idle_since`: when they last were done with a contact."""

    state: AgentState
    played: int = 0
    auto_accept: bool = False
    idle_since: float = 0.0


def _answers(agent: Agent) -> bool:
    """Whether an agent takes contacts while nobody plays them. Such a one has nothing to clear by hand."""
    return agent.auto_accept or agent.answers_after is not None


class Floor:
    """The state. `offer` tells a contact for whom it rings, `keep` saves what an agent's state has become, and that
    they are done with some contacts."""

    def __init__(
        self,
        clock: Clock,
        limits: ConnectLimits,
        offer: Callable[[str, AgentOffered], None],
        keep: Callable[[AgentState, Sequence[Uncleared]], None] = lambda state, done: None,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._offer = offer
        self._keep = keep
        self._resources = NO_RESOURCES
        self._contacts: dict[str, Held] = {}
        self._line_up = LineUp()
        self._of: dict[str, dict[str, Held]] = {}
        self._offering: dict[str, str] = {}
        self._desks: dict[str, _Desk] = {}
        self._timer: Timer | None = None
        self._quiet = 0
        self._members: dict[str, Member] = {}

    def serve(self, resources: Resources) -> None:
        """Other agents and queues from now on; who rings goes on ringing."""
        self._resources = resources
        self._members.clear()
        self._changed()

    def restore(self, state: AgentState) -> None:
        """As it was kept."""
        self._desk(state.name).state = state
        self._members.pop(state.name, None)
        self._changed()

    def follow(self, standing: Standing) -> None:
        """A contact has moved."""
        contact_id, desk = standing.contact_id, standing.desk
        offering = self._offering.get(contact_id)
        before, now = self._forget(contact_id), self._clock.now()
        if before is None and desk is None:
            return
        held = None if desk is None else held_of(standing, desk, before, now)
        if held is not None:
            self._note(contact_id, held)
            if offering is not None and held.agent != offering:
                self._keep_offering(contact_id, offering, held)
        if before is not None and before.agent is not None and (held is None or held.agent != before.agent):
            self._let_go(contact_id, before, held, now, rejected=standing.rejected)
        self._changed()

    def answered(self, contact_id: str) -> None:
        """A contact has taken note of its offer: what it has become of it was told before."""
        agent = self._offering.pop(contact_id, None)
        held = self._contacts.get(contact_id)
        if agent is None or held is None or held.agent == agent:
            return
        self._of.get(agent, {}).pop(contact_id, None)
        self._touch(agent)
        if held.agent is None and held.desk.stage == "queued":
            self._line_up.waits(contact_id)
        self._changed()

    def leave(self, contact_id: str) -> None:
        """A contact is gone, or was never here."""
        if self._forget(contact_id) is not None:
            self._changed()

    def clear_out(self) -> None:
        """Nobody is here any more. Within `hush`."""
        for kept in (self._contacts, self._of, self._offering, self._desks, self._members):
            kept.clear()
        self._line_up = LineUp()

    def metrics(self, *targets: Target) -> QueueMetrics:
        """Of a queue, or of several together."""
        if not self._line_up.queued and not self._resources.staff:
            return NO_METRICS
        return metrics(self._all(), targets, self._line_up.queued)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing rings before all contacts are there again."""
        self.hush()
        yield
        self.open()

    def hush(self) -> None:
        """Nothing rings until `open` has been called as often."""
        self._quiet += 1

    def open(self) -> None:
        self._quiet -= 1
        self._changed()

    def close(self) -> None:
        self.hush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # What agents do

    def sit_down(self, agent: str, *, auto_accept: bool) -> Callable[[], None]:
        """Somebody plays the agent from now on; returns what ends it."""
        desk = self._desk(agent)
        desk.played += 1
        desk.auto_accept = auto_accept
        self._touch(agent)
        self._changed()

        def stand_up() -> None:
            desk.played -= 1
            self._touch(agent)
            self._changed()

        return stand_up

    def set_status(self, agent: str, status: str) -> None:
        """One of the instance's statuses. Who becomes available is done with all that was not cleared."""
        desk = self._desk(agent)
        done = desk.state.uncleared if self._resources.statuses.get(status) == "ROUTABLE" else ()
        kept = () if done else desk.state.uncleared
        changed = msgspec.structs.replace(desk.state, status=status, since=self._clock.now(), uncleared=kept)
        self._put(desk, changed, done)

    def forget_agent(self, agent: str) -> None:
        """A user is deleted: whoever is called so next begins anew."""
        self._put(self._desk(agent), AgentState(agent))

    def clear(self, agent: str, contact_id: str) -> bool:
        """The agent is done with a contact that they missed, rejected, or had. False when there is no such one."""
        desk = self._desk(agent)
        done = [one for one in desk.state.uncleared if one.contact_id == contact_id]
        if not done:
            return False
        kept = tuple(one for one in desk.state.uncleared if one not in done)
        desk.idle_since = self._clock.now()
        self._put(desk, msgspec.structs.replace(desk.state, uncleared=kept), done)
        return True

    def view(self, agent: str) -> AgentView | None:
        """None for who is no agent of the instance."""
        known = self._resources.agents.get(agent)
        if known is None:
            return None
        desk = self._desk(known.name)
        status = self._status(known.name)
        contacts = [held.seen(id_) for id_, held in self._of.get(known.name, {}).items() if held.agent == known.name]
        contacts += [uncleared(one) for one in desk.state.uncleared]
        return AgentView(
            known.name,
            known.arn,
            status,
            self._type(status),
            desk.state.since,
            tuple(contacts),
            desk.played > 0,
            {channel: most for channel in CHANNELS if (most := self._most(known.name, channel))},
            dict(self._member_of(known.name).load),
        )

    def agent_of(self, contact_id: str) -> str | None:
        """Who has a contact, or for whom it rings."""
        held = self._contacts.get(contact_id)
        return None if held is None else held.agent

    def room(self, agent: str, channel: str) -> int:
        """How many more contacts of a channel an agent could take, whatever their status."""
        return self._member_of(agent).room(channel)

    def _member_of(self, agent: str) -> Member:
        return next(member for member in self._all() if member.name == agent)

    def _most(self, agent: str, channel: str) -> int:
        return self._member_of(agent).concurrency.most.get(channel, 1)

    # Inside

    def _desk(self, agent: str) -> _Desk:
        return self._desks.setdefault(agent, _Desk(AgentState(agent)))

    def _put(self, desk: _Desk, state: AgentState, done: Sequence[Uncleared] = ()) -> None:
        desk.state = state
        self._keep(state, done)
        self._touch(state.name)
        self._changed()

    def _touch(self, agent: str | None) -> None:
        """What routing knows of an agent is looked up anew."""
        if agent is not None:
            self._members.pop(agent, None)

    def _note(self, contact_id: str, held: Held) -> None:
        self._contacts[contact_id] = held
        if held.agent is not None:
            self._of.setdefault(held.agent, {})[contact_id] = held
            self._touch(held.agent)
        if held.desk.stage == "queued":
            self._line_up.add(held.waiting(contact_id), rings=held.desk.offered is not None)

    def _forget(self, contact_id: str) -> Held | None:
        held = self._contacts.pop(contact_id, None)
        self._line_up.remove(contact_id)
        for agent in {self._offering.pop(contact_id, None), None if held is None else held.agent} - {None}:
            assert agent is not None
            self._of.get(agent, {}).pop(contact_id, None)
            self._touch(agent)
        return held

    def _keep_offering(self, contact_id: str, agent: str, held: Held) -> None:
        """It has moved before it heard of its offer, and may take it still."""
        self._offering[contact_id] = agent
        self._of.setdefault(agent, {})[contact_id] = held
        self._touch(agent)
        if held.desk.stage == "queued":
            self._line_up.rings(contact_id)

    def _let_go(self, contact_id: str, before: Held, after: Held | None, now: float, *, rejected: bool) -> None:
        """An agent does not have a contact any more, or it does not ring for them any more."""
        agent = before.agent
        assert agent is not None
        desk = self._desk(agent)
        desk.idle_since = now
        if before.desk.stage == "queued":
            passed = after is not None and after.desk.stage == "queued" and after.desk.target == before.desk.target
            if passed:
                self._set_aside(desk, contact_id, before, "rejected" if rejected else "missed")
            return
        known = self._resources.agents.get(agent)
        seconds = 0.0 if known is None else known.after_work
        if desk.played or seconds > 0:
            self._set_aside(desk, contact_id, before, "ended", now + seconds if seconds > 0 else None)

    def _set_aside(self, desk: _Desk, contact_id: str, before: Held, how: Ending, until: float | None = None) -> None:
        """Who is not played clears nothing: what they miss takes up no place."""
        if how != "ended" and not desk.played:
            return
        now, queue = self._clock.now(), before.desk.target.name
        one = Uncleared(contact_id, before.channel, how, now, until, queue)
        desk.state = msgspec.structs.replace(desk.state, uncleared=(*desk.state.uncleared, one))
        self._touch(desk.state.name)
        self._keep(desk.state, ())

    def _changed(self) -> None:
        """Somebody has moved: let what can ring, and look again when the next delay or after contact work is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._quiet or not self._resources.staff:
            return
        now = self._clock.now()
        self._end_work(now)
        members = self._all()
        looks: list[float] = []
        if self._line_up.lines:
            for offer in next_offers(members, self._line_up.lines, now):
                self._line_up.rings(offer.contact_id)
                self._offering[offer.contact_id] = offer.agent
                self._of.setdefault(offer.agent, {})[offer.contact_id] = self._contacts[offer.contact_id]
                self._touch(offer.agent)
                self._offer(offer.contact_id, self._event(offer.agent))
            look = next_look(self._all(), self._line_up.lines, now)
            looks += [] if look is None else [look]
        ends = [one.until for desk in self._desks.values() for one in desk.state.uncleared if one.until is not None]
        if ends or looks:
            self._timer = self._clock.timer(min((*ends, *looks)), self._changed, "floor")

    def _end_work(self, now: float) -> None:
        for desk in self._desks.values():
            over = [one for one in desk.state.uncleared if one.until is not None and one.until <= now]
            if over:
                kept = tuple(one for one in desk.state.uncleared if one not in over)
                desk.state = msgspec.structs.replace(desk.state, uncleared=kept)
                desk.idle_since = now
                self._touch(desk.state.name)
                self._keep(desk.state, over)

    def _event(self, agent: str) -> AgentOffered:
        """How it rings: who is played decides by hand, the others as they are declared."""
        known, desk = self._resources.agents[agent], self._desk(agent)
        automatic = 0.0 if known.auto_accept or (desk.played and desk.auto_accept) else None
        after = automatic if desk.played else known.answers_after if known.answers_after is not None else automatic
        return AgentOffered(agent, self._limits.agent_ring_seconds, after, desk.played > 0)

    def _all(self) -> tuple[Member, ...]:
        return tuple([self._members.get(one.agent.name) or self._member(one) for one in self._resources.staff])

    def _member(self, staffed: Staffed) -> Member:
        agent, desk = staffed.agent, self._desk(staffed.agent.name)
        contacts = self._of.get(agent.name, {}).values()
        by_script = not desk.played and _answers(agent)
        uncleared = tuple(one for one in desk.state.uncleared if not by_script or one.until is not None)
        load: dict[str, int] = {}
        for channel in (*(held.channel for held in contacts), *(one.channel for one in uncleared)):
            load[channel] = load.get(channel, 0) + 1
        self._members[agent.name] = member = Member(
            agent.name,
            agent.arn or agent.name,
            staffed.serves,
            staffed.concurrency,
            self._type(self._status(agent.name)),
            desk.played > 0 or _answers(agent),
            desk.played > 0,
            load,
            talking=sum(held.desk.stage != "queued" for held in contacts),
            after_work=sum(one.how == "ended" for one in uncleared),
            errors=sum(one.how != "ended" for one in uncleared),
            idle_since=desk.idle_since,
            skills={(skill.name, skill.value): skill.level for skill in agent.proficiencies},
        )
        return member

    def _status(self, agent: str) -> str:
        said = self._desk(agent).state.status
        return said if said in self._resources.statuses else _DECLARED[self._resources.agents[agent].status]

    def _type(self, status: str) -> StatusType:
        return self._resources.statuses.get(status, "OFFLINE")

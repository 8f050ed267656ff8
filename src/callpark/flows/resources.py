"""The instance's resources, ready to be looked up by what flows write: an ARN, an id, a name.

Built by `instance.py` from what the project declares; read by the actions through `World.resources`. Frozen: what
changes while contacts run (who waits where, profiles, cases) is in `floor.py` and `ledger.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, TypeVar

from callpark.flows.agents.routing import ONE_AT_A_TIME, Concurrency, Served, StatusType
from callpark.flows.declared import (
    Agent,
    Assistant,
    Bot,
    Channel,
    DataTable,
    Declared,
    Hours,
    PromptFile,
    Queue,
    QuickConnect,
    RoutingProfile,
    TaskTemplate,
    ThirdParty,
    View,
    VoiceId,
)
from callpark.flows.hours import DAYS, OpeningHours, Override, read_spans, read_zone
from callpark.kernel.errors import ProjectError


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def arn(self) -> str: ...


Item = TypeVar("Item")
NamedItem = TypeVar("NamedItem", bound=_Named)


def index(items: Sequence[NamedItem]) -> Mapping[str, NamedItem]:
    """By ARN, the id at its end, and name. Names are weakest: they hide no other item's id."""
    found: dict[str, NamedItem] = {}
    for item in items:
        found.setdefault(item.name, item)
    for item in items:
        found.update({key: item for key in (item.id, item.arn, _last(item.arn)) if key})
    return found


def _last(reference: str) -> str:
    """The id at the end of an ARN, without a version or alias. A Lex alias has two: `bot/alias`."""
    last = reference.rsplit("/", 1)[-1]
    return last if last.startswith("arn:") else last.partition(":")[0]


def look_up(indexed: Mapping[str, Item], reference: str) -> Item | None:
    """The item a flow means."""
    item = indexed.get(reference)
    return indexed.get(_last(reference)) if item is None else item


STATUSES: Mapping[str, StatusType] = {"Available": "ROUTABLE", "Away": "CUSTOM", "Offline": "OFFLINE"}
"""The statuses that an instance has from the start; Away is callpark's, for `status: away`."""


_CHANNELS: tuple[Channel, ...] = ("VOICE", "CHAT", "TASK", "EMAIL")


@dataclass(frozen=True, slots=True)
class Staffed:
    """An agent with what their routing profile and the queues that name them give them."""

    agent: Agent
    serves: tuple[Served, ...]
    concurrency: Concurrency = ONE_AT_A_TIME


@dataclass(frozen=True, slots=True)
class Resources:
    """By ARN, id and name. An empty index is a kind of which the project declares nothing. `staff`: all agents, in
    their order; `statuses`: the types of agent statuses by name."""

    hours: Mapping[str, OpeningHours] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    staff: tuple[Staffed, ...] = ()
    statuses: Mapping[str, StatusType] = field(default_factory=lambda: dict(STATUSES))
    quick_connects: Mapping[str, QuickConnect] = field(default_factory=dict)
    prompts: Mapping[str, PromptFile] = field(default_factory=dict)
    bots: Mapping[str, Bot] = field(default_factory=dict)
    views: Mapping[str, View] = field(default_factory=dict)
    data_tables: Mapping[str, DataTable] = field(default_factory=dict)
    task_templates: Mapping[str, TaskTemplate] = field(default_factory=dict)
    assistants: Mapping[str, Assistant] = field(default_factory=dict)
    third_parties: Mapping[str, ThirdParty] = field(default_factory=dict)
    voice_id: VoiceId | None = None
    media_streams: str | None = None
    security_keys: frozenset[str] = frozenset()

    def queue(self, reference: str) -> Queue | None:
        """Any queue exists while none is declared (our rule O8)."""
        if not self.queues and reference:
            return Queue(name=_last(reference), arn=reference)
        return look_up(self.queues, reference)

    def agent(self, reference: str) -> Agent | None:
        if not self.agents and reference:
            return Agent(name=_last(reference), arn=reference, status="offline")
        return look_up(self.agents, reference)


NO_RESOURCES = Resources()


def build_resources(declared: Declared) -> Resources:
    """Raises ProjectError for hours that cannot be read, and for names that nothing has."""
    opening = {hours.name: _opening(hours) for hours in declared.hours}
    indexed = index(declared.hours)
    agents = index(declared.agents)
    for queue in declared.queues:
        if queue.hours is not None and look_up(indexed, queue.hours) is None:
            _refuse(f"queue {queue.name}: there are no hours {queue.hours!r}", "declare them under `hours:`")
        for agent in queue.agents:
            if look_up(agents, agent) is None:
                _refuse(f"queue {queue.name}: there is no agent {agent!r}", "declare it under `agents:`")
        if queue.capacity is not None and queue.capacity < 0:
            _refuse(f"queue {queue.name}: capacity {queue.capacity}", "write 0 or more, or leave it out")
    queues = index(declared.queues)
    return Resources(
        hours={key: opening[hours.name] for key, hours in indexed.items()},
        queues=queues,
        agents=agents,
        staff=_staff(declared, queues, agents),
        statuses={**STATUSES, **{status.name: status.type for status in declared.agent_statuses}},
        quick_connects=_quick_connects(declared, queues, agents),
        prompts=index(declared.prompts),
        bots=index(declared.bots),
        views=index(declared.views),
        data_tables=index(declared.data_tables),
        task_templates=index(declared.task_templates),
        assistants=index(declared.assistants),
        third_parties={party.number: party for party in declared.third_parties},
        voice_id=declared.voice_id,
        media_streams=declared.media_streams,
        security_keys=frozenset(declared.security_keys),
    )


def _staff(declared: Declared, queues: Mapping[str, Queue], agents: Mapping[str, Agent]) -> tuple[Staffed, ...]:
    profiles = index(declared.routing_profiles)
    for each in declared.routing_profiles:
        for entry in each.queues:
            if look_up(queues, entry.queue) is None:
                _refuse(f"routing profile {each.name}: there is no queue {entry.queue!r}", "declare it: `queues:`")
    found = []
    for agent in declared.agents:
        profile = None if agent.routing_profile is None else look_up(profiles, agent.routing_profile)
        if profile is None and agent.routing_profile is not None:
            what = f"agent {agent.name}: there is no routing profile {agent.routing_profile!r}"
            _refuse(what, "declare it under `routing_profiles:`")
        named = [queue for queue in declared.queues if any(look_up(agents, name) is agent for name in queue.agents)]
        serves = [Served(_key(queue)) for queue in named]
        if profile is not None:
            serves += [
                Served(_key(queue), entry.priority, entry.delay, entry.channel)
                for entry in profile.queues
                if (queue := look_up(queues, entry.queue)) is not None
            ]
        found.append(Staffed(agent, tuple(serves), ONE_AT_A_TIME if profile is None else _concurrency(profile)))
    return tuple(found)


def _concurrency(profile: RoutingProfile) -> Concurrency:
    """A channel that is not named is not taken, unless none is named."""
    unnamed = 0 if profile.concurrency else 1
    return Concurrency({each: profile.concurrency.get(each, unnamed) for each in _CHANNELS}, frozenset(profile.shared))


def _key(queue: Queue) -> str:
    """As a contact's `Target` names it."""
    return queue.arn or queue.name


def _quick_connects(
    declared: Declared, queues: Mapping[str, Queue], agents: Mapping[str, Agent]
) -> Mapping[str, QuickConnect]:
    for connect in declared.quick_connects:
        what = f"quick connect {connect.name}"
        if (connect.queue is None) == (connect.agent is None):
            _refuse(f"{what} leads to no queue and no agent, or to both", "write `queue:` or `agent:`")
        if connect.queue is not None and look_up(queues, connect.queue) is None:
            _refuse(f"{what}: there is no queue {connect.queue!r}", "declare it under `queues:`")
        if connect.agent is not None and look_up(agents, connect.agent) is None:
            _refuse(f"{what}: there is no agent {connect.agent!r}", "declare it under `agents:`")
    return index(declared.quick_connects)


def _opening(hours: Hours) -> OpeningHours:
    unknown = sorted(hours.days.keys() - set(DAYS))
    if unknown:
        _refuse(f"hours {hours.name}: {unknown[0]!r} is no day", f"write {', '.join(DAYS)}")
    try:
        return OpeningHours(
            read_zone(hours.time_zone),
            {day: read_spans(spans) for day, spans in hours.days.items()},
            tuple(Override(o.first, o.last, read_spans(o.hours)) for o in hours.overrides),
        )
    except ValueError as error:
        _refuse(f"hours {hours.name}: {error}", "correct the hours")


def _refuse(cause: str, remedy: str) -> NoReturn:
    raise ProjectError(cause, remedy)

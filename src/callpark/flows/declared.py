"""What a project declares beside its flows: the instance's queues, hours, prompts, bots and the rest.

The shapes of `connect.yaml` (docs/connect-yaml.md), read by `projects/connect_file.py`; `projects/resources/` makes the
same values from templates. `resources.py` makes them ready for use. Seconds everywhere; ids and ARNs are those the
flows name, so exported flows find local resources. Unknown keys are refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, TypeAlias

import msgspec


class HoursOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other hours on some dates; none: closed. `name` is for people."""

    name: str = ""
    first: date
    last: date
    hours: tuple[str, ...] = ()


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours of operation. `days`: English day name → spans like `09:00-17:30`."""

    name: str
    id: str = ""
    arn: str = ""
    time_zone: str = "UTC"
    days: Mapping[str, tuple[str, ...]]
    overrides: tuple[HoursOverride, ...] = ()


class Queue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`capacity`: contacts that may wait at once (None: any number). `agents` by name serve it."""

    name: str
    id: str = ""
    arn: str = ""
    hours: str | None = None
    capacity: int | None = None
    agents: tuple[str, ...] = ()
    caller_id: str | None = None


Channel: TypeAlias = Literal["VOICE", "CHAT", "TASK", "EMAIL"]


class ProfileQueue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A queue of a routing profile: 1 is the highest priority; its contacts come after `delay` seconds in the queue."""

    queue: str
    channel: Channel | None = None
    priority: int = 1
    delay: float = 0.0


class RoutingProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What agents take: `concurrency`: contacts of a channel at once; without any, one of each, with some, none of the
    others. `shared`: channels whose contacts do not keep those of other channels away."""

    name: str
    id: str = ""
    arn: str = ""
    queues: tuple[ProfileQueue, ...] = ()
    concurrency: Mapping[Channel, int] = {}
    shared: tuple[Channel, ...] = ()


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A status that agents can have beside Available and Offline; contacts ring in ROUTABLE ones only."""

    name: str
    id: str = ""
    arn: str = ""
    type: Literal["ROUTABLE", "CUSTOM"] = "CUSTOM"


class Proficiency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an agent can, for routing criteria: e.g. Language, French, 4.0 of 5."""

    name: str
    value: str
    level: float


class QuickConnect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where agents transfer to: a `queue` or an `agent`, through a transfer `flow` (without one straight)."""

    name: str
    id: str = ""
    arn: str = ""
    queue: str | None = None
    agent: str | None = None
    flow: str | None = None


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who takes contacts: of the queues that name them and those of their `routing_profile`.

    While nobody plays them (`callpark agent`): after `answers_after` seconds (None: never, or at once with
    `auto_accept`); they talk for `talks` seconds, with a hold of `hold_seconds` after `hold_after`. `status`: away
    agents are online and not staffed. `after_work`: seconds of after contact work; 0: none, or until whoever plays them
    clears it."""

    name: str
    id: str = ""
    arn: str = ""
    status: Literal["available", "away", "offline"] = "available"
    routing_profile: str | None = None
    auto_accept: bool = False
    after_work: float = 0.0
    proficiencies: tuple[Proficiency, ...] = ()
    answers_after: float | None = None
    talks: float = 30.0
    hold_after: float | None = None
    hold_seconds: float = 10.0
    first_name: str = ""
    last_name: str = ""


class PromptFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recording: how long it lasts, and what it says. `file` (8 kHz WAV) tells the length when `seconds` does not."""

    name: str
    id: str = ""
    arn: str = ""
    seconds: float | None = None
    text: str | None = None
    file: str | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bot understands: `phrases` that the words hold (in any case), or keys; `slots` as it fills them."""

    name: str
    phrases: tuple[str, ...]
    slots: Mapping[str, str] = {}


class Bot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Lex bot, named as in the flow (`arn`: its alias). `function`: a Lex V2 code hook that is asked about every
    utterance."""

    name: str
    id: str = ""
    arn: str = ""
    intents: tuple[Intent, ...] = ()
    fallback: str = "FallbackIntent"
    function: str | None = None


class ViewAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the user of a view does when nobody else answers."""

    action: str
    data: Mapping[str, object] = {}
    after: float = 3.0


class View(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`template`, `input_schema`, `actions`: what a chat client that draws the view is told of it (DescribeView)."""

    name: str
    id: str = ""
    arn: str = ""
    answer: ViewAnswer | None = None
    version: int = 1
    template: Mapping[str, object] = {}
    input_schema: Mapping[str, object] = {}
    actions: tuple[str, ...] = ()


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer profile. `objects`: object type (Asset, Order, Case) → the objects, newest last."""

    id: str
    fields: Mapping[str, str]
    calculated: Mapping[str, str] = {}
    objects: Mapping[str, tuple[Mapping[str, str], ...]] = {}


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    fields: Mapping[str, str] = {}


class DataTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows of attribute → value; a query finds the rows whose attributes equal those it names."""

    name: str
    id: str = ""
    arn: str = ""
    rows: tuple[Mapping[str, object], ...]


class TaskTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    id: str = ""
    arn: str = ""


class Assistant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Wisdom (Q in Connect) assistant that sessions can be made with; it says nothing."""

    name: str
    id: str = ""
    arn: str = ""


class ThirdParty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that flows transfer to: answers after so many seconds (None: never), hangs up after `talks`."""

    number: str
    answers_after: float | None = 3.0
    talks: float = 30.0


class VoiceId(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Voice ID says about every caller. AWS ended it in May 2026."""

    enrollment: Literal["Enrolled", "NotEnrolled", "OptedOut"] = "Enrolled"
    authentication: Literal["Authenticated", "NotAuthenticated", "Inconclusive", "NotEnrolled", "OptedOut"] = (
        "Authenticated"
    )
    fraud: Literal["HighRisk", "LowRisk", "Inconclusive"] = "LowRisk"


class FlowFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further flow or module in a file beside `connect.yaml`. `settings`: a module's contract, as on the resource."""

    name: str
    file: str
    id: str = ""
    arn: str = ""
    type: str = "CONTACT_FLOW"
    settings: Mapping[str, object] | None = None


class Checking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For `callpark flow check`. `ignore`: `CP301`, `CP301:flow` or `CP301:flow/block`. `silence`: seconds."""

    ignore: tuple[str, ...] = ()
    silence: float | None = None


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole `connect.yaml`. A kind of which nothing is declared is lenient where AWS would look it up (hours are
    open, any queue can be entered); once one is declared, a reference to another takes the error branch. `profiles`,
    `cases`: None when there is no such domain, which is not the same as an empty one."""

    hours: tuple[Hours, ...] = ()
    queues: tuple[Queue, ...] = ()
    agents: tuple[Agent, ...] = ()
    routing_profiles: tuple[RoutingProfile, ...] = ()
    agent_statuses: tuple[AgentStatus, ...] = ()
    quick_connects: tuple[QuickConnect, ...] = ()
    prompts: tuple[PromptFile, ...] = ()
    bots: tuple[Bot, ...] = ()
    views: tuple[View, ...] = ()
    profiles: tuple[Profile, ...] | None = None
    cases: tuple[Case, ...] | None = None
    data_tables: tuple[DataTable, ...] = ()
    task_templates: tuple[TaskTemplate, ...] = ()
    assistants: tuple[Assistant, ...] = ()
    third_parties: tuple[ThirdParty, ...] = ()
    voice_id: VoiceId | None = None
    media_streams: str | None = None
    """The prefix of Kinesis video stream ARNs, once live media streaming is enabled; no audio is streamed."""
    security_keys: tuple[str, ...] = ()
    """Ids of the keys with which an instance encrypts stored input."""
    flows: tuple[FlowFile, ...] = ()
    modules: tuple[FlowFile, ...] = ()
    functions: tuple[str, ...] | None = None
    """Functions associated with the instance, by name or ARN. None: as the template says, all when it says nothing."""
    check: Checking | None = None


NOTHING_DECLARED = Declared()


def merged(first: Declared, second: Declared) -> Declared:
    """Both together; what is single comes from the second when it has it."""
    values: dict[str, object] = {}
    for name in Declared.__struct_fields__:
        one, other = getattr(first, name), getattr(second, name)
        both = isinstance(one, tuple) and isinstance(other, tuple)
        values[name] = _merged_lists(one, other) if both else one if other is None else other
    return msgspec.structs.replace(first, **values)


def _merged_lists(first: Sequence[msgspec.Struct], second: Sequence[msgspec.Struct]) -> tuple[msgspec.Struct, ...]:
    """One item for each name: what the second says of it counts, what it leaves out is as the first says."""
    named = {_name(item): item for item in first}
    for item in second:
        known = named.get(_name(item))
        named[_name(item)] = item if known is None else _overlaid(known, item)
    return tuple(named.values())


def _name(item: msgspec.Struct) -> object:
    return getattr(item, "name", None) or getattr(item, "id", None) or item


def _overlaid(below: msgspec.Struct, above: msgspec.Struct) -> msgspec.Struct:
    said = {
        field.name: value
        for field in msgspec.structs.fields(above)
        if (value := getattr(above, field.name)) != field.default
    }
    return msgspec.structs.replace(below, **said)

"""The state of one contact, whole: what is saved each time the contact parks, and enough to go on after a restart.

Frozen; made and replaced by `engine.handle` only. Grouped by how often things change: `Party` never, `Memory` when an
action writes to it, the rest with every event. Values of functions are JSON, so they are `object` here.

All of it is a tree of values, so the garbage collector need not look at it (`gc=False`): that is 16 bytes a struct, and
no pause over a hundred thousand parked contacts.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from callpark.flows.chat.model import ChatSession


class Party(msgspec.Struct, frozen=True, gc=False):
    """Who speaks with whom, since when. Addresses are E.164, instants epoch seconds."""

    contact_id: str
    instance_arn: str
    region: str
    caller: str | None
    number: str | None
    started_at: float
    channel: Literal["VOICE", "CHAT", "TASK", "EMAIL"] = "VOICE"
    initiation_method: str = "INBOUND"
    language_code: str = "en-US"
    initial_contact_id: str | None = None
    """The first contact of the chain; None: this one."""
    related_contact_id: str | None = None
    flow_arn: str = ""
    """The flow that it began in."""
    subtype: str = ""
    """`connect:Subtype`, where the channel does not tell."""


class Voice(msgspec.Struct, frozen=True, gc=False):
    """How text is spoken. callpark records it; it has no loudspeaker."""

    name: str = "Joanna"
    engine: str | None = None
    style: str | None = None


class Target(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The working queue: a queue, or an agent's own (then `name` is the agent's). `caller_id`: outbound, E.164."""

    arn: str
    name: str
    agent: bool = False
    caller_id: str | None = None


class Record(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the contact record holds beside attributes. `segments` counts queue-to-queue transfers, `started` the
    contacts this one has made, `hooks` names flows by event, `settings` what callpark keeps and does not act on."""

    name: str | None = None
    description: str | None = None
    customer_id: str | None = None
    language_code: str | None = None
    callback_number: str | None = None
    target: Target | None = None
    tags: Mapping[str, str] = {}
    references: Mapping[str, Mapping[str, str]] = {}
    hooks: Mapping[str, str] = {}
    settings: Mapping[str, object] = {}
    priority: int = 5
    time_adjustment: int = 0
    segments: int = 0
    started: int = 0


class Memory(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What references read. Flow attributes, loop rounds and loops last for one run of one flow or module, the rest for
    the contact. `found`: namespaces that actions fill as a whole (Lex, Views, Customer, Metrics, …), by name."""

    attributes: Mapping[str, str] = {}
    flow_attributes: Mapping[str, str] = {}
    external: object = None
    invocation_id: str | None = None
    stored_input: str | None = None
    loop_rounds: Mapping[str, int] = {}
    voice: Voice = Voice()
    logging: bool = False
    record: Record = Record()
    found: Mapping[str, object] = {}
    loops: Mapping[str, object] = {}
    module_input: object = None


Validation: TypeAlias = Literal["STRING_MAP", "JSON", "LENIENT"]
"""How a response is checked; LENIENT when the flow does not say (scalars become text, nested values are refused)."""


InvocationState: TypeAlias = Literal["pending", "succeeded", "failed", "timed_out", "abandoned"]
"""abandoned: the path that waited for a synchronous answer was left; whatever comes back is dropped."""


class Invocation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A function that this contact started, by which action of which flow. Outcomes live as long as the contact,
    `payload` while it is pending."""

    id: str
    function_arn: str
    started_at: float
    deadline: float
    asynchronous: bool
    validation: Validation
    payload: bytes = b""
    state: InvocationState = "pending"
    result: object = None
    reason: str = ""
    flow_arn: str = ""
    action: str = ""


class Awaited(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A branch of a Wait and the invocation id that takes it."""

    branch: str
    invocation_id: str


class WaitState(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A Wait in force: its branches with the invocation ids they were resolved to on entry, in declaration order.
    `depth`: how many modules deep it stands. `signals`: events of people that end it, by their branch names."""

    action: str
    not_before: float
    events: tuple[Awaited, ...] = ()
    continuing: bool = False
    depth: int = 0
    signals: tuple[str, ...] = ()


class Frame(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a module goes back to: the calling flow, the action that called, and what belonged to that run."""

    flow_arn: str
    action: str
    flow_attributes: Mapping[str, str] = {}
    loop_rounds: Mapping[str, int] = {}
    loops: Mapping[str, object] = {}
    module_input: object = None


Stage: TypeAlias = Literal[
    "queued", "agent_whisper", "customer_whisper", "connected", "customer_hold", "transferring", "remaining"
]


class Desk(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a contact is that has left its inbound flow: in a queue, with an agent, or left behind by one.
    `since`: when it entered the queue, aged by UpdateContactRoutingBehavior. `offered`: the agent whom it rings for.
    `played`: somebody plays the agent; else they do what is declared. `worked_until`: the end of after contact work."""

    stage: Stage
    target: Target
    since: float
    priority: int = 5
    agent: str | None = None
    offered: str | None = None
    played: bool = False
    worked_until: float = 0.0


class Speaking(msgspec.Struct, frozen=True, gc=False, tag="speaking"):
    """A prompt is being heard; the timer `prompt` ends it."""


class Collecting(msgspec.Struct, frozen=True, gc=False, tag="collecting", omit_defaults=True):
    """Keys are being taken; `prompting` while the question itself is still heard."""

    maximum: int
    terminator: str
    digits: str = ""
    prompting: bool = False


class Calling(msgspec.Struct, frozen=True, gc=False, tag="calling"):
    """A synchronous function is being waited for."""

    invocation_id: str


class Iterating(msgspec.Struct, frozen=True, gc=False, tag="iterating", omit_defaults=True):
    """A round of prompts is being heard; `index` is the one that plays."""

    index: int = 0


class Conversing(msgspec.Struct, frozen=True, gc=False, tag="conversing", omit_defaults=True):
    """A bot listens, or (with `invocation_id`) its function thinks. `digits`: keys so far, `session`: attributes."""

    digits: str = ""
    invocation_id: str | None = None
    session: Mapping[str, str] = {}
    intent: str | None = None
    slots: Mapping[str, object] = {}


class Viewing(msgspec.Struct, frozen=True, gc=False, tag="viewing"):
    """A view is shown and its answer awaited. `answer`: what a declared view will answer by itself."""

    view: str
    answer: tuple[str, Mapping[str, object]] | None = None


class Dialling(msgspec.Struct, frozen=True, gc=False, tag="dialling"):
    """A third party is rung or, once `connected`, spoken with."""

    number: str
    connected: bool = False


Activity: TypeAlias = Speaking | Collecting | Calling | Iterating | Conversing | Viewing | Dialling | None


class Leg(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The agent's own path through a flow, beside the customer's. Members mean what they mean in `Contact` and
    `Memory`; its timers stand among the contact's. `begun`: its first action has been entered."""

    flow_arn: str
    position: str
    begun: bool = False
    activity: Activity = None
    wait: WaitState | None = None
    frames: tuple[Frame, ...] = ()
    function_seconds: float = 0.0
    flow_attributes: Mapping[str, str] = {}
    loop_rounds: Mapping[str, int] = {}
    loops: Mapping[str, object] = {}
    module_input: object = None


class End(msgspec.Struct, frozen=True, gc=False):
    """How a contact ended: AWS's disconnect reason, and what happened in words ("" when somebody just hung up).

    CONTACT_FLOW_DISCONNECT: the flow ended it. CUSTOMER_DISCONNECT: the caller. AGENT_DISCONNECT: the agent.
    EXPIRED: a chat that lasted as long as it may. API: somebody called StopContact. OTHER: it could not go on.
    """

    reason: str
    detail: str = ""


class Contact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A contact between two events.

    `position` is the action it stands at. While a Wait with a Continue branch is in force (`wait.continuing`),
    `position` and `activity` are the branch's, and the main path stands at `wait.action`. `timers` are the names and
    instants that must be armed; pairs, because a mapping would be 80 bytes more for each parked contact.
    `function_seconds`: synchronous functions since the last prompt. `frames`: the modules it is in, outermost first.
    `desk`: None while the contact is in its inbound flow. `pages`, `page_bytes`: how much of its story is on disk
    (`story.py`); the lane counts. `chat`: of a chat with a transcript. `leg`: what the agent hears
    while the customer is on hold. `node`: the life of the node that has it, in its row only (`custody.py`).
    """

    party: Party
    flow_arn: str
    position: str
    memory: Memory = Memory()
    activity: Activity = None
    wait: WaitState | None = None
    timers: tuple[tuple[str, float], ...] = ()
    invocations: Mapping[str, Invocation] = {}
    actions_run: int = 0
    function_seconds: float = 0.0
    functions_started: int = 0
    ended: End | None = None
    ended_at: float = 0.0
    frames: tuple[Frame, ...] = ()
    desk: Desk | None = None
    pages: int = 0
    page_bytes: int = 0
    chat: ChatSession | None = None
    leg: Leg | None = None
    node: str = ""

    @property
    def id(self) -> str:
        return self.party.contact_id

    def due(self, timer: str) -> float | None:
        """When a timer is due, None when it is not armed."""
        return next((at for name, at in self.timers if name == timer), None)


_decoder = msgspec.msgpack.Decoder(Contact)
_encoder = msgspec.msgpack.Encoder()


def to_bytes(contact: Contact) -> bytes:
    return _encoder.encode(contact)


def from_bytes(data: bytes) -> Contact:
    """Raises msgspec.ValidationError (a ValueError) for what another version wrote differently."""
    return _decoder.decode(data)

"""The state of one contact, whole: what is saved each time the contact parks, and enough to go on after a restart.

Frozen; made and replaced by `engine.handle` only. Grouped by how often things change: `Party` never, `Memory` when an
action writes to it, the rest with every event. Values of functions are JSON, so they are `object` here.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec


class Party(msgspec.Struct, frozen=True):
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


class Voice(msgspec.Struct, frozen=True):
    """How text is spoken. callpark records it; it has no loudspeaker."""

    name: str = "Joanna"
    engine: str | None = None
    style: str | None = None


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What references read. Flow attributes and loop rounds last for one run of one flow, the rest for the contact."""

    attributes: Mapping[str, str] = {}
    flow_attributes: Mapping[str, str] = {}
    external: object = None
    invocation_id: str | None = None
    stored_input: str | None = None
    loop_rounds: Mapping[str, int] = {}
    voice: Voice = Voice()
    logging: bool = False


Validation: TypeAlias = Literal["STRING_MAP", "JSON", "LENIENT"]
"""How a response is checked; LENIENT when the flow does not say (scalars become text, nested values are refused)."""


InvocationState: TypeAlias = Literal["pending", "succeeded", "failed", "timed_out", "abandoned"]
"""abandoned: the path that waited for a synchronous answer was left; whatever comes back is dropped."""


class Invocation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function that this contact started. Outcomes live as long as the contact, `payload` while it is pending."""

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


class WaitState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Wait in force: its branches with the invocation ids they were resolved to on entry, in declaration order."""

    action: str
    not_before: float
    events: tuple[tuple[str, str], ...] = ()
    continuing: bool = False


class Speaking(msgspec.Struct, frozen=True, tag="speaking"):
    """A prompt is being heard; the timer `prompt` ends it."""


class Collecting(msgspec.Struct, frozen=True, tag="collecting", omit_defaults=True):
    """Keys are being taken; `prompting` while the question itself is still heard."""

    maximum: int
    terminator: str
    digits: str = ""
    prompting: bool = False


class Calling(msgspec.Struct, frozen=True, tag="calling"):
    """A synchronous function is being waited for."""

    invocation_id: str


Activity: TypeAlias = Speaking | Collecting | Calling | None


class End(msgspec.Struct, frozen=True):
    """How a contact ended: AWS's disconnect reason, and what happened in words ("" when somebody just hung up).

    CONTACT_FLOW_DISCONNECT: the flow ended it. CUSTOMER_DISCONNECT: the caller. OTHER: it could not go on.
    """

    reason: str
    detail: str = ""


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A contact between two events.

    `position` is the action it stands at. While a Wait with a Continue branch is in force (`wait.continuing`),
    `position` and `activity` are the branch's, and the main path stands at `wait.action`. `timers` are the instants by
    name that must be armed. `function_seconds`: synchronous functions since the last prompt.
    """

    party: Party
    flow_arn: str
    position: str
    memory: Memory = Memory()
    activity: Activity = None
    wait: WaitState | None = None
    timers: Mapping[str, float] = {}
    invocations: Mapping[str, Invocation] = {}
    actions_run: int = 0
    function_seconds: float = 0.0
    functions_started: int = 0
    ended: End | None = None

    @property
    def id(self) -> str:
        return self.party.contact_id


_decoder = msgspec.msgpack.Decoder(Contact)
_encoder = msgspec.msgpack.Encoder()


def to_bytes(contact: Contact) -> bytes:
    return _encoder.encode(contact)


def from_bytes(data: bytes) -> Contact:
    """Raises msgspec.ValidationError (a ValueError) for what another version wrote differently."""
    return _decoder.decode(data)

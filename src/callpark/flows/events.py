"""What can happen to a contact: the events that `engine.handle` takes."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from callpark.flows.chat.model import Draft, Participant, Stream
from callpark.flows.contact import Target


class Started(msgspec.Struct, frozen=True):
    """The caller is connected; the flow begins."""


class Prepared(msgspec.Struct, frozen=True):
    """A chat has been made; nobody has connected yet."""


class KeyPressed(msgspec.Struct, frozen=True):
    """One of 0-9 * #."""

    key: str


class TimerFired(msgspec.Struct, frozen=True):
    """A timer of `contact.timers` is due; `at` is the instant it was armed for, and tells it from a later one."""

    name: str
    at: float


class FunctionAnswer(msgspec.Struct, frozen=True):
    """What a function gave back: its answer, or `failed` with a message for the log."""

    payload: bytes
    failed: bool = False
    message: str = ""


class FunctionReturned(msgspec.Struct, frozen=True):
    """A function that this contact started has ended."""

    invocation_id: str
    answer: FunctionAnswer


class HungUp(msgspec.Struct, frozen=True):
    """The caller has gone, or (with `detail`) the contact must end for a reason outside the flow."""

    reason: str = "CUSTOMER_DISCONNECT"
    detail: str = ""


class Spoke(msgspec.Struct, frozen=True):
    """The participant said or wrote something."""

    text: str


class Posted(msgspec.Struct, frozen=True):
    """A participant of a chat has sent something."""

    draft: Draft


class ViewAnswered(msgspec.Struct, frozen=True):
    """The user chose an action of the view that is shown."""

    action: str
    data: Mapping[str, object] = {}


class Signalled(msgspec.Struct, frozen=True):
    """Something a Wait may wait for has happened: CustomerReturned or BotParticipantDisconnected."""

    name: str


class StreamsChanged(msgspec.Struct, frozen=True):
    """The API lets topics be told of a chat, or stops that (by stream ids)."""

    started: tuple[Stream, ...] = ()
    stopped: tuple[str, ...] = ()


class BotInvited(msgspec.Struct, frozen=True):
    """A custom participant may connect to a chat until then (epoch seconds)."""

    bot: Participant
    until: float


class BotConnected(msgspec.Struct, frozen=True):
    """The custom participant is there."""


class BotLeft(msgspec.Struct, frozen=True):
    """The custom participant has disconnected."""


class Rehydrated(msgspec.Struct, frozen=True):
    """The API has a chat go on where `source` ended; `past`: the contacts whose transcripts come first."""

    source: str
    past: tuple[str, ...]


class AgentOffered(msgspec.Struct, frozen=True):
    """The contact is routed to an agent and rings for `rings` seconds. `answers_after`: when the agent accepts by
    themselves, None: when somebody who plays them does."""

    agent: str
    rings: float
    answers_after: float | None = None
    played: bool = False


class AgentAccepted(msgspec.Struct, frozen=True):
    """An agent takes the contact out of its queue."""

    agent: str


class AgentRejected(msgspec.Struct, frozen=True):
    """The agent does not take the contact that rings; it waits on."""

    agent: str


class AgentActed(msgspec.Struct, frozen=True):
    """The agent who has the contact puts the customer on hold, resumes, or leaves."""

    agent: str
    what: Literal["hold", "resume", "leave"]


class AgentTransferred(msgspec.Struct, frozen=True):
    """The agent who has the contact transfers it: by a flow, which runs with the agent still there, or at once."""

    agent: str
    target: Target | None = None
    flow: str | None = None


class AgentSpoke(msgspec.Struct, frozen=True):
    """The agent says something to the customer."""

    agent: str
    text: str


class AttributesSet(msgspec.Struct, frozen=True):
    """Another contact of the chain, or the API, sets contact attributes."""

    attributes: Mapping[str, str]


class RecordChanged(msgspec.Struct, frozen=True):
    """The API changes the contact record: tags and references by key, `members` (name, description) as they are."""

    tags: Mapping[str, str] = {}
    untagged: tuple[str, ...] = ()
    references: Mapping[str, Mapping[str, str]] = {}
    members: Mapping[str, str] = {}


class Rescheduled(msgspec.Struct, frozen=True):
    """The API lets a contact that has not begun begin at another time (epoch seconds)."""

    at: float


Event: TypeAlias = (
    Started
    | Prepared
    | KeyPressed
    | TimerFired
    | FunctionReturned
    | HungUp
    | Spoke
    | Posted
    | ViewAnswered
    | Signalled
    | StreamsChanged
    | BotInvited
    | BotConnected
    | BotLeft
    | Rehydrated
    | AgentOffered
    | AgentAccepted
    | AgentRejected
    | AgentActed
    | AgentTransferred
    | AgentSpoke
    | AttributesSet
    | RecordChanged
    | Rescheduled
)

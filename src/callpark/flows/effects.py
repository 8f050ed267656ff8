"""What the engine wants done: data, carried out by `lane.py` after the contact is saved, in this order.

Timers are no effects: which are armed is part of the contact (`contact.timers`).
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from callpark.flows.chat.model import Draft, Item, Participant
from callpark.flows.contact import Record
from callpark.flows.happenings import FlowHappening
from callpark.flows.prompts import Prompt


class Say(msgspec.Struct, frozen=True):
    """Let the participant hear a prompt, `text` to the ear, for `seconds`."""

    prompt: Prompt
    text: str
    seconds: float


class StopSpeaking(msgspec.Struct, frozen=True):
    """Cut the prompt off."""


class CollectKeys(msgspec.Struct, frozen=True):
    """Keys are wanted: `maximum` digits, fewer with `terminator`. `seconds_of_prompt`: how long the question lasts."""

    maximum: int
    terminator: str
    seconds_of_prompt: float


class StopCollecting(msgspec.Struct, frozen=True):
    """Keys are not wanted any more."""


class StartFunction(msgspec.Struct, frozen=True):
    """Run a function; its end comes back as FunctionReturned. `requested_arn` is what the flow said."""

    invocation_id: str
    function_arn: str
    requested_arn: str
    payload: bytes
    deadline: float


class Listen(msgspec.Struct, frozen=True):
    """Words are wanted (keys too); the question itself lasts `seconds_of_prompt`. StopCollecting ends it."""

    seconds_of_prompt: float


class ShowForm(msgspec.Struct, frozen=True):
    """Show a view with its data; the answer comes back as ViewAnswered."""

    view: str
    data: Mapping[str, object]


class Post(msgspec.Struct, frozen=True):
    """Put into the transcript what a participant has sent."""

    draft: Draft


class Note(msgspec.Struct, frozen=True):
    """Put an event into the transcript: who has come or gone, or what became of the chat (without an author)."""

    content_type: str
    author: Participant | None = None


class Show(msgspec.Struct, frozen=True):
    """Show the participants what the transcript has got. The lane adds it to what the engine wants."""

    items: tuple[Item, ...]


class Keep(msgspec.Struct, frozen=True):
    """Write a customer profile or a case where all contacts find it. `fields` replace those it has."""

    kind: Literal["profile", "case"]
    id: str
    fields: Mapping[str, str]


class OpenContact(msgspec.Struct, frozen=True):
    """Make another contact. It stands before its flow until `starts_at`."""

    contact_id: str
    channel: Literal["VOICE", "TASK"]
    initiation_method: str
    starts_at: float
    flow: str | None
    record: Record
    attributes: Mapping[str, str]
    address: str | None = None


class SetAttributes(msgspec.Struct, frozen=True):
    """Set attributes of another contact that is open."""

    contact_id: str
    attributes: Mapping[str, str]


class EndContact(msgspec.Struct, frozen=True):
    """The contact is over; nothing follows."""

    reason: str
    detail: str


class Warn(msgspec.Struct, frozen=True):
    """Tell the project's author, in words."""

    message: str


ForPhone: TypeAlias = Say | StopSpeaking | CollectKeys | StopCollecting | Listen | ShowForm | Post | Note | Show
"""What the participants hear of; the rest is the service's."""

Effect: TypeAlias = ForPhone | StartFunction | Keep | OpenContact | SetAttributes | EndContact | Warn | FlowHappening

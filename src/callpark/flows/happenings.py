"""What the trace is told about contacts: enough to draw who heard what when. Subject: the contact id.

Emitted by `service.py` from the engine's effects; read by `timeline.py`, the command line and tests.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec


class ContactStarted(msgspec.Struct, frozen=True):
    subject: str
    flow: str
    caller: str | None
    number: str | None


class ContactPrepared(msgspec.Struct, frozen=True):
    """A chat waits for its customer to connect."""

    subject: str
    flow: str


class FlowEntered(msgspec.Struct, frozen=True):
    """TransferToFlow went to another flow."""

    subject: str
    flow: str


class ActionEntered(msgspec.Struct, frozen=True):
    """`branch`: in the Continue branch of a Wait. `source`, `via`: the action and its edge that led here (as
    `transitions.Edge` names it), "" at the start of a flow. `result`: what the source action yielded, cut to a hundred
    characters. `flow` by name."""

    subject: str
    action: str
    type: str
    branch: bool
    source: str = ""
    via: str = ""
    flow: str = ""
    result: str = ""
    aside: bool = False
    """On the agent's leg."""


class Spoken(msgspec.Struct, frozen=True):
    """The participant begins to hear `text`, for `seconds` unless SpeechStopped comes first. `words`: 0 is a pause."""

    subject: str
    kind: str
    text: str
    seconds: float
    words: int


class SpeechStopped(msgspec.Struct, frozen=True):
    subject: str


class KeysWanted(msgspec.Struct, frozen=True):
    subject: str


class KeyTaken(msgspec.Struct, frozen=True):
    """`wanted`: False when no action was listening and the key was lost, as it is in Connect."""

    subject: str
    key: str
    wanted: bool


class KeysEnded(msgspec.Struct, frozen=True):
    """Input is over: the digits, or the error branch that was taken instead."""

    subject: str
    digits: str
    outcome: str


class FunctionStarted(msgspec.Struct, frozen=True):
    subject: str
    invocation_id: str
    function: str
    asynchronous: bool
    limit_seconds: float


class FunctionEnded(msgspec.Struct, frozen=True):
    """`outcome`: succeeded, failed, timed_out, or abandoned (nobody wants the answer any more)."""

    subject: str
    invocation_id: str
    function: str
    outcome: str
    reason: str


class FunctionRefused(msgspec.Struct, frozen=True):
    """A function could not be started at all."""

    subject: str
    function: str
    reason: str


class WaitEntered(msgspec.Struct, frozen=True):
    subject: str
    action: str
    limit_seconds: float
    continuing: bool


class WaitEnded(msgspec.Struct, frozen=True):
    """`branch`: the result that was taken, or "" when the contact left the wait by a terminal action."""

    subject: str
    action: str
    branch: str


class StageEntered(msgspec.Struct, frozen=True):
    """The contact has left its inbound flow: queued, agent_whisper, customer_whisper, connected, customer_hold,
    transferring or remaining. `agent`: "" before one has taken it."""

    subject: str
    stage: str
    queue: str
    agent: str


class AgentHeard(msgspec.Struct, frozen=True):
    """A prompt of an agent whisper or agent hold flow: the agent hears it, the customer does not."""

    subject: str
    text: str
    seconds: float


class AgentSpeechStopped(msgspec.Struct, frozen=True):
    """That prompt is cut off."""

    subject: str


class AgentFlowEntered(msgspec.Struct, frozen=True):
    """A flow begins for the agent, beside what the customer hears."""

    subject: str
    flow: str


class AgentFlowLeft(msgspec.Struct, frozen=True):
    """It is over: by itself, or because the agent is needed elsewhere."""

    subject: str


class ContactOffered(msgspec.Struct, frozen=True):
    """The contact rings for an agent, for so many seconds at most."""

    subject: str
    agent: str
    queue: str
    seconds: float


class OfferEnded(msgspec.Struct, frozen=True):
    """`outcome`: accepted, missed, rejected, or withdrawn because the contact has left the queue."""

    subject: str
    agent: str
    outcome: str


class AgentSaid(msgspec.Struct, frozen=True):
    """What an agent says to the customer of a call."""

    subject: str
    agent: str
    text: str


class ContactTransferred(msgspec.Struct, frozen=True):
    """An agent transfers the contact: to a queue or an agent by name, or into a flow."""

    subject: str
    agent: str
    to: str


class WordsTaken(msgspec.Struct, frozen=True):
    """`wanted`: False when nothing was listening."""

    subject: str
    text: str
    wanted: bool


class ViewShown(msgspec.Struct, frozen=True):
    subject: str
    view: str
    data: Mapping[str, object]


class ViewClosed(msgspec.Struct, frozen=True):
    """`action`: what the user chose, "" when nobody did."""

    subject: str
    view: str
    action: str


class ThirdPartyCalled(msgspec.Struct, frozen=True):
    """`outcome`: ringing, connected, ended, failed."""

    subject: str
    number: str
    outcome: str


class ContactOpened(msgspec.Struct, frozen=True):
    """This contact has made another one: a task or a callback."""

    subject: str
    contact_id: str
    channel: str
    initiation_method: str


class ActionFailed(msgspec.Struct, frozen=True):
    """An action took an error branch."""

    subject: str
    action: str
    error: str
    reason: str


class FlowLogged(msgspec.Struct, frozen=True):
    """An entry of Connect's flow log (group `/aws/connect/<alias>`)."""

    subject: str
    entry: Mapping[str, object]


class ContactEnded(msgspec.Struct, frozen=True):
    """`reason` is AWS's disconnect reason; `detail` says what happened when it was not simply a hang-up."""

    subject: str
    reason: str
    detail: str


FlowHappening: TypeAlias = (
    ContactStarted
    | ContactPrepared
    | FlowEntered
    | ActionEntered
    | Spoken
    | SpeechStopped
    | KeysWanted
    | KeyTaken
    | KeysEnded
    | FunctionStarted
    | FunctionEnded
    | FunctionRefused
    | WaitEntered
    | WaitEnded
    | StageEntered
    | AgentHeard
    | AgentSpeechStopped
    | AgentFlowEntered
    | AgentFlowLeft
    | ContactOffered
    | OfferEnded
    | AgentSaid
    | ContactTransferred
    | WordsTaken
    | ViewShown
    | ViewClosed
    | ThirdPartyCalled
    | ContactOpened
    | ActionFailed
    | FlowLogged
    | ContactEnded
)

"""What the engine wants done: data, carried out by `service.py` after the contact is saved, in this order."""

from typing import TypeAlias

import msgspec

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


class ArmTimer(msgspec.Struct, frozen=True):
    name: str
    at: float


class CancelTimer(msgspec.Struct, frozen=True):
    name: str


class EndContact(msgspec.Struct, frozen=True):
    """The contact is over; nothing follows."""

    reason: str
    detail: str


class Warn(msgspec.Struct, frozen=True):
    """Tell the project's author, in words."""

    message: str


Effect: TypeAlias = (
    Say
    | StopSpeaking
    | CollectKeys
    | StopCollecting
    | StartFunction
    | ArmTimer
    | CancelTimer
    | EndContact
    | Warn
    | FlowHappening
)

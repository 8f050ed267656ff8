"""How long each action keeps the contact, and whether the caller hears anything meanwhile. Pure.

Figures are the worst for silence and the best for a patient caller: nobody presses a key, functions answer at their
limit. What only the run knows (references) counts as words.
"""

from collections.abc import Mapping
from typing import NamedTuple

from callpark.flows.actions.invoke import maximum_seconds
from callpark.flows.actions.prompt import read_prompt
from callpark.flows.channels.voice import hear
from callpark.flows.language import Action, Flow
from callpark.flows.parameters import ParameterProblem, number
from callpark.flows.prompts import BadPrompt
from callpark.flows.references import as_text
from callpark.flows.resources import Resources, look_up
from callpark.kernel.limits import ConnectLimits

ENDS = frozenset(("DisconnectParticipant", "EndFlowExecution", "TransferContactToAgent"))
MOVES = frozenset(("TransferContactToQueue", "DequeueContactAndTransferToQueue", "TransferToFlow"))
HEARD = frozenset(
    (
        *("GetParticipantInput", "ConnectParticipantWithLexBot", "MessageParticipantIteratively", "ShowView"),
        *("InvokeFlowModule", "TransferParticipantToThirdParty", *MOVES, *ENDS, "EndFlowModuleExecution"),
    )
)
"""The caller is spoken to, is asked, or is somewhere else. A module counts as speaking: it is checked by itself."""


class Pace(NamedTuple):
    """Seconds. `silent`: at most, without anything to hear. `least`: at least, for somebody who presses nothing.
    `heard`: silence ends here. `pauses`: going round here is not spinning. `limit`: of a function's block."""

    silent: float = 0.0
    least: float = 0.0
    heard: bool = False
    pauses: bool = False
    limit: float = 0.0


def pace_of(flow: Flow, limits: ConnectLimits, resources: Resources) -> Mapping[str, Pace]:
    return {name: _pace(action, limits, resources) for name, action in flow.actions.items()}


def _pace(action: Action, limits: ConnectLimits, resources: Resources) -> Pace:
    if action.type == "InvokeLambdaFunction":
        return _function(action, limits)
    if action.type == "Wait":
        return _wait(action)
    if action.type == "MessageParticipant":
        spoken, words = _spoken(action, limits, resources)
        return Pace(0.0 if words else spoken, spoken, heard=words, pauses=spoken > 0)
    if action.type == "GetParticipantInput":
        spoken, _ = _spoken(action, limits, resources)
        return Pace(least=spoken + (seconds_of(action, "InputTimeLimitSeconds") or 0.0), heard=True, pauses=True)
    heard = action.type in HEARD
    return Pace(heard=heard, pauses=heard)


def is_asynchronous(action: Action) -> bool:
    return action.type == "InvokeLambdaFunction" and action.parameters.get("InvocationType") == "ASYNCHRONOUS"


def is_continuing(action: Action) -> bool:
    """A Wait with a Continue branch."""
    return str(action.parameters.get("ContinueExecution")).lower() == "true"


def seconds_of(action: Action, parameter: str) -> float | None:
    """A parameter in seconds, None when it is not there or only the run tells."""
    value = action.parameters.get(parameter)
    return number(as_text(value)) if isinstance(value, str | int | float) else None


def _function(action: Action, limits: ConnectLimits) -> Pace:
    asynchronous = is_asynchronous(action)
    most = maximum_seconds(limits, asynchronous)
    given = seconds_of(action, "InvocationTimeLimitSeconds")
    limit = most if given is None else min(given, most)
    return Pace(limit=limit) if asynchronous else Pace(silent=limit, pauses=True, limit=limit)


def _wait(action: Action) -> Pace:
    """With a Continue branch the caller hears that; with an event only, nothing; without either it is for chat. A limit
    that only the run knows counts as none."""
    seconds = seconds_of(action, "TimeLimitSeconds") or 0.0
    silent = not is_continuing(action) and bool(action.parameters.get("InterruptibleEvents"))
    return Pace(silent=seconds if silent else 0.0, pauses=True, limit=seconds)


def _spoken(action: Action, limits: ConnectLimits, resources: Resources) -> tuple[float, bool]:
    """Seconds of a prompt, and whether anything is heard in them."""
    try:
        prompt = read_prompt(action.parameters)
        if prompt is None:
            return 0.0, False
        if prompt.kind == "recording" and prompt.template.fixed is None:
            return limits.recorded_prompt_seconds, True
        heard = hear(prompt.resolve(lambda name: None), limits)
    except (ParameterProblem, BadPrompt):
        return 0.0, False
    recording = look_up(resources.prompts, prompt.template.source) if prompt.kind == "recording" else None
    seconds = heard.seconds if recording is None or recording.seconds is None else recording.seconds
    return seconds, heard.words > 0 or prompt.template.fixed is None

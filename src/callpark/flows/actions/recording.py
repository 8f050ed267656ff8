"""The two recording actions: the setting is kept on the contact, and nothing is recorded (our rule).

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontactrecordingbehavior.html
https://docs.aws.amazon.com/connect/latest/adminguide/set-recording-behavior.html
"""

from dataclasses import dataclass

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, members
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.turn import Turn

CHANNEL_MISMATCH, REDACTION_FAILED = "ChannelMismatch", "InFlightRedactionConfigurationFailed"
_PARTICIPANTS = {"RecordedParticipants": ("Agent", "Customer"), "ScreenRecordedParticipants": ("Agent",)}


@dataclass(frozen=True, slots=True)
class Recording:
    """`channel`: the only one that the setting is for, None for any."""

    action: Action
    setting: object
    channel: str | None = None

    def enter(self, turn: Turn) -> Outcome:
        if self.channel is not None and turn.party.channel != self.channel:
            turn.log(self.action, {}, Results=CHANNEL_MISMATCH)
            return Failed(CHANNEL_MISMATCH, f"the setting is for {self.channel}, this is {turn.party.channel}")
        turn.keep_setting("Recording", resolve_nested(self.setting, turn.namespace))
        turn.log(self.action, {})
        return DONE


def _check_participants(behaviour: object, path: str) -> None:
    for key, allowed in _PARTICIPANTS.items():
        listed = behaviour.get(key, []) if isinstance(behaviour, dict) else []
        if not isinstance(listed, list) or any(item not in allowed for item in listed):
            raise ParameterProblem(f"{path}.{key}", f"is a list of {', '.join(allowed)}")


def _prepare_recording(action: Action) -> Handlers:
    behaviour = members(action.parameters, "RecordingBehavior")
    analytics = members(action.parameters, "AnalyticsBehavior")
    if not behaviour and not analytics:
        raise ParameterProblem("RecordingBehavior", "is missing", missing=True)
    _check_participants(behaviour, "RecordingBehavior")
    return Handlers(Recording(action, compile_nested(action.parameters)).enter)


def _prepare_both(action: Action) -> Handlers:
    chat = members(action.parameters, "ChatBehavior")
    voice = members(action.parameters, "VoiceBehavior")
    if chat and voice:
        raise ParameterProblem("VoiceBehavior", "only one of ChatBehavior and VoiceBehavior may be given")
    if not chat and not voice and not members(action.parameters, "ScreenRecordingBehavior"):
        raise ParameterProblem("VoiceBehavior", "VoiceBehavior or ChatBehavior is needed", missing=True)
    _check_participants(members(voice, "VoiceRecordingBehavior"), "VoiceBehavior.VoiceRecordingBehavior")
    channel = "CHAT" if chat else "VOICE" if voice else None
    return Handlers(Recording(action, compile_nested(action.parameters), channel).enter)


UPDATE_CONTACT_RECORDING_BEHAVIOR = ActionType(
    "UpdateContactRecordingBehavior",
    _prepare_recording,
    frozenset(("RecordingBehavior", "AnalyticsBehavior")),
    errors=frozenset(),
    required_errors=frozenset(),
    optional_error_edge=True,
    results=NO_RESULT,
)
UPDATE_CONTACT_RECORDING_AND_ANALYTICS_BEHAVIOR = ActionType(
    "UpdateContactRecordingAndAnalyticsBehavior",
    _prepare_both,
    frozenset(("ChatBehavior", "VoiceBehavior", "ScreenRecordingBehavior")),
    errors=frozenset((NO_MATCHING_ERROR, CHANNEL_MISMATCH, REDACTION_FAILED)),
    required_errors=frozenset((NO_MATCHING_ERROR, CHANNEL_MISMATCH)),
    results=NO_RESULT,
)

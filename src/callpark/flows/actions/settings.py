"""UpdateFlowLoggingBehavior and UpdateContactTextToSpeechVoice: settings of the contact that last until changed.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-updateflowloggingbehavior.html
https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontacttexttospeechvoice.html
"""

from dataclasses import dataclass

from callpark.flows.contact import Voice
from callpark.flows.language import Action
from callpark.flows.parameters import choice, dynamic, required
from callpark.flows.program import DONE, NO_RESULT, ActionType, Handlers, Outcome
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class UpdateFlowLogging:
    action: Action
    enabled: bool

    def enter(self, turn: Turn) -> Outcome:
        """The switch itself is logged whichever way it goes."""
        turn.remember(logging=True)
        turn.log(self.action, {"LoggingBehavior": "Enable" if self.enabled else "Disable"})
        turn.remember(logging=self.enabled)
        return DONE


@dataclass(frozen=True, slots=True)
class UpdateVoice:
    action: Action
    name: Template
    engine: Template | None
    style: Template | None

    def enter(self, turn: Turn) -> Outcome:
        voice = Voice(
            self.name.text(turn.namespace),
            None if self.engine is None else self.engine.text(turn.namespace),
            None if self.style is None else self.style.text(turn.namespace),
        )
        turn.remember(voice=voice)
        turn.log(self.action, {"GlobalVoice": voice.name})
        return DONE


def _prepare_logging(action: Action) -> Handlers:
    enabled = choice(action.parameters, "FlowLoggingBehavior", ("Enabled", "Disabled")) == "Enabled"
    return Handlers(UpdateFlowLogging(action, enabled).enter)


def _prepare_voice(action: Action) -> Handlers:
    parameters = action.parameters
    voice = UpdateVoice(
        action,
        template(required(parameters, "TextToSpeechVoice")),
        dynamic(parameters, "TextToSpeechEngine"),
        dynamic(parameters, "TextToSpeechStyle"),
    )
    return Handlers(voice.enter)


UPDATE_FLOW_LOGGING_BEHAVIOR = ActionType(
    "UpdateFlowLoggingBehavior",
    _prepare_logging,
    frozenset(("FlowLoggingBehavior",)),
    errors=frozenset(),
    required_errors=frozenset(),
    results=NO_RESULT,
    static=frozenset(("FlowLoggingBehavior",)),
)
UPDATE_CONTACT_TEXT_TO_SPEECH_VOICE = ActionType(
    "UpdateContactTextToSpeechVoice",
    _prepare_voice,
    frozenset(("TextToSpeechVoice", "TextToSpeechEngine", "TextToSpeechStyle")),
    required_errors=frozenset(),
    optional_error_edge=True,
    results=NO_RESULT,
)

"""UpdateContactData: name, description, language, customer, Wisdom session, Voice ID switches of the contact record.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontactdata.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, choice, flag, number, required, scalar
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, as_text, template
from callpark.flows.turn import Turn

_RECORD = {
    "Name": "name",
    "Description": "description",
    "LanguageCode": "language_code",
    "CustomerId": "customer_id",
}
_SWITCHES = ("IsVoiceIdStreamingEnabled", "IsVoiceAuthenticationEnabled", "IsFraudDetectionEnabled")
_RANGES: Mapping[str, tuple[float, float]] = {
    "VoiceAuthenticationThreshold": (0, 100),
    "VoiceAuthenticationResponseTime": (5, 10),
    "FraudDetectionThreshold": (0, 100),
}
_FIELDS = frozenset((*_RECORD, "WisdomSessionArn", *_SWITCHES, *_RANGES, "WatchlistId"))


@dataclass(frozen=True, slots=True)
class UpdateData:
    action: Action
    values: Mapping[str, Template]
    related: bool

    def enter(self, turn: Turn) -> Outcome:
        """An undefined reference is an error: the fields take one reference each, and nothing is set."""
        found = {key: value.value(turn.namespace) for key, value in self.values.items()}
        undefined = [key for key, value in found.items() if value is None]
        if undefined or self.related:
            reason = f"{undefined[0]}: {self.values[undefined[0]].source} holds nothing" if undefined else _NO_RELATED
            turn.log(self.action, {}, Results=reason)
            return Failed(NO_MATCHING_ERROR, reason)
        texts = {key: as_text(value) for key, value in found.items()}
        turn.record(**{_RECORD[key]: value for key, value in texts.items() if key in _RECORD})
        for key, value in texts.items():
            if key not in _RECORD:
                turn.keep_setting(key, value)
        turn.log(self.action, texts)
        return DONE


_NO_RELATED = "callpark writes no other contact's data"


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    given = [key for key in parameters if key in _FIELDS]
    if not given:
        raise ParameterProblem("Name", f"at least one of {', '.join(sorted(_FIELDS))} is needed", missing=True)
    _check_voice_id(parameters)
    related = choice(parameters, "TargetContact", ("Current", "Related"), "Current") == "Related"
    return Handlers(UpdateData(action, {key: template(required(parameters, key)) for key in given}, related).enter)


def _check_voice_id(parameters: Mapping[str, object]) -> None:
    """The switches come together; thresholds are there exactly when what they belong to is on."""
    present = [key for key in _SWITCHES if key in parameters]
    if present and len(present) < len(_SWITCHES):
        missing = next(key for key in _SWITCHES if key not in parameters)
        raise ParameterProblem(missing, "the three Voice ID switches are set together", missing=True)
    for key, (low, high) in _RANGES.items():
        text = scalar(parameters, key)
        value = None if text is None else number(text)
        if text is not None and not text.startswith("$.") and (value is None or not low <= value <= high):
            raise ParameterProblem(key, f"must be {low:g} to {high:g}, not {text!r}")
        switch = "IsFraudDetectionEnabled" if key.startswith("Fraud") else "IsVoiceAuthenticationEnabled"
        if present and flag(parameters, switch) != (text is not None):
            raise ParameterProblem(key, f"is needed when {switch} is True, and only then", missing=text is None)


UPDATE_CONTACT_DATA = ActionType(
    "UpdateContactData", _prepare, _FIELDS | {"TargetContact"}, results=NO_RESULT, static=frozenset(("TargetContact",))
)

"""GetParticipantInput: the console's Get customer input (one key decides) and Store customer input (digits are kept).

Keys count from the first moment of the question and cut it off. `*` deletes what was typed unless it is switched off.
Stored input without any key is the value `Timeout`, and a success. Voice only.

https://docs.aws.amazon.com/connect/latest/devguide/participant-actions-getparticipantinput.html
"""

from dataclasses import dataclass

import msgspec

from callpark.flows.actions.encryption import BadKey, encrypted
from callpark.flows.actions.phone_number import PhoneNumberRule, read_phone_number_rule
from callpark.flows.actions.prompt import PARAMETERS, PromptTemplate, read_prompt
from callpark.flows.contact import Collecting
from callpark.flows.events import Event, KeyPressed, TimerFired
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, dynamic, flag, members, number, required, scalar
from callpark.flows.program import DONE, NO_MATCHING_ERROR, PARKED, ActionType, Failed, Handlers, Outcome, Result
from callpark.flows.prompts import BadPrompt
from callpark.flows.references import Template, template
from callpark.flows.turn import INPUT, PROMPT, Turn

TIMEOUT = "Timeout"


@dataclass(frozen=True, slots=True)
class Digits:
    """What Store customer input adds. `maximum` and `interdigit` are resolved when the action is reached."""

    maximum: Template | None
    phone_number: PhoneNumberRule | None
    terminator: str
    cancel_key: bool
    interdigit: Template | None
    encryption: tuple[Template, Template] | None = None
    """The id of the instance's security key, and the certificate to encrypt with."""


@dataclass(frozen=True, slots=True)
class Input:
    action: Action
    prompt: PromptTemplate | None
    first_digit: Template
    digits: Digits | None

    def enter(self, turn: Turn) -> Outcome:
        if self.digits is not None and self.digits.encryption is not None:
            problem = _unusable(turn, *self.digits.encryption)
            if problem:
                return self._fail(turn, problem)
        if (self.digits is not None and self._maximum(turn) is None) or self._seconds(turn, self.first_digit) is None:
            return self._fail(turn, "MaximumLength or InputTimeLimitSeconds is not a number in range")
        seconds = 0.0
        if self.prompt is not None:
            try:
                seconds = turn.say(self.prompt.resolve(turn.namespace)).seconds
            except BadPrompt as problem:
                return self._fail(turn, str(problem))
        maximum = 1 if self.digits is None else self._maximum(turn) or 1
        terminator = "" if self.digits is None else self.digits.terminator
        turn.activity = Collecting(maximum, terminator, prompting=self.prompt is not None)
        turn.want_keys(maximum, terminator, seconds)
        if self.prompt is None:
            self._await_first_key(turn)
        return PARKED

    def resume(self, turn: Turn, event: Event) -> Outcome:
        activity = turn.activity
        assert isinstance(activity, Collecting)
        if isinstance(event, KeyPressed):
            turn.hush()
            if self.digits is None:
                return self._menu(turn, event.key)
            return self._digit(turn, self.digits, activity, activity.digits + event.key)
        assert isinstance(event, TimerFired)
        if event.name == PROMPT:
            turn.activity = msgspec.structs.replace(activity, prompting=False)
            self._await_first_key(turn)
            return PARKED
        return self._time_is_up(turn, activity.digits)

    def _await_first_key(self, turn: Turn) -> None:
        turn.arm(INPUT, turn.now + (self._seconds(turn, self.first_digit) or 0))

    def _menu(self, turn: Turn, key: str) -> Outcome:
        turn.end_keys(key, "pressed")
        turn.log(self.action, {}, Results=key)
        return Result(key)

    def _digit(self, turn: Turn, digits: Digits, activity: Collecting, typed: str) -> Outcome:
        if typed.endswith(digits.terminator):
            return self._store(turn, digits, typed.removesuffix(digits.terminator))
        if digits.cancel_key and typed.endswith("*"):
            turn.activity = Collecting(activity.maximum, activity.terminator)
            self._await_first_key(turn)
            return PARKED
        if len(typed) >= activity.maximum:
            return self._store(turn, digits, typed)
        turn.activity = Collecting(activity.maximum, activity.terminator, typed)
        seconds = None if digits.interdigit is None else number(digits.interdigit.text(turn.namespace))
        turn.arm(INPUT, turn.now + (turn.world.limits.interdigit_seconds if seconds is None else max(0.0, seconds)))
        return PARKED

    def _time_is_up(self, turn: Turn, typed: str) -> Outcome:
        if self.digits is not None:
            return self._store(turn, self.digits, typed)
        turn.end_keys("", TIMEOUT)
        turn.log(self.action, {}, Results=TIMEOUT)
        return Failed("InputTimeLimitExceeded", "no key was pressed in time")

    def _store(self, turn: Turn, digits: Digits, typed: str) -> Outcome:
        """Digits are complete. Without any, the value is `Timeout`; a terminator alone counts as none (our rule)."""
        value: str | None = typed or TIMEOUT
        if typed and digits.phone_number is not None:
            value = digits.phone_number.normalise(typed)
        turn.end_keys("" if digits.encryption is not None else typed, "stored" if typed else TIMEOUT)
        if value is None:
            turn.log(self.action, {}, Results="InvalidPhoneNumber")
            return Failed("InvalidPhoneNumber", f"{typed} is no valid phone number")
        if typed and digits.encryption is not None:
            key_id, certificate = (part.text(turn.namespace) for part in digits.encryption)
            value = encrypted(value, key_id, certificate, turn.new_id("encryption"))
        turn.remember(stored_input=value)
        turn.log(self.action, {}, Results=value)
        return DONE

    def _maximum(self, turn: Turn) -> int | None:
        if self.digits is None or self.digits.maximum is None:
            return turn.world.limits.input_digits
        value = number(self.digits.maximum.text(turn.namespace))
        return int(value) if value is not None and 1 <= value <= turn.world.limits.input_digits else None

    def _seconds(self, turn: Turn, source: Template) -> float | None:
        value = number(source.text(turn.namespace))
        return value if value is not None and 0 < value <= turn.world.limits.first_digit_seconds else None

    def _fail(self, turn: Turn, reason: str) -> Outcome:
        turn.log(self.action, {}, Results=reason)
        return Failed(NO_MATCHING_ERROR, reason)


def _unusable(turn: Turn, key_id: Template, certificate: Template) -> str:
    """Why input cannot be encrypted with this key, "" when it can."""
    wanted = key_id.text(turn.namespace)
    if wanted not in turn.world.resources.security_keys:
        turn.warn(f"there is no security key {wanted!r}: name it under `security_keys:` in connect.yaml")
        return f"there is no security key {wanted!r}"
    try:
        encrypted("", wanted, certificate.text(turn.namespace), "")
    except BadKey as problem:
        return str(problem)
    return ""


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    stores = flag(parameters, "StoreInput")
    if "InputEncryption" in parameters:
        if not stores or "CustomValidation" not in members(parameters, "InputValidation"):
            raise ParameterProblem("InputEncryption", "is for stored input with CustomValidation")
        _read_encryption(action)
    prompt = read_prompt(parameters)
    if prompt is None and not flag(parameters, "EnableDTMFBuffer"):
        raise ParameterProblem("Text", "one of Text, SSML, PromptId, Media is needed", missing=True)
    input_ = Input(
        action,
        prompt,
        template(required(parameters, "InputTimeLimitSeconds")),
        _read_digits(action) if stores else None,
    )
    return Handlers(input_.enter, input_.resume)


def _read_digits(action: Action) -> Digits:
    validation = members(action.parameters, "InputValidation")
    custom = members(validation, "CustomValidation", "InputValidation.")
    phone_number = members(validation, "PhoneNumberValidation", "InputValidation.")
    if bool(custom) == bool(phone_number):
        raise ParameterProblem(
            "InputValidation", "storing needs CustomValidation or PhoneNumberValidation", missing=not validation
        )
    configuration = members(action.parameters, "DTMFConfiguration")
    terminator = scalar(configuration, "InputTerminationSequence", "DTMFConfiguration.") or "#"
    if len(terminator) > 5 or set(terminator) - set("0123456789*#"):
        raise ParameterProblem("DTMFConfiguration.InputTerminationSequence", "is up to five of 0-9 * #")
    return Digits(
        maximum=template(required(custom, "MaximumLength", "InputValidation.CustomValidation.")) if custom else None,
        phone_number=read_phone_number_rule(phone_number) if phone_number else None,
        terminator=terminator,
        cancel_key=not flag(configuration, "DisableCancelKey", "DTMFConfiguration."),
        interdigit=dynamic(configuration, "InterdigitTimeLimitSeconds", "DTMFConfiguration."),
        encryption=_read_encryption(action),
    )


def _read_encryption(action: Action) -> tuple[Template, Template] | None:
    encryption = members(action.parameters, "InputEncryption")
    if not encryption:
        return None
    key_id, key = (required(encryption, name, "InputEncryption.") for name in ("EncryptionKeyId", "Key"))
    return template(key_id), template(key)


GET_PARTICIPANT_INPUT = ActionType(
    "GetParticipantInput",
    _prepare,
    PARAMETERS
    | {
        "InputTimeLimitSeconds",
        "StoreInput",
        "InputValidation",
        "InputEncryption",
        "DTMFConfiguration",
        "EnableDTMFBuffer",
    },
    errors=frozenset((NO_MATCHING_ERROR, "NoMatchingCondition", "InputTimeLimitExceeded", "InvalidPhoneNumber")),
)

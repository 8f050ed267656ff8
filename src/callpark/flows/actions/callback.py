"""UpdateContactCallbackNumber and CreateCallbackContact: the customer is rung back when an agent is free.

A callback is a contact of its own that waits in the queue; its customer answers at the first attempt (our rule).

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontactcallbacknumber.html
https://docs.aws.amazon.com/connect/latest/devguide/interactions-createcallbackcontact.html
"""

from dataclasses import dataclass

import msgspec

from callpark.flows.actions.targets import PARAMETERS, TargetTemplate, read_target, resolve_or_working
from callpark.flows.contact import Record
from callpark.flows.effects import OpenContact
from callpark.flows.happenings import ContactOpened
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, dynamic, number, required
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn

_INVALID, _NOT_DIALABLE = "InvalidCallbackNumber", "CallbackNumberNotDialable"


@dataclass(frozen=True, slots=True)
class SetNumber:
    action: Action
    number: Template

    def enter(self, turn: Turn) -> Outcome:
        text = self.number.text(turn.namespace)
        number = _e164(text)
        turn.log(self.action, {"CallbackNumber": text}, **({} if number else {"Results": _INVALID}))
        if number is None:
            return Failed(_INVALID, f"{text!r} is no phone number")
        turn.record(callback_number=number)
        return DONE


@dataclass(frozen=True, slots=True)
class CreateCallback:
    action: Action
    target: TargetTemplate | None
    delay: float
    retry: float
    flow: Template | None
    caller_id: Template | None

    def enter(self, turn: Turn) -> Outcome:
        target = resolve_or_working(turn, self.target)
        record = turn.memory.record
        number = record.callback_number or turn.party.caller
        flow = None if self.flow is None else self.flow.text(turn.namespace)
        most = turn.world.limits.callback_delay_seconds
        problem = None
        if max(self.delay, self.retry) > most:
            problem = f"callbacks are delayed by {most} s at most"
        elif target is None:
            problem = "no queue to put the callback into"
        elif number is None:
            problem = "no number to ring back"
        elif flow is not None and turn.world.flow(flow) is None:
            problem = f"there is no flow {flow!r}"
        elif turn.crowded:
            problem = turn.crowded
        if problem is not None:
            turn.log(self.action, {}, Results=problem)
            return Failed(NO_MATCHING_ERROR, problem)
        contact_id = turn.new_id("callback")
        caller_id = None if self.caller_id is None else self.caller_id.text(turn.namespace)
        if target is not None and caller_id:
            target = msgspec.structs.replace(target, caller_id=caller_id)
        turn.effects.append(
            OpenContact(
                contact_id=contact_id,
                channel="VOICE",
                initiation_method="CALLBACK",
                starts_at=turn.now + (self.delay if flow is None else 0.0),
                flow=flow,
                record=Record(target=target, priority=record.priority, hooks={"CustomerQueue": ""}),
                attributes=turn.memory.attributes,
                address=number,
            )
        )
        turn.effects.append(ContactOpened(turn.subject, contact_id, "VOICE", "CALLBACK"))
        turn.log(self.action, {"PhoneNumber": number})
        return DONE


def _e164(text: str) -> str | None:
    import phonenumbers  # its tables take 30 ms to load

    try:
        parsed = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _prepare_number(action: Action) -> Handlers:
    number = template(required(action.parameters, "CallbackNumber"))
    if number.whole is None:
        raise ParameterProblem("CallbackNumber", "is one reference, never a number itself")
    return Handlers(SetNumber(action, number).enter)


def _prepare_callback(action: Action) -> Handlers:
    parameters = action.parameters
    _from_one(action, "MaximumConnectionAttempts")
    callback = CreateCallback(
        action,
        target=read_target(parameters),
        delay=_from_one(action, "InitialCallDelaySeconds"),
        retry=_from_one(action, "RetryDelaySeconds"),
        flow=dynamic(parameters, "ContactFlowId"),
        caller_id=dynamic(parameters, "CallerId"),
    )
    return Handlers(callback.enter)


def _from_one(action: Action, key: str) -> float:
    """A number from 1, 0 when it is absent."""
    if key not in action.parameters:
        return 0.0
    value = number(required(action.parameters, key))
    if value is None or value < 1:
        raise ParameterProblem(key, "must be a number from 1")
    return value


UPDATE_CONTACT_CALLBACK_NUMBER = ActionType(
    "UpdateContactCallbackNumber",
    _prepare_number,
    frozenset(("CallbackNumber",)),
    errors=frozenset((_INVALID, _NOT_DIALABLE, NO_MATCHING_ERROR)),
    required_errors=frozenset((_INVALID, _NOT_DIALABLE)),
    results=NO_RESULT,
)
CREATE_CALLBACK_CONTACT = ActionType(
    "CreateCallbackContact",
    _prepare_callback,
    PARAMETERS
    | {"InitialCallDelaySeconds", "MaximumConnectionAttempts", "RetryDelaySeconds", "ContactFlowId", "CallerId"},
    results=NO_RESULT,
    static=frozenset(("InitialCallDelaySeconds", "MaximumConnectionAttempts", "RetryDelaySeconds")),
)

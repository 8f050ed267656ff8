"""InvokeLambdaFunction: synchronous (the contact stands still, up to 8 s) or asynchronous (it goes on at once, 60 s).

The error branch of an asynchronous invocation is taken only when the function cannot be started (rule A7); what becomes
of it later is for Wait and LoadLambdaFunctionResult. Synchronous ones share 20 s between two prompts.

https://docs.aws.amazon.com/connect/latest/adminguide/invoke-lambda-function-block.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.contact import Calling, Invocation, Validation
from callpark.flows.effects import StartFunction
from callpark.flows.events import Event
from callpark.flows.happenings import FunctionRefused, FunctionStarted
from callpark.flows.language import Action
from callpark.flows.logs import FUNCTION_FAILED, FUNCTION_FORBIDDEN
from callpark.flows.namespaces import contact_data
from callpark.flows.parameters import ParameterProblem, choice, members, number, required, scalar
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, PARKED, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Namespace, Template, as_text, template
from callpark.flows.turn import FUNCTION, Turn
from callpark.flows.world import Refusal
from callpark.kernel.limits import ConnectLimits

MODES = ("SYNCHRONOUS", "ASYNCHRONOUS")


@dataclass(frozen=True, slots=True)
class Invoke:
    action: Action
    function: Template
    seconds: float | None
    asynchronous: bool
    validation: Validation
    attributes: Mapping[str, object]

    def enter(self, turn: Turn) -> Outcome:
        requested = self.function.text(turn.namespace)
        seconds = self._allowed_seconds(turn)
        function = self._startable(turn, requested, seconds)
        if isinstance(function, Refusal):
            forbidden = function.reason.startswith(FUNCTION_FORBIDDEN)
            results = FUNCTION_FORBIDDEN if forbidden else function.reason
            turn.effects.append(FunctionRefused(turn.subject, requested, function.reason))
            turn.log(self.action, self._log_parameters(requested, seconds), Results=results)
            return self._fail(turn, function.reason)
        invocation = Invocation(
            id=turn.new_invocation_id(),
            function_arn=function,
            started_at=turn.now,
            deadline=turn.now + seconds,
            asynchronous=self.asynchronous,
            validation=self.validation,
            payload=_payload(turn, self.attributes),
            flow_arn=turn.flow_arn,
            action=self.action.identifier,
        )
        turn.keep(invocation)
        turn.arm(FUNCTION + invocation.id, invocation.deadline)
        turn.effects.append(StartFunction(invocation.id, function, requested, invocation.payload, invocation.deadline))
        turn.effects.append(FunctionStarted(turn.subject, invocation.id, function, self.asynchronous, seconds))
        if not self.asynchronous:
            turn.activity = Calling(invocation.id)
            return PARKED
        turn.remember(invocation_id=invocation.id)
        turn.log(
            self.action,
            self._log_parameters(function, seconds) | {"InvocationType": "ASYNCHRONOUS", "InvocationId": invocation.id},
        )
        return DONE

    def resume(self, turn: Turn, event: Event) -> Outcome:
        """The synchronous function has its outcome."""
        activity = turn.activity
        assert isinstance(activity, Calling)
        invocation = turn.invocations[activity.invocation_id]
        turn.activity = None
        turn.forget(invocation)
        turn.function_seconds += turn.now - invocation.started_at
        parameters = self._log_parameters(invocation.function_arn, invocation.deadline - invocation.started_at)
        if invocation.state == "succeeded":
            turn.remember(external=invocation.result)
            turn.log(self.action, parameters, ExternalResults=invocation.result)
            return DONE
        turn.log(self.action, parameters, Results=FUNCTION_FAILED)
        reason = f"{invocation.function_arn}: {invocation.reason}"
        if invocation.state == "timed_out" and "TimeLimitExceeded" in self.action.errors:
            turn.remember(external=None)
            return Failed("TimeLimitExceeded", reason)
        return self._fail(turn, reason)

    def _allowed_seconds(self, turn: Turn) -> float:
        """The time limit of the block, within the mode's limit and what a row of functions may take in all."""
        most = maximum_seconds(turn.world.limits, self.asynchronous)
        seconds = most if self.seconds is None else min(self.seconds, most)
        if self.asynchronous:
            return seconds
        return min(seconds, turn.world.limits.function_sequence_seconds - turn.function_seconds)

    def _startable(self, turn: Turn, requested: str, seconds: float) -> str | Refusal:
        limits = turn.world.limits
        if seconds <= 0:
            return Refusal(
                f"functions without a prompt between them took {limits.function_sequence_seconds:g} s in all"
            )
        in_flight = sum(1 for other in turn.invocations.values() if other.state == "pending")
        if self.asynchronous and in_flight >= limits.functions_in_flight:
            return Refusal(f"{in_flight} functions of this contact are running already")
        function = turn.world.function(requested)
        if isinstance(function, Refusal):
            turn.warn(function.reason)
        return function

    def _fail(self, turn: Turn, reason: str) -> Outcome:
        if not self.asynchronous:
            turn.remember(external=None)
        return Failed(NO_MATCHING_ERROR, reason)

    def _log_parameters(self, function: str, seconds: float) -> dict[str, object]:
        parameters: dict[str, object] = {"FunctionArn": function, "TimeLimit": str(max(0, round(seconds * 1000)))}
        if self.validation != "LENIENT":
            parameters["ResponseValidation"] = f"ResponseType={self.validation}"
        return parameters


def maximum_seconds(limits: ConnectLimits, asynchronous: bool) -> float:
    return float(limits.asynchronous_function_seconds if asynchronous else limits.synchronous_function_seconds)


def _payload(turn: Turn, attributes: Mapping[str, object]) -> bytes:
    """The ContactFlowEvent, the same for both modes (rule A12)."""
    return orjson.dumps(
        {
            "Name": "ContactFlowEvent",
            "Details": {
                "ContactData": contact_data(turn.party, turn.memory),
                "Parameters": _resolve_attributes(attributes, turn.namespace),
            },
        }
    )


def _resolve_attributes(attributes: Mapping[str, object], namespace: Namespace) -> Mapping[str, object]:
    """Scalars become text; what a reference does not find is left out; nested JSON keeps its shape."""
    resolved = {key: resolve_nested(value, namespace) for key, value in attributes.items()}
    return {
        key: value if isinstance(value, dict | list) else as_text(value)
        for key, value in resolved.items()
        if value is not None
    }


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    limit = scalar(parameters, "InvocationTimeLimitSeconds")
    seconds = None if limit is None else number(limit)
    if limit is not None and (seconds is None or seconds < 1):
        raise ParameterProblem("InvocationTimeLimitSeconds", f"must be a number of seconds from 1, not {limit!r}")
    wanted = members(parameters, "ResponseValidation")
    validations: dict[str, Validation] = {"STRING_MAP": "STRING_MAP", "JSON": "JSON"}
    invoke = Invoke(
        action,
        function=template(required(parameters, "LambdaFunctionARN")),
        seconds=seconds,
        asynchronous=choice(parameters, "InvocationType", MODES, MODES[0]) == MODES[1],
        validation=validations[choice(wanted, "ResponseType", tuple(validations))] if wanted else "LENIENT",
        attributes={k: compile_nested(v) for k, v in members(parameters, "LambdaInvocationAttributes").items()},
    )
    return Handlers(invoke.enter, invoke.resume)


INVOKE_LAMBDA_FUNCTION = ActionType(
    "InvokeLambdaFunction",
    _prepare,
    frozenset(
        (
            "LambdaFunctionARN",
            "InvocationTimeLimitSeconds",
            "InvocationType",
            "LambdaInvocationAttributes",
            "ResponseValidation",
        )
    ),
    errors=frozenset((NO_MATCHING_ERROR, "TimeLimitExceeded")),
    results=NO_RESULT,
    static=frozenset(("InvocationTimeLimitSeconds", "InvocationType", "ResponseValidation")),
)

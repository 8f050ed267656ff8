"""The publish-time rules of single action types, beyond what their rows in the action table say. Pure.

Called by `validate.py` through the table SPECIFIC.

https://docs.aws.amazon.com/connect/latest/devguide/flow-language-actions.html
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from callpark.flows.actions.invoke import maximum_seconds
from callpark.flows.actions.metrics import AGENT_METRICS
from callpark.flows.language import Action, Flow
from callpark.flows.namespaces import SINGLE_VALUES
from callpark.flows.parameters import number
from callpark.flows.problems import Problem, error, warning
from callpark.flows.program import NO_MATCHING_CONDITION
from callpark.flows.references import template
from callpark.kernel.limits import ConnectLimits


def _operands(action: Action) -> Counter[str]:
    return Counter(operand for condition in action.conditions for operand in condition.operands)


def _need_conditions(action: Action, needed: tuple[str, ...]) -> Iterator[Problem]:
    present = _operands(action)
    for name in needed:
        if name not in present:
            yield error(f"Invalid branch. Path: {action.index}.Evaluate: condition {name} is missing", action)
    for name in present:
        if name not in needed:
            yield error(f"Invalid branch. Path: {action.index}.Evaluate: there is no result {name!r}", action)
    if any(condition.operator != "Equals" for condition in action.conditions):
        yield error(f"{action.type} takes the operator Equals only", action)


def _check_wait(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    parameters = action.parameters
    continuing = str(parameters.get("ContinueExecution")).lower() == "true"
    events = parameters.get("InterruptibleEvents")
    names = tuple(events) if isinstance(events, dict) else ()
    signals = parameters.get("Events")
    signalled = tuple(str(name) for name in signals) if isinstance(signals, list) else ()
    yield from _need_conditions(action, (*(("Continue",) if continuing else ()), *names, *signalled, "WaitCompleted"))
    if continuing and "MinimumWaitTimeSeconds" not in parameters:
        yield error("Action is missing required property. Path: Parameters.MinimumWaitTimeSeconds", action)
    for name in names:
        if len(name) > limits.branch_name_characters:
            yield error(f"branch name of more than {limits.branch_name_characters} characters", action)
    seconds = number(str(parameters.get("TimeLimitSeconds")))
    if seconds is not None and not 1 <= seconds <= limits.wait_seconds:
        yield error(
            f"Invalid Action property value. Path: Parameters.TimeLimitSeconds: 1 to {limits.wait_seconds}", action
        )
    if "ParticipantNotFound" in action.errors and "BotParticipantDisconnected" not in signalled:
        yield error("error branch ParticipantNotFound: only with the event BotParticipantDisconnected", action)
    if not continuing and not names:
        yield warning("on a voice contact a Wait without ContinueExecution or an event takes its error branch", action)


def _check_loop(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    yield from _need_conditions(action, ("ContinueLooping", "DoneLooping"))
    count = number(str(action.parameters.get("LoopCount")))
    if count is not None and not 0 <= count <= limits.loop_count:
        yield error(f"Invalid Action property value. Path: Parameters.LoopCount: 0 to {limits.loop_count}", action)


def _check_compare(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    compared = template(str(action.parameters.get("ComparisonValue", "")))
    if compared.whole is None or (len(compared.whole) == 1 and compared.whole[0] not in SINGLE_VALUES):
        yield error("Invalid Action property value. Path: Parameters.ComparisonValue: one reference to a value", action)
    if not action.conditions:
        yield error(f"Invalid branch. Path: {action.index}.Evaluate: at least one condition is needed", action)


def _check_input(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    stores = str(action.parameters.get("StoreInput")).lower() == "true"
    if stores:
        if "InputTimeLimitExceeded" in action.errors:
            yield error("error branch InputTimeLimitExceeded: not when input is stored", action)
        if action.conditions:
            yield error("stored input has no conditions", action)
        return
    if "InputValidation" in action.parameters:
        yield error("Invalid Action property name: InputValidation is for stored input", action)
    for kind in (NO_MATCHING_CONDITION, "InputTimeLimitExceeded"):
        if kind not in action.errors:
            yield error(
                f"Action is missing required property. Path: Actions[{action.index}].Transitions.Errors: {kind}",
                action,
            )
    for condition in action.conditions:
        if condition.operator != "Equals" or any(len(o) != 1 or o not in "0123456789*#" for o in condition.operands):
            yield error(f"Invalid branch. Path: {action.index}.Evaluate: conditions are Equals one of 0-9 * #", action)


def _check_invoke(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    asynchronous = action.parameters.get("InvocationType") == "ASYNCHRONOUS"
    seconds = number(str(action.parameters.get("InvocationTimeLimitSeconds")))
    most = maximum_seconds(limits, asynchronous)
    if seconds is not None and seconds > most:
        mode = "asynchronous" if asynchronous else "synchronous"
        yield error(f"InvocationTimeLimitSeconds {seconds:g}: {mode} functions have {most:g} s at most", action)
    if "TimeLimitExceeded" in action.errors:
        yield warning(
            "error branch TimeLimitExceeded: no export has one; it is taken when the function is too slow", action
        )
    arn = str(action.parameters.get("LambdaFunctionARN", ""))
    if arn and not arn.startswith(("arn:", "$.")):
        yield warning(f"LambdaFunctionARN {arn!r} is no ARN; fill it in", action)


def _check_flow_attributes(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    parameter = "Attributes" if action.type == "UpdateContactAttributes" else "FlowAttributes"
    keys = action.parameters.get(parameter)
    for key in keys if isinstance(keys, dict) else ():
        if template(key).fixed is not None and set(key) & set("$."):
            yield error(
                f"Invalid Action property value. Path: Parameters.{parameter}: key {key!r} holds $ or .", action
            )


def _check_range(action: Action, key: str, low: float, high: float) -> Iterator[Problem]:
    value = number(str(action.parameters.get(key)))
    if value is not None and not low <= value <= high:
        yield error(f"Invalid Action property value. Path: Parameters.{key}: {low:g} to {high:g}", action)


def _check_metric(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    if action.parameters.get("MetricType") not in AGENT_METRICS:
        return
    for condition in action.conditions:
        if (condition.operator, *condition.operands) != ("NumberGreaterThan", "0"):
            yield error(
                f"Invalid branch. Path: {action.index}.Evaluate: agent metrics are compared NumberGreaterThan 0", action
            )


def _check_percentage(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    thresholds = [number(operand) for condition in action.conditions for operand in condition.operands]
    if any(value is None or not 1 <= value <= 100 for value in thresholds):
        yield error(f"Invalid branch. Path: {action.index}.Evaluate: thresholds are 1 to 100", action)
    known = [value for value in thresholds if value is not None]
    if known != sorted(known):
        yield warning("a threshold below an earlier one is never reached", action)


def _check_voice_id(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    answers = {
        "enrollmentStatus": {"Enrolled", "NotEnrolled", "OptedOut"},
        "voiceAuthentication": {"Authenticated", "NotAuthenticated", "Inconclusive", "NotEnrolled", "OptedOut"},
        "fraudDetection": {"HighRisk", "LowRisk", "Inconclusive"},
    }.get(str(action.parameters.get("CheckVoiceIdOption")), set())
    for name in _operands(action):
        if name not in answers:
            yield error(f"Invalid branch. Path: {action.index}.Evaluate: there is no result {name!r}", action)
    yield warning("AWS ended Voice ID on 20 May 2026", action)


def _check_tags(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    tags = action.parameters.get("Tags")
    if isinstance(tags, Mapping) and len(tags) > limits.contact_tags:
        yield error(f"Invalid Action property value. Path: Parameters.Tags: {limits.contact_tags} tags at most", action)


def _check_callback(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    for key in ("InitialCallDelaySeconds", "RetryDelaySeconds"):
        yield from _check_range(action, key, 1, limits.callback_delay_seconds)
    attempts = number(str(action.parameters.get("MaximumConnectionAttempts")))
    if attempts is not None and attempts > 1:
        yield warning("callpark's customers answer a callback at the first attempt", action)


def _check_task(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    yield from _check_range(action, "DelaySeconds", 1, limits.task_delay_seconds)


def _check_outbound(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    yield from _check_range(action, "ConnectionTimeLimitSeconds", 1, limits.third_party_seconds)


def _check_third_party(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    yield from _check_range(action, "ThirdPartyConnectionTimeLimitSeconds", 1, limits.third_party_seconds)
    continuing = str(action.parameters.get("ContinueFlowExecution")).lower() == "true"
    for name in ("CallFailed", "ConnectionTimeLimitExceeded"):
        if name in action.errors and (not continuing or flow.type == "AGENT_TRANSFER"):
            yield error(
                f"error branch {name}: only with ContinueFlowExecution True, not in agent transfer flows", action
            )


def _check_case(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    linked = str(action.parameters.get("LinkContactToCase")).lower() == "true"
    if linked and "ContactNotLinked" not in action.errors:
        yield error(
            f"Action is missing required property. Path: Actions[{action.index}].Transitions.Errors: ContactNotLinked",
            action,
        )


def _check_round(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    seconds = number(str(action.parameters.get("InterruptFrequencySeconds")))
    if seconds is not None and seconds <= 20:
        yield warning("AWS advises an InterruptFrequencySeconds above 20", action)
    if seconds is not None and "MessagesInterrupted" not in _operands(action):
        yield warning("nothing follows MessagesInterrupted but NextAction", action)


SPECIFIC: Mapping[str, Callable[[Flow, Action, ConnectLimits], Iterator[Problem]]] = {
    "CheckMetricData": _check_metric,
    "CheckVoiceId": _check_voice_id,
    "Compare": _check_compare,
    "CompleteOutboundCall": _check_outbound,
    "CreateCallbackContact": _check_callback,
    "CreateCase": _check_case,
    "CreateTask": _check_task,
    "DistributeByPercentage": _check_percentage,
    "GetCase": _check_case,
    "GetParticipantInput": _check_input,
    "InvokeLambdaFunction": _check_invoke,
    "Loop": _check_loop,
    "MessageParticipantIteratively": _check_round,
    "TagContact": _check_tags,
    "TransferParticipantToThirdParty": _check_third_party,
    "UpdateCase": _check_case,
    "UpdateContactAttributes": _check_flow_attributes,
    "UpdateFlowAttributes": _check_flow_attributes,
    "Wait": _check_wait,
}

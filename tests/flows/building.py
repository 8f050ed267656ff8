"""Flows for tests, in the format of the console's export, built from a few words each."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from callpark.flows.language import Flow, parse_flow
from callpark.flows.model import FlowDefinition, InstanceDefinition

INSTANCE_ARN = "arn:aws:connect:us-east-1:123456789012:instance/11111111-2222-4333-8444-555555555555"
INSTANCE = InstanceDefinition(arn=INSTANCE_ARN, all_functions=True)

Action = dict[str, object]


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


def flow_arn(name: str) -> str:
    return f"{INSTANCE_ARN}/contact-flow/{name}"


def action(
    name: str,
    type_: str,
    parameters: Mapping[str, object] | None = None,
    then: str | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    when: Mapping[str, str] | Sequence[tuple[str, str, str]] | None = None,
) -> Action:
    """`when`: result → target for Equals, or (operator, operand, target) each."""
    transitions: dict[str, object] = {} if then is None else {"NextAction": then}
    if errors is not None:
        transitions["Errors"] = [{"ErrorType": kind, "NextAction": target} for kind, target in errors.items()]
    if when is not None:
        triples = [("Equals", *pair) for pair in when.items()] if isinstance(when, Mapping) else when
        transitions["Conditions"] = [
            {"NextAction": target, "Condition": {"Operator": operator, "Operands": [operand]}}
            for operator, operand, target in triples
        ]
    return {"Identifier": name, "Type": type_, "Parameters": dict(parameters or {}), "Transitions": transitions}


def say(name: str, text: str, then: str) -> Action:
    return action(name, "MessageParticipant", {"Text": text}, then, errors={"NoMatchingError": then})


def hang_up(name: str = "bye") -> Action:
    return action(name, "DisconnectParticipant")


def invoke(name: str, then: str, error: str = "bye", /, **parameters: object) -> Action:
    """An InvokeLambdaFunction of function F, synchronous unless told otherwise."""
    return action(
        name,
        "InvokeLambdaFunction",
        {"LambdaFunctionARN": function_arn("F"), "InvocationTimeLimitSeconds": "8", **parameters},
        then,
        errors={"NoMatchingError": error},
    )


def invoke_async(name: str, then: str, error: str = "bye", /, **parameters: object) -> Action:
    more = {"InvocationType": "ASYNCHRONOUS", "InvocationTimeLimitSeconds": "60"}
    return invoke(name, then, error, **{**more, "ResponseValidation": {"ResponseType": "JSON"}, **parameters})


def wait(
    name: str,
    *,
    events: Mapping[str, tuple[str, str]] | None = None,
    continuing: str | None = None,
    completed: str,
    error: str | None = None,
    limit: str = "60",
    minimum: str = "1",
) -> Action:
    """`events`: branch → (identifier reference, target); `continuing`: target of the Continue branch."""
    parameters: dict[str, object] = {"TimeLimitSeconds": limit}
    conditions: dict[str, str] = {}
    if continuing is not None:
        parameters |= {"ContinueExecution": "TRUE", "MinimumWaitTimeSeconds": minimum}
        conditions["Continue"] = continuing
    if events is not None:
        parameters["InterruptibleEvents"] = {
            branch: {"AsyncLambdaCompletionEvent": {"Identifier": identifier}}
            for branch, (identifier, _) in events.items()
        }
        conditions |= {branch: target for branch, (_, target) in events.items()}
    conditions["WaitCompleted"] = completed
    target = error or completed
    return action(name, "Wait", parameters, target, errors={"NoMatchingError": target}, when=conditions)


def load(name: str, then: str, *, reference: str, progress: str, error: str) -> Action:
    return action(
        name,
        "LoadLambdaFunctionResult",
        {"LambdaInvocationId": reference},
        then,
        errors={"NoMatchingError": error, "InProgress": progress},
    )


def keep(name: str, then: str, **attributes: str) -> Action:
    """UpdateFlowAttributes."""
    values = {key: {"Value": value} for key, value in attributes.items()}
    return action(name, "UpdateFlowAttributes", {"FlowAttributes": values}, then, errors={"NoMatchingError": then})


def content(*actions: Action, start: str | None = None, **more: object) -> str:
    """The first action starts the flow unless told otherwise."""
    first = start if start is not None else str(actions[0]["Identifier"])
    return json.dumps({"Version": "2019-10-30", "StartAction": first, "Metadata": {}, "Actions": list(actions), **more})


def definition(*actions: Action, name: str = "flow", type_: str = "CONTACT_FLOW") -> FlowDefinition:
    return FlowDefinition(name, flow_arn(name), content(*actions), type_, Path(f"{name}.json"))


def flow(*actions: Action, name: str = "flow", type_: str = "CONTACT_FLOW") -> Flow:
    return parse_flow(definition(*actions, name=name, type_=type_))


#: The pattern of the feature: ask for seconds, start a function, talk while it runs, load its answer. In the shape that
#: the console exports.
ASYNCHRONOUS = (
    action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "hello"),
    say("hello", "This flow shows a function at work.", "ask"),
    action(
        "ask",
        "GetParticipantInput",
        {
            "Text": "For how many seconds?",
            "StoreInput": "True",
            "InputTimeLimitSeconds": "5",
            "DTMFConfiguration": {"DisableCancelKey": "False", "InterdigitTimeLimitSeconds": "5"},
            "InputValidation": {"CustomValidation": {"MaximumLength": "2"}},
        },
        "invoke",
        errors={"NoMatchingError": "invoke"},
    ),
    invoke_async("invoke", "wait", "failed", LambdaInvocationAttributes={"SecondsDelay": "$.StoredCustomerInput"}),
    wait(
        "wait",
        events={"LambdaReturned": ("$.LambdaInvocation.InvocationId", "load")},
        continuing="please wait",
        completed="timed out",
        error="failed",
    ),
    say("please wait", "Please wait while it works.", "music"),
    action(
        "music",
        "MessageParticipant",
        {"PromptId": f"{INSTANCE_ARN}/prompt/CustomerQueue.wav"},
        "bye",
        errors={"NoMatchingError": "bye"},
    ),
    load("load", "done", reference="$.LambdaInvocation.InvocationId", progress="unfinished", error="failed"),
    say("done", "Your request is done.", "bye"),
    say("unfinished", "Your request is not done yet.", "bye"),
    say("timed out", "This took too long.", "bye"),
    say("failed", "There was an error.", "bye"),
    hang_up(),
)

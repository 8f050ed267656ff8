"""The contact flows that benchmarks call, in the flow language; functions are stubs that end when they are told to."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from callpark.flows.events import FunctionAnswer
from callpark.flows.model import FlowDefinition, InstanceDefinition
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock, sleep

INSTANCE = InstanceDefinition(arn=Place().arn("connect", "instance/bench"), all_functions=True)
LATEST = "$.LambdaInvocation.InvocationId"

Action = dict[str, object]


def flow(name: str, *actions: Action) -> FlowDefinition:
    content = {"Version": "2019-10-30", "StartAction": actions[0]["Identifier"], "Metadata": {}, "Actions": actions}
    return FlowDefinition(name, f"{INSTANCE.arn}/contact-flow/{name}", json.dumps(content))


def action(name: str, type_: str, parameters: Mapping[str, object], then: str | None = None, **when: str) -> Action:
    """`when`: result → target. Every error goes to `bye`."""
    if then is None:
        return {"Identifier": name, "Type": type_, "Parameters": parameters, "Transitions": {}}
    conditions = [
        {"NextAction": target, "Condition": {"Operator": "Equals", "Operands": [result]}}
        for result, target in when.items()
    ]
    errors = [{"NextAction": "bye", "ErrorType": kind} for kind in _ERRORS.get(type_, ("NoMatchingError",))]
    transitions = {"NextAction": then, "Conditions": conditions, "Errors": errors}
    return {"Identifier": name, "Type": type_, "Parameters": parameters, "Transitions": transitions}


_ERRORS = {"LoadLambdaFunctionResult": ("NoMatchingError", "InProgress")}


def start_function(name: str, then: str) -> Action:
    parameters = {
        "LambdaFunctionARN": Place().arn("lambda", f"function:{name}"),
        "InvocationTimeLimitSeconds": "60",
        "InvocationType": "ASYNCHRONOUS",
        "ResponseValidation": {"ResponseType": "JSON"},
    }
    return action(f"start {name}", "InvokeLambdaFunction", parameters, then)


def wait(name: str, identifier: str, then: str, limit: str = "60") -> Action:
    event = {"R": {"AsyncLambdaCompletionEvent": {"Identifier": identifier}}}
    parameters = {"TimeLimitSeconds": limit, "InterruptibleEvents": event}
    return action(name, "Wait", parameters, "late", R=then, WaitCompleted="late")


def say(name: str, text: str, then: str) -> Action:
    return action(name, "MessageParticipant", {"Text": text}, then)


def load(name: str, identifier: str, then: str) -> Action:
    return action(name, "LoadLambdaFunctionResult", {"LambdaInvocationId": identifier}, then)


def keep(name: str, value: str, then: str) -> Action:
    return action(f"keep {name}", "UpdateFlowAttributes", {"FlowAttributes": {name: {"Value": value}}}, then)


BYE = action("bye", "DisconnectParticipant", {})
LATE = say("late", "Too late.", "bye")

PARKED = flow("parked", wait("wait", "nobody", "bye", "86400"), LATE, BYE)
"""Stands in a Wait for a day."""

ROUNDS = flow("rounds", action("wait", "Wait", {"TimeLimitSeconds": "60"}, "wait", WaitCompleted="wait"), BYE)
"""A task that waits 60 seconds again and again."""


def parked_for(seconds: int) -> FlowDefinition:
    """Stands in a Wait for so long, then says so."""
    return flow(f"parked for {seconds}", wait("wait", "nobody", "bye", str(seconds)), LATE, BYE)


ONE = flow(
    "one",
    say("hello", "Please wait.", "start One"),
    start_function("One", "wait"),
    wait("wait", LATEST, "load"),
    load("load", LATEST, "done"),
    say("done", "Done.", "bye"),
    LATE,
    BYE,
)
"""A function, and a prompt when it has returned."""

NAMES = ("One", "Two", "Three")


def three_functions() -> FlowDefinition:
    """Three functions at once, the results of all of them said in the end."""
    actions = []
    for name, following in zip(NAMES, (*[f"start {name}" for name in NAMES[1:]], "wait One"), strict=True):
        actions += [start_function(name, f"keep {name}"), keep(name, LATEST, following)]
    for name, following in zip(NAMES, (*[f"wait {name}" for name in NAMES[1:]], "result"), strict=True):
        identifier = f"$.FlowAttributes.{name}"
        actions.append(wait(f"wait {name}", identifier, f"load {name}"))
        actions.append(load(f"load {name}", identifier, f"set {name}"))
        values = {"Attributes": {name: "$.External.value"}}
        actions.append(action(f"set {name}", "UpdateContactAttributes", values, following))
    result = say("result", " ".join(f"$.Attributes.{name}" for name in NAMES), "bye")
    return flow("three", *actions, result, LATE, BYE)


@dataclass(slots=True)
class Stubs:
    """`flows.ports.FunctionRunner` on the clock: a function answers its name after so many seconds."""

    clock: Clock
    seconds: Mapping[str, float]
    began: int = 0

    def refusal(self, function_arn: str) -> str | None:
        return None

    async def run(self, function_arn: str, payload: bytes, request_id: str) -> FunctionAnswer:
        self.began += 1
        name = function_arn.rpartition(":")[2]
        await sleep(self.clock, self.seconds[name])
        return FunctionAnswer(b'{"value":"%s"}' % name.encode())


@dataclass(slots=True)
class Told:
    """Functions that answer when somebody sets their future, by contact."""

    waiting: dict[str, "asyncio.Future[FunctionAnswer]"] = field(default_factory=dict)

    def refusal(self, function_arn: str) -> str | None:
        return None

    async def run(self, function_arn: str, payload: bytes, request_id: str) -> FunctionAnswer:
        contact_id: str = json.loads(payload)["Details"]["ContactData"]["ContactId"]
        self.waiting[contact_id] = asyncio.get_running_loop().create_future()
        return await self.waiting[contact_id]

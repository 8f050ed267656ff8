"""Flows that more than one test module calls, and how far they are let to go."""

from tests.flows.building import (
    ASYNCHRONOUS,
    action,
    definition,
    function_arn,
    hang_up,
    invoke_async,
    keep,
    load,
    say,
    wait,
)
from tests.flows.exchange import Office, Stub

LATEST = "$.LambdaInvocation.InvocationId"
PATTERN = definition(*ASYNCHRONOUS)
DELAY = Stub(
    lambda parameters: float(str(parameters["SecondsDelay"])), lambda parameters: {"status-code": 200, "data": {}}
)
"""The function of the pattern: it takes as long as the caller has keyed."""


def three_at_once() -> tuple[dict[str, object], ...]:
    steps = []
    for name, following in (("One", "Two"), ("Two", "Three"), ("Three", "wait One")):
        start = invoke_async(name, f"keep {name}", "bye", LambdaFunctionARN=function_arn(name))
        steps += [start, keep(f"keep {name}", following, **{name: LATEST})]
    for name, following in (("One", "wait Two"), ("Two", "wait Three"), ("Three", "result")):
        events = {"Returned": (f"$.FlowAttributes.{name}", f"load {name}")}
        steps.append(wait(f"wait {name}", events=events, continuing="talk", completed="bye", minimum="0"))
        steps.append(
            load(f"load {name}", f"set {name}", reference=f"$.FlowAttributes.{name}", progress="bye", error="bye")
        )
        values = {"Attributes": {name: "$.External.value"}}
        steps.append(
            action(f"set {name}", "UpdateContactAttributes", values, following, errors={"NoMatchingError": "bye"})
        )
    result = say("result", "$.Attributes.One $.Attributes.Two $.Attributes.Three", "bye")
    return (*steps, say("talk", "We are looking at three things at once for you.", "talk"), result, hang_up())


async def until_waiting(office: Office, keys: str = "30") -> str:
    """A call to the pattern, once it is in its Wait: the contact's id."""
    call = office.flows.start_call("flow", office.phone(keys))
    while not (office.flows.contacts() and office.flows.contacts()[0].wait):
        await office.clock.advance(1)
    return call.contact_id

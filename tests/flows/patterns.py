"""Flows that more than one test module calls."""

from tests.flows.building import action, function_arn, hang_up, invoke_async, keep, load, say, wait

LATEST = "$.LambdaInvocation.InvocationId"


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

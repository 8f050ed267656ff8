"""Flow modules: input, result, data, nesting, what crosses the boundary; and their contracts at publish time."""

import json
from collections.abc import Sequence

import pytest

from callpark.flows.contact import End
from callpark.flows.contracts import contract_problems, contracts_of, read_contract
from callpark.flows.engine import compiled
from callpark.flows.language import parse_flow
from callpark.flows.model import FlowDefinition
from callpark.flows.program import Program
from tests.flows.actions.single import edge, entry, single
from tests.flows.building import (
    Action,
    action,
    content,
    flow,
    flow_arn,
    hang_up,
    invoke_async,
    keep,
    load,
    say,
    wait,
)
from tests.flows.driving import Driver, PlainWorld

pytestmark = pytest.mark.unit

LATEST = "$.LambdaInvocation.InvocationId"


def module(*actions: Action, name: str = "m") -> Program:
    return compiled(flow(*actions, name=name, type_="MODULE"))


def end_module(result: str | None = None, name: str = "end", /, **data: object) -> Action:
    parameters: dict[str, object] = {} if result is None else {"Result": result}
    return action(name, "EndFlowModuleExecution", parameters | ({"ResultData": data} if data else {}))


def calls(program: Program, *, others: Sequence[Program] = (), **input_: object) -> Driver:
    """A flow that keeps an attribute, calls a module, and goes on by its result."""
    world = PlainWorld(modules={"m": program})
    call = action(
        "call",
        "InvokeFlowModule",
        {"FlowModuleId": "m", **({"Input": input_} if input_ else {})},
        "next",
        errors={"NoMatchingError": "failed"},
        when={"Yes": "yes"},
    )
    ends = [say("next", "Next [$.Modules.Result]", "bye"), say("failed", "Failed", "bye")]
    yes = say("yes", "Yes $.Modules.ResultData.n $.FlowAttributes.a", "bye")
    return Driver(keep("keep", "call", a="outer"), call, yes, *ends, hang_up(), world=world, others=others).start()


def test_input_goes_in_result_and_data_come_out_flow_attributes_do_neither() -> None:
    inner = module(
        say("a", "[$.Modules.Input.who] [$.FlowAttributes.a]", "b"),
        keep("b", "end", a="inner"),
        end_module("Yes", n="$.Modules.Input.number"),
    )
    driver = calls(inner, who="Ann $.Channel", number=7)
    assert driver.said == ["[Ann VOICE] []"]
    driver.next_timer()
    assert driver.said[-1] == "Yes 7 outer"
    assert driver.contact.frames == ()
    assert driver.contact.memory.module_input is None


def test_a_module_without_a_result_goes_on_by_next_action() -> None:
    assert calls(module(end_module())).said == ["Next []"]


def test_a_result_without_a_condition_goes_on_by_next_action() -> None:
    assert calls(module(end_module("No"))).said == ["Next [No]"]


def test_a_module_that_is_not_there() -> None:
    driver = single("InvokeFlowModule", {"FlowModuleId": "$.Attributes.none"})
    assert edge(driver) == "error NoMatchingError"
    assert "declare it under `modules:`" in driver.warnings[0]
    assert edge(single("InvokeFlowModule", {})) == "error NoMatchingError"


def test_five_deep_and_no_deeper() -> None:
    again = action("a", "InvokeFlowModule", {"FlowModuleId": "m"}, "end", errors={"NoMatchingError": "deep"})
    inner = module(again, end_module(), say("deep", "Deep", "end"))
    driver = calls(inner)
    assert len(driver.contact.frames) == 5
    assert driver.path.count("a") == 5
    driver.next_timer()
    assert driver.said == ["Deep", "Next []"]


def test_the_end_of_a_module_outside_of_one_ends_the_contact() -> None:
    driver = single("EndFlowModuleExecution", {})
    assert driver.contact.ended == End("OTHER", "action 'it': not in a module")


def test_another_flow_leaves_the_module_for_good() -> None:
    transfer = action(
        "a", "TransferToFlow", {"ContactFlowId": flow_arn("other")}, "end", errors={"NoMatchingError": "end"}
    )
    driver = calls(
        module(transfer, end_module()), others=[compiled(flow(say("a", "Other", "b"), hang_up("b"), name="other"))]
    )
    assert driver.said == ["Other"]
    assert driver.contact.frames == ()


def test_an_event_takes_the_contact_out_of_a_module_in_a_continue_branch() -> None:
    world = PlainWorld(modules={"m": module(say("inside", "Inside", "end"), end_module("Yes"))})
    call = action("call", "InvokeFlowModule", {"FlowModuleId": "m"}, "bye", errors={"NoMatchingError": "bye"})
    driver = Driver(
        keep("keep", "invoke", a="outer"),
        invoke_async("invoke", "wait"),
        wait("wait", events={"R": (LATEST, "load")}, continuing="call", completed="bye", minimum="0"),
        call,
        load("load", "done", reference=LATEST, progress="bye", error="bye"),
        say("done", "Done $.FlowAttributes.a", "bye"),
        hang_up(),
        world=world,
    ).start()
    assert driver.contact.position == "inside"
    driver.answer({})
    assert driver.said == ["Inside", "Done outer"]
    assert driver.contact.frames == ()


def test_a_wait_inside_a_module_ends_there() -> None:
    inner = module(
        invoke_async("invoke", "wait", "end"),
        wait("wait", events={"R": (LATEST, "end")}, continuing="talk", completed="end", minimum="0"),
        say("talk", "Talk", "out"),
        end_module("Yes", "out"),
        end_module("Yes"),
    )
    driver = calls(inner)
    driver.answer({})
    assert driver.said[-1].startswith("Yes")
    left = calls(inner)
    left.next_timer()  # the Continue branch leaves the module: the wait is dropped (A9)
    assert left.said[-1].startswith("Yes")
    assert left.contact.wait is None


def test_a_contact_in_a_module_survives_being_saved() -> None:
    """Driver saves and restores after each turn; here the frame is what matters."""
    driver = calls(module(say("inside", "Inside", "end"), end_module("Yes")))
    (frame,) = driver.contact.frames
    assert (frame.action, frame.flow_attributes) == ("call", {"a": "outer"})


def test_the_log_names_the_module_and_its_result() -> None:
    world = PlainWorld(modules={"m": module(end_module("Yes"))})
    driver = single("InvokeFlowModule", {"FlowModuleId": "m"}, when={"Yes": "on"}, world=world)
    assert driver.path[2] == "on"
    assert entry(driver)["Parameters"] == {"FlowModuleId": "m"}
    assert [item["Results"] for item in driver.log if item["ContactFlowModuleType"] == "EndFlowModuleExecution"] == [
        "Yes"
    ]


SETTINGS = {
    "input": {"schema": {"properties": {"who": {"type": "string"}, "count": {"type": "number"}}}},
    "resultData": {"schema": {"properties": {"n": {"type": "number"}}}},
    "transitions": {"results": [{"name": "Yes", "description": "it is"}]},
}


def problems(*, inner: Action, parameters: dict[str, object], when: dict[str, str]) -> list[str]:
    own = FlowDefinition("m", "arn/m", content(inner), "MODULE", settings=json.dumps(SETTINGS))
    call = action("call", "InvokeFlowModule", {"FlowModuleId": "arn/m:$LATEST", **parameters}, "bye", when=when)
    caller = FlowDefinition("f", "arn/f", content(call, hang_up()))
    contracts = contracts_of([own, caller])
    return [str(p) for d in (own, caller) for p in contract_problems(parse_flow(d), d, contracts)]


def test_what_keeps_to_the_contract_is_no_problem_and_all_of_it_may_be_left_out() -> None:
    kept = problems(inner=end_module("Yes", n=1), parameters={"Input": {"who": "$.Channel"}}, when={"Yes": "bye"})
    assert kept == []
    assert problems(inner=end_module(), parameters={}, when={}) == []


@pytest.mark.parametrize(
    ("inner", "parameters", "when", "message"),
    [
        (end_module("No"), {}, {}, "Result 'No' is not declared"),
        (end_module("Yes", m=1), {}, {}, "Parameters.ResultData.m is not declared"),
        (end_module("Yes", n="$.Channel"), {}, {}, "Parameters.ResultData.n must be of type number"),
        (end_module(), {"Input": {"what": "x"}}, {}, "Parameters.Input.what is not declared"),
        (end_module(), {"Input": {"who": 1}}, {}, "Parameters.Input.who must be text"),
        (end_module(), {"Input": {"count": "1"}}, {}, "Parameters.Input.count must be of type number"),
        (end_module(), {}, {"No": "bye"}, "condition 'No': the module declares no such result"),
    ],
)
def test_what_breaks_the_contract(
    inner: Action, parameters: dict[str, object], when: dict[str, str], message: str
) -> None:
    (found,) = problems(inner=inner, parameters=parameters, when=when)
    assert found.startswith("error")
    assert message in found


@pytest.mark.parametrize("settings", ["not json", "[]", '"text"'])
def test_settings_that_are_no_contract(settings: str) -> None:
    assert read_contract(settings) is None


def test_cyclic_modules_end_at_the_depth() -> None:
    """a calls b calls a: the error branch five deep, not an endless call."""
    one = action("a", "InvokeFlowModule", {"FlowModuleId": "two"}, "end", errors={"NoMatchingError": "end"})
    two = action("a", "InvokeFlowModule", {"FlowModuleId": "m"}, "end", errors={"NoMatchingError": "end"})
    world = PlainWorld(modules={"m": module(one, end_module()), "two": module(two, end_module(), name="two")})
    driver = single("InvokeFlowModule", {"FlowModuleId": "m"}, world=world)
    assert edge(driver) == "next"
    assert driver.errors == [("a", "NoMatchingError")]

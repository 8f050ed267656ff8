"""Flows that are wrong on purpose: a clear list of problems or the documented error branch, never an exception of ours,
in time that the file's size bounds."""

from typing import NamedTuple

import pytest

from callpark.flows.checking.table import check_flow
from callpark.flows.checking.view import Known
from callpark.flows.engine import compiled, handle, new_contact
from callpark.flows.events import Started
from callpark.flows.language import parse_flow, read_flow
from callpark.flows.model import FlowDefinition
from callpark.flows.validate import validate
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import Action, action, content, hang_up, invoke, keep, say
from tests.flows.driving import Driver, PlainWorld

pytestmark = pytest.mark.unit

MEGABYTE = 1_048_576


def of(text: str) -> FlowDefinition:
    return FlowDefinition("bad", "arn:bad", text)


class Bad(NamedTuple):
    """`problem`: a part of what validation says. `said`: what the caller hears before the contact ends, or nothing."""

    actions: list[Action]
    problem: str
    detail: str = ""


OUT = {"NoMatchingError": "bye"}
BAD = {
    "a loop without a pause": Bad([keep("a", "b", k="1"), keep("b", "a", k="2"), hang_up()], "", "10000 actions"),
    "hostile identifiers": Bad(
        [say("__proto__", "Hi.", "constructor"), hang_up("constructor")], "Identifier: up to 50"
    ),
    "an identifier of brackets": Bad([say("a[0].b", "Hi.", "bye"), hang_up()], "none of %"),
    "a long identifier": Bad([say("x" * 51, "Hi.", "bye"), hang_up()], "up to 50 characters"),
    "references to nothing": Bad([say("a", "Hi $.Nothing.at.all $.", "bye"), hang_up()], "no namespace $.Nothing"),
    "a function that is text": Bad([invoke("a", "bye", "bye", LambdaFunctionARN="later"), hang_up()], "is no ARN"),
    "a parameter of the wrong type": Bad(
        [action("a", "MessageParticipant", {"Text": {"a": []}}, "bye", errors=OUT), hang_up()], "must be text"
    ),
    "an unknown type": Bad([action("a", "CheckAttribute", {}, "bye", errors=OUT), hang_up()], "did you mean Compare"),
    "an unwired branch": Bad([say("a", "Hi.", ""), hang_up()], "is not wired", "leads nowhere"),
    "251 actions": Bad([*(say(str(i), "Hi.", str(i + 1)) for i in range(250)), hang_up("250")], "more than 250"),
    "a module that is not there": Bad(
        [action("a", "InvokeFlowModule", {"FlowModuleId": "gone"}, "bye", errors=OUT), hang_up()], ""
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_told_and_a_contact_comes_to_an_end(name: str) -> None:
    bad = BAD[name]
    flow = parse_flow(of(content(*bad.actions)))
    assert bad.problem in "\n".join(map(str, validate(flow, ConnectLimits())))
    call = Driver(*bad.actions).start()
    while call.contact.ended is None:
        call.next_timer()
    assert bad.detail in call.contact.ended.detail


@pytest.mark.parametrize("name", BAD)
def test_flow_check_looks_at_it(name: str) -> None:
    made = of(content(*BAD[name].actions))
    found = {item.code for item in check_flow(read_flow(made), made, Known(whole=True, functions={}))}
    assert found, name
    if name == "a loop without a pause":
        assert "CP111" in found


def large() -> dict[str, str]:
    """Ten megabytes of text and of nothing, two of all that takes work by the piece."""
    actions = [say(f"a{index}", "Hi.", f"a{index + 1}") for index in range(12_000)]
    when = {f"{index:0>20}": "bye" for index in range(20_000)}
    compare = action("a", "Compare", {"ComparisonValue": "$.Channel"}, "bye", errors=NO_CONDITION, when=when)
    attributes = {f"{index:0>120}": "$.Nothing.x" for index in range(12_000)}
    return {
        "one text": content(say("a", "word " * (2 * MEGABYTE), "bye"), hang_up()),
        "blanks": content(say("a", "$.Nothing.x", "bye"), hang_up()) + " " * 10 * MEGABYTE,
        "actions": content(*actions, hang_up("a12000")),
        "branches": content(compare, say("idle", "Hi.", "bye"), hang_up()),
        "references": content(keep("a", "bye", **attributes), hang_up()),
    }


NO_CONDITION = {"NoMatchingCondition": "bye"}


@pytest.mark.parametrize("name", ["one text", "blanks", "actions", "branches", "references"])
def test_large_files(name: str) -> None:
    """Problems, a run and a check; the work grows with the file, the test's time limit is the bound."""
    text = large()[name]
    assert len(text) > 1.5 * MEGABYTE
    made = of(text)
    flow = parse_flow(made)
    problems = validate(flow, ConnectLimits())
    program = compiled(flow)
    contact = new_contact(Driver(hang_up()).party, program)
    after, _, _ = handle(PlainWorld(), program, contact, Started(), 0.0)
    assert after.actions_run >= 1
    assert check_flow(flow, made, Known())
    assert problems or name == "one text"  # Only running it finds out that it is too long to be spoken


NONSENSE = ["[" * 10 * MEGABYTE, "{" * 100, '{"Actions":' * 200_000, '"' + "x" * 10 * MEGABYTE]


@pytest.mark.parametrize("text", NONSENSE, ids=["brackets", "braces", "nested", "one string"])
def test_ten_megabytes_of_nonsense(text: str) -> None:
    with pytest.raises(ProjectError):
        parse_flow(of(text))

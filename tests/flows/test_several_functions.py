"""Several asynchronous functions of one contact: which branch is taken, what stays loadable (A13, A15 to A17)."""

import uuid

import pytest

from callpark.flows.engine import compiled
from tests.flows.building import Action, action, flow, hang_up, invoke_async, keep, load, say, wait
from tests.flows.driving import Driver

pytestmark = pytest.mark.unit

LATEST = "$.LambdaInvocation.InvocationId"


def three_at_once(minimum: str = "0") -> Driver:
    """Three functions, their ids kept in flow attributes, one Wait for all of them."""
    steps: list[Action] = []
    for number, following in (("1", "invoke2"), ("2", "invoke3"), ("3", "wait")):
        steps += [
            invoke_async(f"invoke{number}", f"keep{number}"),
            keep(f"keep{number}", following, **{f"f{number}": LATEST}),
        ]
    events = {f"Returned{n}": (f"$.FlowAttributes.f{n}", f"load{n}") for n in "321"}
    return Driver(
        *steps,
        wait("wait", events=events, continuing="talk", completed="late", minimum=minimum),
        say("talk", "Please hold the line, this will take a little while.", "talk"),
        *[load(f"load{n}", f"said{n}", reference=f"$.FlowAttributes.f{n}", progress="bye", error="bye") for n in "123"],
        *[say(f"said{n}", f"{n}: $.External.n", "wait") for n in "123"],
        say("late", "Late", "bye"),
        hang_up(),
    ).start()


def test_a13_ids_are_uuids_of_their_own_and_the_same_in_every_replay() -> None:
    ids = [[start.invocation_id for start in three_at_once().started] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3
    assert all(str(uuid.UUID(id_)) == id_ for id_ in ids[0])


def test_each_of_three_functions_takes_its_own_branch() -> None:
    driver = three_at_once()
    driver.now = 1.0
    driver.answer({"n": "two"}, which=1)
    assert driver.path[-2:] == ["load2", "said2"]


def test_a15_among_several_finished_the_first_declared_wins() -> None:
    driver = three_at_once(minimum="5")
    for which in (0, 1, 2):
        driver.answer({"n": which}, which=which)
    driver.advance(5)
    assert driver.path[-2:] == ["load3", "said3"]


def test_a16_transfer_in_the_continue_branch_ends_the_wait_and_ids_stay_loadable() -> None:
    other = compiled(
        flow(
            say("pause", "Another flow.", "load"),
            load("load", "said", reference="$.Attributes.id", progress="bye", error="bye"),
            say("said", "$.External.n $.FlowAttributes.gone", "bye"),
            hang_up(),
            name="other",
        )
    )
    driver = Driver(
        invoke_async("invoke", "keep"),
        keep("keep", "attributes", gone="here"),
        action(
            "attributes",
            "UpdateContactAttributes",
            {"Attributes": {"id": LATEST}},
            "wait",
            errors={"NoMatchingError": "bye"},
        ),
        wait("wait", events={"Returned": (LATEST, "bye")}, continuing="transfer", completed="bye"),
        action(
            "transfer", "TransferToFlow", {"ContactFlowId": other.flow.arn}, "bye", errors={"NoMatchingError": "bye"}
        ),
        hang_up(),
        others=[other],
    ).start()
    assert driver.contact.flow_arn == other.flow.arn
    assert driver.contact.wait is None
    driver.answer({"n": "still here"})
    driver.until("said")
    assert driver.said == ["Another flow.", "still here"]


def test_a17_an_invoke_in_the_continue_branch_does_not_change_what_the_wait_waits_for() -> None:
    driver = Driver(
        invoke_async("invoke", "wait"),
        wait("wait", events={"Returned": (LATEST, "load")}, continuing="second", completed="bye", minimum="0"),
        invoke_async("second", "talk"),
        say("talk", "Please hold the line, this will take a little while.", "talk"),
        load("load", "said", reference=LATEST, progress="unfinished", error="bye"),
        say("said", "said", "bye"),
        say("unfinished", "The second one is unfinished.", "bye"),
        hang_up(),
    ).start()
    first, second = driver.started
    assert driver.contact.memory.invocation_id == second.invocation_id
    driver.answer({}, which=1)
    assert driver.path[-1] == "talk"
    driver.answer({}, which=0)
    assert driver.path[-2:] == ["load", "said"]
    assert first.invocation_id != second.invocation_id

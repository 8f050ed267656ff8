"""What every action type does with references in its parameters, and its entry in the flow log; then, by the tables,
what it does on each channel and where each of its errors leads. What is special to a type is in the other modules."""

import dataclasses
from collections.abc import Mapping

import msgspec
import pytest

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.contact import Memory
from callpark.flows.engine import compiled, handle, new_contact
from callpark.flows.events import Started
from callpark.flows.placement import PLACEMENTS, support
from callpark.flows.program import NO_MATCHING_ERROR, Failed, Handlers
from tests.flows.actions.rows import ATTRIBUTES, EVERYTHING, MODULE, OTHER, ROWS, Row
from tests.flows.actions.single import edge, entry, single
from tests.flows.building import action, flow
from tests.flows.driving import Driver, PlainWorld

pytestmark = pytest.mark.unit


def put(row: Row, channel: str | None = None) -> Driver:
    """A contact that has met the action, everything it needs declared."""
    type_ = ACTION_TYPES[row.type]
    return single(
        row.type,
        row.parameters,
        errors=sorted(type_.errors),
        when=row.when,
        channel=channel or row.channel,
        memory=Memory(attributes=ATTRIBUTES, found={"Customer": {"ProfileId": "p"}}),
        flow_type=row.flow_type,
        world=PlainWorld(declared=EVERYTHING, modules={"m": MODULE}),
        others=[OTHER],
    )


def test_every_type_has_its_row() -> None:
    assert sorted(row.type for row in ROWS) == sorted(ACTION_TYPES)


@pytest.mark.parametrize("row", ROWS, ids=[row.type for row in ROWS])
def test_the_result_with_references_resolved_and_the_log_line(row: Row) -> None:
    driver = put(row)
    row.act(driver)
    assert edge(driver) == row.taken
    assert all("$." not in said for said in driver.said)
    for started in driver.started:
        assert b"$." not in started.payload
    if row.logged is None:
        return
    line = entry(driver)
    assert line["ContactFlowModuleType"] == row.module_type
    parameters = line["Parameters"]
    assert isinstance(parameters, Mapping)
    assert row.logged.items() <= parameters.items()
    assert "$." not in str({**parameters, "Attribute": ""})  # Check attribute names what it compares


@pytest.mark.parametrize("channel", ["VOICE", "CHAT", "TASK", "EMAIL"])
@pytest.mark.parametrize("row", ROWS, ids=[row.type for row in ROWS])
def test_the_rule_of_the_channel(row: Row, channel: str) -> None:
    """An action that a channel does not have takes its error branch there, or succeeds without effect."""
    if row.type not in PLACEMENTS:
        return
    driver = put(row, channel)
    rule = support(row.type, channel)
    if rule == "error":
        has_edge = NO_MATCHING_ERROR in ACTION_TYPES[row.type].errors
        without = "next" if ACTION_TYPES[row.type].optional_error_edge else ""
        assert edge(driver) == ("error NoMatchingError" if has_edge else without)
        assert driver.said == []
    elif rule == "skip":
        assert edge(driver) == "next"
        assert driver.said == []
    else:
        row.act(driver)
        contact = driver.contact
        assert contact.ended is not None or contact.position != "it" or contact.activity is not None


EACH_ERROR = [(row, error) for row in ROWS for error in sorted(ACTION_TYPES[row.type].errors)]


@pytest.mark.parametrize(("row", "error"), EACH_ERROR, ids=[f"{row.type} {error}" for row, error in EACH_ERROR])
def test_where_each_error_leads(row: Row, error: str) -> None:
    """By its own branch; without one by NoMatchingError's; without that by NextAction where AWS allows it, else the
    contact ends with the reason."""
    type_ = ACTION_TYPES[row.type]

    def ends_at(*wired: str) -> str:
        errors = {kind: f"at {kind}" for kind in wired}
        steps = [action(name, "DisconnectParticipant") for name in ("next", *errors.values())]
        program = compiled(flow(action("it", row.type, row.parameters, "next", errors=errors), *steps))
        failing = dataclasses.replace(program.steps["it"], handlers=Handlers(lambda turn: Failed(error, "forced")))
        program = dataclasses.replace(program, steps={**program.steps, "it": failing})
        contact = new_contact(put(row).party, program)
        party = msgspec.structs.replace(contact.party, channel=row.channel)
        contact = msgspec.structs.replace(contact, party=party)
        after, _, effects = handle(PlainWorld(declared=EVERYTHING), program, contact, Started(), 0.0)
        assert after.ended is not None
        entered = [getattr(effect, "action", "") for effect in effects if type(effect).__name__ == "ActionEntered"]
        return entered[-1] if len(entered) > 1 else after.ended.detail

    assert ends_at(error, NO_MATCHING_ERROR) == f"at {error}"
    assert ends_at(NO_MATCHING_ERROR) == f"at {NO_MATCHING_ERROR}"
    alone = ends_at()
    assert alone == "next" if type_.optional_error_edge else "forced" in alone

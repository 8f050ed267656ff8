"""Contacts that a flow opens: callbacks and tasks, when they begin and what they know."""

from datetime import UTC, datetime

import pytest

from callpark.flows.contact import Memory, Record, Target
from callpark.flows.declared import Declared, TaskTemplate
from callpark.flows.effects import OpenContact
from callpark.flows.happenings import ContactOpened
from tests.flows.actions.single import NUMBER, edge, record, single
from tests.flows.building import flow_arn
from tests.flows.driving import CONTACT_ID, Driver

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "taken"),
    [("+441632960077", "next"), ("none", "error InvalidCallbackNumber"), ("+4", "error InvalidCallbackNumber")],
)
def test_the_number_to_ring_back(value: str, taken: str) -> None:
    errors = ("InvalidCallbackNumber", "CallbackNumberNotDialable")
    memory = Memory(attributes={"n": value})
    driver = single("UpdateContactCallbackNumber", {"CallbackNumber": "$.Attributes.n"}, errors=errors, memory=memory)
    assert edge(driver) == taken
    assert driver.contact.memory.record.callback_number == (value if taken == "next" else None)
    assert edge(single("UpdateContactCallbackNumber", {"CallbackNumber": value})) == "error NoMatchingError"


CALLBACK = {"InitialCallDelaySeconds": "99", "MaximumConnectionAttempts": "1", "RetryDelaySeconds": "600"}
TARGET = Target("arn:q", "Q")


def opened(driver: Driver) -> OpenContact:
    (effect,) = [effect for effect in driver.effects if isinstance(effect, OpenContact)]
    assert ContactOpened(CONTACT_ID, effect.contact_id, effect.channel, effect.initiation_method) in driver.effects
    return effect


def test_a_callback_waits_its_delay_and_goes_to_the_queue() -> None:
    made = opened(single("CreateCallbackContact", CALLBACK, memory=record(target=TARGET)))
    assert (made.channel, made.initiation_method, made.starts_at, made.address) == ("VOICE", "CALLBACK", 99.0, NUMBER)
    assert (made.flow, made.record.target) == (None, TARGET)
    parameters = {**CALLBACK, "QueueId": "Other", "ContactFlowId": flow_arn("flow"), "CallerId": "+441632960010"}
    flown = opened(single("CreateCallbackContact", parameters, memory=record(callback_number="+441632960077")))
    assert (flown.starts_at, flown.flow, flown.address) == (0.0, flow_arn("flow"), "+441632960077")
    assert flown.record.target == Target("Other", "Other", caller_id="+441632960010")


@pytest.mark.parametrize(
    "parameters",
    [
        CALLBACK,
        {**CALLBACK, "QueueId": "Q", "ContactFlowId": "none"},
        {**CALLBACK, "QueueId": "Q", "InitialCallDelaySeconds": "259201"},
        {**CALLBACK, "QueueId": "Q", "MaximumConnectionAttempts": "0"},
    ],
)
def test_callbacks_that_cannot_be(parameters: dict[str, object]) -> None:
    assert edge(single("CreateCallbackContact", parameters)) == "error NoMatchingError"


TASK = {"ContactFlowId": flow_arn("flow"), "Name": "For $.Attributes.n"}


def test_a_task_is_made_with_what_it_needs_to_know() -> None:
    parameters = {
        **TASK,
        "Description": "d",
        "Attributes": {"a": "$.Attributes.n", "b": "$.Attributes.none"},
        "References": {"link": "https://x", "mail": {"Type": "EMAIL", "Value": "a@b"}},
        "DelaySeconds": "30",
    }
    driver = single("CreateTask", parameters, memory=Memory(attributes={"n": "Ann"}))
    made = opened(driver)
    assert (made.channel, made.starts_at, made.flow) == ("TASK", 30.0, flow_arn("flow"))
    assert made.record == Record(
        name="For Ann",
        description="d",
        references={"link": {"Type": "URL", "Value": "https://x"}, "mail": {"Type": "EMAIL", "Value": "a@b"}},
    )
    assert made.attributes == {"a": "Ann"}
    assert driver.contact.memory.found["Task"] == {"ContactId": made.contact_id}


@pytest.mark.parametrize("text", ["3600", "1970-01-01T01:00:00Z", "1970-01-01T01:00:00", "1970-01-01T02:00:00+01:00"])
def test_a_scheduled_task(text: str) -> None:
    assert opened(single("CreateTask", {**TASK, "ScheduledTime": text})).starts_at == 3_600.0
    assert datetime.fromtimestamp(3_600, UTC).hour == 1


@pytest.mark.parametrize(
    "parameters",
    [
        {**TASK, "ContactFlowId": "none"},
        {**TASK, "DelaySeconds": "518401"},
        {**TASK, "DelaySeconds": "0"},
        {**TASK, "ScheduledTime": "soon"},
        {**TASK, "ScheduledTime": "1", "DelaySeconds": "1"},
        {**TASK, "TaskTemplateId": "none"},
        {"ContactFlowId": flow_arn("flow")},
        {"Name": "x"},
        {"Name": "x", "TaskTemplateId": "t"},
    ],
)
def test_tasks_that_cannot_be(parameters: dict[str, object]) -> None:
    declared = Declared(task_templates=(TaskTemplate(name="t"),))
    assert edge(single("CreateTask", parameters, declared=declared)) == "error NoMatchingError"


def test_a_task_by_a_declared_template_and_resuming_what_is_not_paused() -> None:
    declared = Declared(task_templates=(TaskTemplate(name="t"),))
    assert edge(single("CreateTask", {**TASK, "TaskTemplateId": "t"}, declared=declared)) == "next"
    assert edge(single("ResumeContact")) == "error NoMatchingError"

"""Contacts that the API makes, moves, tags, finds and measures."""

import pytest

from callpark.flows.declared import Agent, Declared, Hours, Queue
from callpark.flows.model import InstanceDefinition
from callpark.kernel.clock import VirtualClock, sleep
from tests.flows.building import INSTANCE_ARN, action, content, hang_up
from tests.flows.control.conftest import Refused
from tests.flows.control.scene import HELLO, Scene

pytestmark = pytest.mark.sim

QUEUED = content(
    action(
        "set",
        "UpdateContactTargetQueue",
        {"QueueId": f"{INSTANCE_ARN}/queue/q1"},
        "go",
        errors={"NoMatchingError": "bye"},
    ),
    action("go", "TransferContactToQueue", {}, "bye", errors={"NoMatchingError": "bye", "QueueAtCapacity": "bye"}),
    hang_up(),
)
OFFICE = InstanceDefinition(
    arn=INSTANCE_ARN,
    all_functions=True,
    declared=Declared(
        hours=(Hours(name="Office", days={}),),
        queues=(Queue(name="Support", id="q1", hours="Office", agents=("alice", "bob")), Queue(name="Other", id="q2")),
        agents=(Agent(name="alice"), Agent(name="bob", status="away")),
    ),
)


@pytest.fixture
async def office(clock: VirtualClock) -> Scene:
    return await Scene(clock, project=(OFFICE, [], [])).opened()


async def after(scene: Scene, seconds: float) -> None:
    await scene.clock.run_until(sleep(scene.clock, seconds))


async def test_a_task_begins_and_ends(scene: Scene) -> None:
    flow = await scene.flow()
    given = {"Name": "Call back", "ContactFlowId": flow, "Attributes": {"a": "1"}, "ClientToken": "t"}
    references = {"ticket": {"Value": "https://example.com/1", "Type": "URL"}, "n": {"Value": "7", "Type": "NUMBER"}}
    made = (await scene.call("StartTaskContact", **given, References=references))["ContactId"]
    assert (await scene.call("StartTaskContact", **given))["ContactId"] == made
    listed = await scene.call("ListContactReferences", ContactId=made, ReferenceTypes=["URL"])
    assert listed["ReferenceSummaryList"] == [{"Url": {"Name": "ticket", "Value": "https://example.com/1"}}]
    await after(scene, 1)
    contact = scene.office.flows.contact(made)
    assert contact is not None
    assert contact.ended is not None
    assert (contact.party.channel, contact.party.initiation_method) == ("TASK", "API")
    assert contact.memory.attributes == {"a": "1"}
    related = (await scene.call("StartTaskContact", Name="x", ContactFlowId=flow, RelatedContactId=made))["ContactId"]
    following = scene.office.flows.contact(related)
    assert following is not None
    assert following.memory.attributes == {"a": "1"}


async def test_a_scheduled_task_is_moved_tagged_and_survives(scene: Scene, refused: Refused) -> None:
    flow, now = await scene.flow(), scene.clock.now()
    refusal = await refused("StartTaskContact", Name="x", ContactFlowId=flow, ScheduledTime=now - 1)
    assert refusal.code == "InvalidParameterException"
    refusal = await refused("StartTaskContact", Name="x", ContactFlowId=flow, ScheduledTime=now + 7 * 86_400)
    assert refusal.code == "InvalidParameterException"
    made = (await scene.call("StartTaskContact", Name="x", ContactFlowId=flow, ScheduledTime=now + 100))["ContactId"]
    await scene.call("TagContact", ContactId=made, Tags={"team": "red", "b": "c"})
    await scene.call("UntagContact", ContactId=made, TagKeys=["b"])
    await scene.call("UpdateContact", ContactId=made, Name="renamed")
    await scene.call("UpdateContactSchedule", ContactId=made, ScheduledTime=now + 200)
    many = {str(number): "" for number in range(6)}
    assert (await refused("TagContact", ContactId=made, Tags=many)).code == "InvalidRequestException"
    scene = await scene.restarted()
    await after(scene, 150)
    contact = scene.office.flows.contact(made)
    assert contact is not None
    assert contact.ended is None
    assert (contact.memory.record.tags, contact.memory.record.name) == ({"team": "red"}, "renamed")
    await after(scene, 51)
    ended = scene.office.flows.contact(made)
    assert ended is not None
    assert ended.ended is not None
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        await scene.call("UpdateContactSchedule", ContactId=made, ScheduledTime=scene.clock.now() + 1)


async def test_a_simulated_customer_answers_outbound_calls(office: Scene) -> None:
    flow = await office.flow()
    where = {"DestinationPhoneNumber": "+441632960001", "ContactFlowId": flow}
    made = (await office.call("StartOutboundVoiceContact", **where, SourcePhoneNumber="+442079460000"))["ContactId"]
    await after(office, 30)
    contact = office.office.flows.contact(made)
    assert contact is not None
    assert contact.ended is not None
    assert (contact.party.caller, contact.party.number, contact.party.initiation_method) == (
        "+441632960001",
        "+442079460000",
        "API",
    )
    with pytest.raises(Exception, match="InvalidParameterException"):
        await office.call("StartOutboundVoiceContact", **where)


async def test_a_task_is_transferred_to_another_queue(office: Scene) -> None:
    first = await office.flow("first", QUEUED)
    second = await office.flow("second", content(*QUEUED_BY_TARGET))
    made = (await office.call("StartTaskContact", Name="x", ContactFlowId=first, Attributes={"a": "1"}))["ContactId"]
    await after(office, 10)
    moved = await office.call("TransferContact", ContactId=made, QueueId="q2", ContactFlowId=second)
    await after(office, 1)
    old, new = office.office.flows.contact(made), office.office.flows.contact(moved["ContactId"])
    assert old is not None
    assert new is not None
    assert old.ended is not None
    assert old.ended.reason == "API"
    assert new.desk is not None
    assert new.desk.target.name == "Other"
    assert (new.party.initiation_method, new.party.initial_contact_id) == ("TRANSFER", made)
    assert new.memory.attributes == {"a": "1"}


QUEUED_BY_TARGET = (
    action("go", "TransferContactToQueue", {}, "bye", errors={"NoMatchingError": "bye", "QueueAtCapacity": "bye"}),
    hang_up(),
)


async def test_metrics_of_queues(office: Scene, caplog: pytest.LogCaptureFixture) -> None:
    flow = await office.flow("queued", QUEUED)
    for _ in range(2):
        await office.call("StartTaskContact", Name="x", ContactFlowId=flow)
        await after(office, 10)
    names = ("CONTACTS_IN_QUEUE", "OLDEST_CONTACT_AGE", "AGENTS_ONLINE", "AGENTS_STAFFED")
    metrics = [{"Name": name, "Unit": "SECONDS" if "AGE" in name else "COUNT"} for name in names]

    async def values(**parameters: object) -> list[dict[str, float]]:
        given = {"Filters": {"Queues": ["q1", "q2"]}, "CurrentMetrics": metrics, **parameters}
        answer = await office.call("GetCurrentMetricData", **given)
        return [
            {each["Metric"]["Name"]: each["Value"] for each in result["Collections"]}
            for result in answer["MetricResults"]
        ]

    support = {"CONTACTS_IN_QUEUE": 2, "OLDEST_CONTACT_AGE": 20, "AGENTS_ONLINE": 2, "AGENTS_STAFFED": 1}
    assert await values() == [support]
    assert await values(Groupings=["QUEUE"]) == [dict.fromkeys(names, 0), support]
    with pytest.raises(Exception, match="NotImplemented"):
        await values(Groupings=["CHANNEL"])


async def test_contacts_are_found(office: Scene) -> None:
    began = office.clock.now()
    flow, queued = await office.flow(content=HELLO), await office.flow("queued", QUEUED)
    ids = []
    for name, to in (("One thing", flow), ("Another", flow), ("Waiting", queued)):
        made = await office.call("StartTaskContact", Name=name, ContactFlowId=to, Attributes={"n": name[0]})
        ids.append(made["ContactId"])
        await after(office, 10)
    whole = {"Type": "INITIATION_TIMESTAMP", "StartTime": began, "EndTime": office.clock.now()}

    async def found(**parameters: object) -> list[str]:
        answer = await office.call("SearchContacts", **{"TimeRange": whole, **parameters})
        return [each["Id"] for each in answer["Contacts"]]

    assert await found() == ids[::-1], "the latest first"
    assert await found(Sort={"FieldName": "INITIATION_TIMESTAMP", "Order": "ASCENDING"}) == ids
    assert await found(SearchCriteria={"QueueIds": ["q1"]}) == [ids[2]]
    assert await found(SearchCriteria={"Channels": ["VOICE"]}) == []
    names = {"SearchText": ["thing", "wait"], "MatchType": "MATCH_ANY"}
    assert await found(SearchCriteria={"Name": names}) == [ids[2], ids[0]]
    attributes = {"Criteria": [{"Key": "n", "Values": ["A"]}]}
    assert await found(SearchCriteria={"SearchableContactAttributes": attributes}) == [ids[1]]
    ended = {**whole, "Type": "DISCONNECT_TIMESTAMP"}
    assert await found(TimeRange=ended) == [ids[1], ids[0]]
    first = await office.call("SearchContacts", TimeRange=whole, MaxResults=2)
    rest = await office.call("SearchContacts", TimeRange=whole, MaxResults=2, NextToken=first["NextToken"])
    assert [each["Id"] for each in (*first["Contacts"], *rest["Contacts"])] == ids[::-1]
    with pytest.raises(Exception, match="NotImplemented"):
        await found(SearchCriteria={"AgentIds": ["x"]})

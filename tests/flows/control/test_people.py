"""Users, routing profiles, statuses and quick connects by the API: what routing makes of them, and what is kept."""

import dataclasses
from typing import Any

import pytest

from callpark.flows.agents.notes import Connected, Left, Offered
from callpark.flows.agents.panel import Panel
from callpark.flows.agents.service import Agents
from callpark.flows.chat.service import Chats
from callpark.flows.declared import Agent, Declared, ProfileQueue, Queue, QuickConnect, RoutingProfile
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from tests.flows.agents.centre import line
from tests.flows.building import INSTANCE, action, content, hang_up
from tests.flows.control.conftest import Refused
from tests.flows.control.scene import Scene

pytestmark = pytest.mark.sim


async def staffed(scene: Scene, **profile: object) -> dict[str, str]:
    """Two queues, a routing profile of both, a user with it; their ids."""
    hours = await scene.call(
        "CreateHoursOfOperation",
        Name="Always",
        TimeZone="UTC",
        Config=[
            {"Day": "MONDAY", "StartTime": {"Hours": 0, "Minutes": 0}, "EndTime": {"Hours": 0, "Minutes": 0}},
        ],
    )
    made: dict[str, str] = {}
    for name in ("Support", "Billing"):
        queue = await scene.call("CreateQueue", Name=name, HoursOfOperationId=hours["HoursOfOperationId"])
        made[name] = queue["QueueId"]
    given: dict[str, object] = {
        "Name": "Both",
        "Description": "Support before billing",
        "DefaultOutboundQueueId": made["Support"],
        "QueueConfigs": [config(made["Support"], 1), config(made["Billing"], 2)],
        "MediaConcurrencies": [
            {"Channel": "VOICE", "Concurrency": 1},
            {"Channel": "CHAT", "Concurrency": 2, "CrossChannelBehavior": {"BehaviorType": "ROUTE_ANY_CHANNEL"}},
        ],
    }
    made["profile"] = (await scene.call("CreateRoutingProfile", **{**given, **profile}))["RoutingProfileId"]
    made["user"] = (await scene.call("CreateUser", **await user(scene, "ada", made["profile"])))["UserId"]
    return made


def config(queue: str, priority: int, channel: str = "VOICE", delay: int = 0) -> dict[str, object]:
    return {"QueueReference": {"QueueId": queue, "Channel": channel}, "Priority": priority, "Delay": delay}


async def user(scene: Scene, name: str, profile: str, **more: object) -> dict[str, object]:
    security = (await scene.call("ListSecurityProfiles"))["SecurityProfileSummaryList"][0]["Id"]
    return {
        "Username": name,
        "SecurityProfileIds": [security],
        "RoutingProfileId": profile,
        "IdentityInfo": {"FirstName": "Ada", "LastName": "Lovelace"},
        "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AutoAccept": False, "AfterContactWorkTimeLimit": 15},
        **more,
    }


async def status_id(scene: Scene, name: str) -> str:
    listed = (await scene.call("ListAgentStatuses"))["AgentStatusSummaryList"]
    return str(next(each["Id"] for each in listed if each["Name"] == name))


def sit(scene: Scene, name: str) -> Panel:
    flows = scene.office.flows
    return Agents(flows, Chats(flows, scene.clock, SeededIds(3), ConnectLimits(), scene.office.store)).sit(name)


async def test_a_user_is_made_shown_changed_and_deleted(scene: Scene, refused: Refused) -> None:
    made = await staffed(scene)
    shown = (await scene.call("DescribeUser", UserId=made["user"]))["User"]
    assert (shown["Username"], shown["RoutingProfileId"]) == ("ada", made["profile"])
    assert shown["IdentityInfo"] == {"FirstName": "Ada", "LastName": "Lovelace"}
    assert shown["PhoneConfig"] == {"PhoneType": "SOFT_PHONE", "AutoAccept": False, "AfterContactWorkTimeLimit": 15}
    again = await user(scene, "ada", made["profile"])
    assert (await refused("CreateUser", **again)).code == "DuplicateResourceException"
    await scene.call(
        "UpdateUserIdentityInfo", UserId=made["user"], IdentityInfo={"FirstName": "Augusta", "LastName": "King"}
    )
    phone = {"PhoneType": "DESK_PHONE", "DeskPhoneNumber": "+441632960123", "AutoAccept": True}
    await scene.call("UpdateUserPhoneConfig", UserId=made["user"], PhoneConfig=phone)
    wrong = {"PhoneType": "DESK_PHONE"}
    assert (await refused("UpdateUserPhoneConfig", UserId=made["user"], PhoneConfig=wrong)).status == 400
    again_there = await scene.restarted()
    shown = (await again_there.call("DescribeUser", UserId=made["user"]))["User"]
    assert shown["IdentityInfo"]["FirstName"] == "Augusta"
    assert shown["PhoneConfig"] == {**phone, "AfterContactWorkTimeLimit": 0}
    found = await again_there.call(
        "SearchUsers",
        SearchCriteria={"StringCondition": {"FieldName": "Username", "Value": "AD", "ComparisonType": "STARTS_WITH"}},
    )
    assert [each["Id"] for each in found["Users"]] == [made["user"]]
    await again_there.call("DeleteUser", UserId=made["user"])
    assert (await again_there.call("ListUsers"))["UserSummaryList"] == []


async def test_references_have_to_be_there(scene: Scene, refused: Refused) -> None:
    made = await staffed(scene)
    bob = await user(scene, "bob", made["profile"])
    for wrong in (
        {"RoutingProfileId": "none"},
        {"SecurityProfileIds": ["none"]},
    ):
        assert (await refused("CreateUser", **{**bob, **wrong})).code == "ResourceNotFoundException"
    assert (await refused("UpdateUserRoutingProfile", UserId=made["user"], RoutingProfileId="x")).status == 404
    assert (await refused("PutUserStatus", UserId=made["user"], AgentStatusId="none")).status == 404
    assert (await refused("DismissUserContact", UserId=made["user"], ContactId="none")).status == 404


async def test_a_routing_profile_is_what_routing_goes_by(scene: Scene, refused: Refused) -> None:
    made = await staffed(scene)
    shown = (await scene.call("DescribeRoutingProfile", RoutingProfileId=made["profile"]))["RoutingProfile"]
    assert shown["MediaConcurrencies"] == [
        {
            "Channel": "VOICE",
            "Concurrency": 1,
            "CrossChannelBehavior": {"BehaviorType": "ROUTE_CURRENT_CHANNEL_ONLY"},
        },
        {"Channel": "CHAT", "Concurrency": 2, "CrossChannelBehavior": {"BehaviorType": "ROUTE_ANY_CHANNEL"}},
    ]
    assert (shown["NumberOfAssociatedQueues"], shown["NumberOfAssociatedUsers"]) == (2, 1)
    (staff,) = scene.office.flows.instance.resources.staff
    assert [(entry.priority, entry.channel) for entry in staff.serves] == [(1, "VOICE"), (2, "VOICE")]
    assert (staff.concurrency.most["CHAT"], staff.concurrency.most["TASK"]) == (2, 0)
    profile = {"RoutingProfileId": made["profile"]}
    await scene.call("UpdateRoutingProfileQueues", **profile, QueueConfigs=[config(made["Support"], 3, delay=20)])
    await scene.call("AssociateRoutingProfileQueues", **profile, QueueConfigs=[config(made["Support"], 1, "CHAT")])
    reference = {"QueueId": made["Billing"], "Channel": "VOICE"}
    await scene.call("DisassociateRoutingProfileQueues", **profile, QueueReferences=[reference])
    listed = await scene.call("ListRoutingProfileQueues", **profile)
    assert [
        (each["QueueName"], each["Channel"], each["Priority"], each["Delay"])
        for each in listed["RoutingProfileQueueConfigSummaryList"]
    ] == [("Support", "CHAT", 1, 0), ("Support", "VOICE", 3, 20)]
    assert (await refused("DeleteQueue", QueueId=made["Support"])).code == "ResourceInUseException"
    await scene.call("DeleteQueue", QueueId=made["Billing"])
    concurrency = [{"Channel": "VOICE", "Concurrency": 2}]
    wrong = await refused("UpdateRoutingProfileConcurrency", **profile, MediaConcurrencies=concurrency)
    assert wrong.message == "The concurrency of VOICE is 1 at most."
    assert (await refused("DeleteRoutingProfile", **profile)).code == "ResourceInUseException"
    await scene.call("DeleteUser", UserId=made["user"])
    await scene.call("DeleteRoutingProfile", **profile)
    (basic,) = (await scene.call("ListRoutingProfiles"))["RoutingProfileSummaryList"]
    assert basic["Name"] == "Basic Routing Profile"
    assert (await refused("DeleteRoutingProfile", RoutingProfileId=basic["Id"])).status == 400
    queues = [config(made["Support"], 1)]
    assert (await refused("AssociateRoutingProfileQueues", RoutingProfileId=basic["Id"], QueueConfigs=queues)).status
    unknown = await refused("UpdateRoutingProfileQueues", RoutingProfileId=basic["Id"], QueueConfigs=queues)
    assert unknown.message == "Basic Routing Profile has all queues of the instance."


async def test_who_has_the_basic_routing_profile_takes_contacts_of_all_queues(scene: Scene) -> None:
    made = await staffed(scene)
    (basic,) = [
        each["Id"]
        for each in (await scene.call("ListRoutingProfiles"))["RoutingProfileSummaryList"]
        if each["Name"] == "Basic Routing Profile"
    ]
    await scene.call("UpdateUserRoutingProfile", UserId=made["user"], RoutingProfileId=basic)
    (staff,) = scene.office.flows.instance.resources.staff
    assert len(staff.serves) == 2


async def test_statuses(scene: Scene, refused: Refused) -> None:
    made = await scene.call("CreateAgentStatus", Name="Lunch", State="ENABLED", DisplayOrder=4)
    shown = (await scene.call("DescribeAgentStatus", AgentStatusId=made["AgentStatusId"]))["AgentStatus"]
    assert (shown["Type"], shown["State"], shown["DisplayOrder"]) == ("CUSTOM", "ENABLED", 4)
    listed = await scene.call("ListAgentStatuses", AgentStatusTypes=["CUSTOM"])
    assert [each["Name"] for each in listed["AgentStatusSummaryList"]] == ["Away", "Lunch"]
    staff = await staffed(scene)
    await scene.call("PutUserStatus", UserId=staff["user"], AgentStatusId=made["AgentStatusId"])
    assert (await now(scene, staff["user"]))["Status"]["StatusName"] == "Lunch"
    again = await scene.restarted()
    assert (await now(again, staff["user"]))["Status"]["StatusName"] == "Lunch"
    await again.call("UpdateAgentStatus", AgentStatusId=made["AgentStatusId"], Name="Dinner", State="DISABLED")
    assert (await now(again, staff["user"]))["Status"]["StatusName"] == "Offline"  # theirs is gone
    available = await status_id(again, "Available")
    assert (await refused_by(again, "UpdateAgentStatus", AgentStatusId=available, State="DISABLED")) == 400
    assert (await refused_by(again, "PutUserStatus", UserId=staff["user"], AgentStatusId=made["AgentStatusId"])) == 400


async def refused_by(scene: Scene, operation: str, **parameters: object) -> int:
    with pytest.raises(CallerError) as refusal:
        await scene.call(operation, **parameters)
    return refusal.value.status


async def now(scene: Scene, user_id: str) -> Any:
    (data,) = (await scene.call("GetCurrentUserData", Filters={"Agents": [user_id]}))["UserDataList"]
    return data


async def test_what_agents_do_now_and_dismissing_it(scene: Scene, refused: Refused, clock: VirtualClock) -> None:
    made = await staffed(scene)
    flow = line()
    flow_id = await scene.flow("line", flow.content)
    ada = sit(scene, "ada")
    assert (await now(scene, made["user"]))["Status"]["StatusName"] == "Offline"
    await scene.call("PutUserStatus", UserId=made["user"], AgentStatusId=await status_id(scene, "Available"))
    idle = await now(scene, made["user"])
    assert (idle["MaxSlotsByChannel"], idle["AvailableSlotsByChannel"]) == (
        {"VOICE": 1, "CHAT": 2},
        {"VOICE": 1, "CHAT": 2},
    )
    call = scene.office.flows.start_call(flow_id, scene.office.phone())
    await clock.run_until(ada.next(Offered))
    (contact,) = (await now(scene, made["user"]))["Contacts"]
    assert (contact["ContactId"], contact["AgentContactState"]) == (call.contact_id, "CONNECTING")
    assert contact["Queue"]["Id"] == made["Support"]
    await ada.accept(call.contact_id)
    await clock.run_until(ada.next(Connected))
    await ada.hold(call.contact_id)
    busy = await now(scene, made["user"])
    assert [each["AgentContactState"] for each in busy["Contacts"]] == ["CONNECTED_ONHOLD"]
    assert (busy["ActiveSlotsByChannel"]["VOICE"], busy["AvailableSlotsByChannel"]["VOICE"]) == (1, 0)
    dismissing = {"UserId": made["user"], "ContactId": call.contact_id}
    assert (await refused("DismissUserContact", **dismissing)).status == 400
    by_queue = await scene.call("GetCurrentUserData", Filters={"Queues": [made["Billing"]]})
    assert [each["User"]["Id"] for each in by_queue["UserDataList"]] == [made["user"]]
    filtered = {"RoutingProfiles": [made["profile"]], "ContactFilter": {"ContactStates": ["MISSED"]}}
    assert (await scene.call("GetCurrentUserData", Filters=filtered))["UserDataList"] == []
    assert (await refused("GetCurrentUserData", Filters={})).code == "InvalidParameterException"
    assert await metric(scene, made, "AGENTS_ON_CONTACT", "AGENTS_AVAILABLE", "SLOTS_ACTIVE") == [1.0, 0.0, 1.0]
    call.line.hang_up()
    await clock.run_until(ada.next(Left))
    assert await metric(scene, made, "AGENTS_AFTER_CONTACT_WORK", "AGENTS_STAFFED") == [1.0, 1.0]
    await scene.call("DismissUserContact", **dismissing)
    assert await metric(scene, made, "AGENTS_AFTER_CONTACT_WORK", "AGENTS_AVAILABLE") == [0.0, 1.0]


async def metric(scene: Scene, made: dict[str, str], *names: str) -> list[float]:
    """Of both queues together: nobody counts twice."""
    answer = await scene.call(
        "GetCurrentMetricData",
        Filters={"Queues": [made["Support"], made["Billing"]]},
        CurrentMetrics=[{"Name": name, "Unit": "COUNT"} for name in names],
    )
    return [each["Value"] for each in answer["MetricResults"][0]["Collections"]]


async def test_a_task_is_transferred_to_a_user(scene: Scene, clock: VirtualClock) -> None:
    tasks = [{"Channel": "TASK", "Concurrency": 1}]
    made = await staffed(scene, MediaConcurrencies=tasks)
    first, second = await scene.flow("line", line().content), await scene.flow("queued", QUEUED)
    task = await scene.call("StartTaskContact", Name="Letter", ContactFlowId=first, References={})
    await clock.advance(5)
    ada = sit(scene, "ada")
    await ada.set_status("Available")
    moved = await scene.call("TransferContact", ContactId=task["ContactId"], UserId=made["user"], ContactFlowId=second)
    offered = await clock.run_until(ada.next(Offered))
    assert (offered.contact_id, offered.channel, offered.queue) == (moved["ContactId"], "TASK", "ada")
    await ada.accept(moved["ContactId"])
    await clock.run_until(ada.next(Connected))
    await ada.hang_up(moved["ContactId"])
    assert (await clock.run_until(ada.next(Left))).why == "AGENT_DISCONNECT"


QUEUED = content(
    action("go", "TransferContactToQueue", {}, "bye", errors={"NoMatchingError": "bye", "QueueAtCapacity": "bye"}),
    hang_up(),
)


async def test_proficiencies(scene: Scene) -> None:
    made = await staffed(scene)
    who = {"UserId": made["user"]}
    french = {"AttributeName": "Language", "AttributeValue": "French"}
    cards = {"AttributeName": "Product", "AttributeValue": "Cards"}
    await scene.call(
        "AssociateUserProficiencies", **who, UserProficiencies=[{**french, "Level": 2.0}, {**cards, "Level": 5.0}]
    )
    await scene.call("UpdateUserProficiencies", **who, UserProficiencies=[{**french, "Level": 4.0}])
    await scene.call("DisassociateUserProficiencies", **who, UserProficiencies=[cards])
    missing = [{**cards, "Level": 1.0}]
    assert await refused_by(scene, "UpdateUserProficiencies", **who, UserProficiencies=missing) == 400
    again = await scene.restarted()
    listed = await again.call("ListUserProficiencies", **who)
    assert listed["UserProficiencyList"] == [{**french, "Level": 4.0}]


async def test_quick_connects(scene: Scene, refused: Refused) -> None:
    made = await staffed(scene)
    flow_id = await scene.flow("transfer")
    to_queue = {"QuickConnectType": "QUEUE", "QueueConfig": {"QueueId": made["Billing"], "ContactFlowId": flow_id}}
    connect = await scene.call("CreateQuickConnect", Name="To billing", QuickConnectConfig=to_queue)
    one = {"QuickConnectId": connect["QuickConnectId"]}
    shown = (await scene.call("DescribeQuickConnect", **one))["QuickConnect"]
    assert shown["QuickConnectConfig"] == to_queue
    assert scene.office.flows.instance.resources.quick_connects["To billing"].queue == made["Billing"]
    to_user = {"QuickConnectType": "USER", "UserConfig": {"UserId": made["user"], "ContactFlowId": flow_id}}
    await scene.call("UpdateQuickConnectConfig", **one, QuickConnectConfig=to_user)
    await scene.call("UpdateQuickConnectName", **one, Name="To Ada")
    again = await scene.restarted()
    assert again.office.flows.instance.resources.quick_connects["To Ada"].agent == made["user"]
    phone = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "+441632960055"}}
    await again.call("CreateQuickConnect", Name="Outside", QuickConnectConfig=phone)
    listed = await again.call("ListQuickConnects", QuickConnectTypes=["USER"])
    assert [each["Name"] for each in listed["QuickConnectSummaryList"]] == ["To Ada"]
    both = {**to_queue, "UserConfig": to_user["UserConfig"]}
    assert await refused_by(again, "CreateQuickConnect", Name="Both", QuickConnectConfig=both) == 400
    await again.call("DeleteQuickConnect", **one)
    assert await refused_by(again, "DescribeQuickConnect", **one) == 404


async def test_what_the_project_declares_is_shown_and_can_be_changed_until_it_is_loaded_again(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    declared = Declared(
        queues=(Queue(name="Support"), Queue(name="Billing")),
        routing_profiles=(RoutingProfile(name="Money", queues=(ProfileQueue(queue="Billing", priority=3),)),),
        agents=(Agent(name="bob", routing_profile="Money", after_work=5),),
        quick_connects=(QuickConnect(name="To billing", queue="Billing"),),
    )
    scene = await Scene(clock, project=(dataclasses.replace(INSTANCE, declared=declared), [], [])).opened()
    listed = (await scene.call("ListRoutingProfiles"))["RoutingProfileSummaryList"]
    profiles = {each["Name"]: each["Id"] for each in listed}
    (bob,) = (await scene.call("ListUsers"))["UserSummaryList"]
    assert (await scene.call("DescribeUser", UserId=bob["Id"]))["User"]["RoutingProfileId"] == profiles["Money"]
    (entry,) = (await scene.call("ListRoutingProfileQueues", RoutingProfileId=profiles["Money"]))[
        "RoutingProfileQueueConfigSummaryList"
    ]
    assert (entry["QueueName"], entry["Priority"]) == ("Billing", 3)
    (connect,) = (await scene.call("ListQuickConnects"))["QuickConnectSummaryList"]
    assert connect["QuickConnectType"] == "QUEUE"
    await scene.call("UpdateUserRoutingProfile", UserId=bob["Id"], RoutingProfileId=profiles["Basic Routing Profile"])
    assert "belongs to the project" in caplog.messages[-1]
    (staff,) = scene.office.flows.instance.resources.staff
    assert len(staff.serves) == 2
    await scene.load(*scene._project)
    (staff,) = scene.office.flows.instance.resources.staff
    assert len(staff.serves) == 1

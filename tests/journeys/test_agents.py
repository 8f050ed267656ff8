"""A contact centre as its makers build it: boto3 makes users, routing profiles and quick connects, `callpark agent`
plays an agent by a script, boto3's participant client speaks for her too; and nothing of it is lost by `kill -9`.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings
from tests.flows.agents.centre import line
from tests.flows.building import content, hang_up, say
from tests.journeys.commands import Command, command
from tests.journeys.servers import started
from tests.journeys.test_boto3 import client

pytestmark = pytest.mark.compat


def make_centre(connect: Any) -> dict[str, str]:
    """Ids by what they are, the instance's among them."""
    where = {"InstanceId": connect.list_instances()["InstanceSummaryList"][0]["Id"]}
    hours = connect.create_hours_of_operation(
        **where,
        Name="Always",
        TimeZone="UTC",
        Config=[
            {"Day": "MONDAY", "StartTime": {"Hours": 0, "Minutes": 0}, "EndTime": {"Hours": 0, "Minutes": 0}},
        ],
    )["HoursOfOperationId"]
    queues = {
        name: connect.create_queue(**where, Name=name, HoursOfOperationId=hours)["QueueId"]
        for name in ("Support", "Billing")
    }
    profile = connect.create_routing_profile(
        **where,
        Name="Support",
        Description="Chats",
        DefaultOutboundQueueId=queues["Support"],
        MediaConcurrencies=[{"Channel": "CHAT", "Concurrency": 2}],
    )["RoutingProfileId"]
    connect.associate_routing_profile_queues(
        **where,
        RoutingProfileId=profile,
        QueueConfigs=[{"QueueReference": {"QueueId": queues["Support"], "Channel": "CHAT"}, "Priority": 1, "Delay": 0}],
    )
    flow = connect.create_contact_flow(**where, Name="line", Type="CONTACT_FLOW", Content=line().content)
    basic, security = (
        connect.list_routing_profiles(**where)["RoutingProfileSummaryList"][0]["Id"],
        connect.list_security_profiles(**where)["SecurityProfileSummaryList"][0]["Id"],
    )
    user = connect.create_user(
        **where,
        Username="ada",
        IdentityInfo={"FirstName": "Ada", "LastName": "Lovelace"},
        PhoneConfig={"PhoneType": "SOFT_PHONE", "AutoAccept": False, "AfterContactWorkTimeLimit": 0},
        SecurityProfileIds=[security],
        RoutingProfileId=basic,
    )["UserId"]
    connect.update_user_routing_profile(**where, UserId=user, RoutingProfileId=profile)
    moved = connect.create_contact_flow(
        **where, Name="moved", Type="QUEUE_TRANSFER", Content=content(say("a", "One moment.", "bye"), hang_up())
    )
    connect.create_quick_connect(
        **where,
        Name="To billing",
        QuickConnectConfig={
            "QuickConnectType": "QUEUE",
            "QueueConfig": {"QueueId": queues["Billing"], "ContactFlowId": moved["ContactFlowId"]},
        },
    )
    return {**where, **queues, "flow": flow["ContactFlowId"], "user": user, "profile": profile}


def notes(agent: Command) -> list[dict[str, Any]]:
    """What `callpark agent -o json` has printed."""
    return [json.loads(each) for each in agent.lines if each.startswith("{")]


async def test_boto3_makes_the_centre_and_the_terminal_plays_its_agent(tmp_path: Path) -> None:
    def open_(app: App) -> tuple[dict[str, str], dict[str, str]]:
        connect = client(app, "connect")
        made = make_centre(connect)
        where = {"InstanceId": made["InstanceId"]}
        chat = connect.start_chat_contact(
            **where, ContactFlowId=made["flow"], ParticipantDetails={"DisplayName": "Grace"}
        )
        participant = client(app, "connectparticipant")
        connection = participant.create_participant_connection(
            ParticipantToken=chat["ParticipantToken"], Type=["CONNECTION_CREDENTIALS"]
        )
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        participant.send_message(ConnectionToken=token, ContentType="text/plain", Content="Hello")
        queued = connect.get_current_metric_data(
            **where,
            Filters={"Queues": [made["Support"]]},
            CurrentMetrics=[{"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}, {"Name": "AGENTS_ONLINE", "Unit": "COUNT"}],
        )["MetricResults"][0]["Collections"]
        assert [each["Value"] for each in queued] == [1.0, 0.0]
        return made, {"contact": chat["ContactId"], "token": token}

    def look(app: App, made: dict[str, str], chat: dict[str, str], agents_token: str) -> None:
        """While ada has the customer on hold."""
        connect, participant = client(app, "connect"), client(app, "connectparticipant")
        where = {"InstanceId": made["InstanceId"]}
        data = connect.get_current_user_data(**where, Filters={"Agents": [made["user"]]})["UserDataList"][0]
        assert data["Status"]["StatusName"] == "Available"
        (contact,) = data["Contacts"]
        assert (contact["ContactId"], contact["AgentContactState"]) == (chat["contact"], "CONNECTED_ONHOLD")
        assert data["AvailableSlotsByChannel"] == {"CHAT": 1}
        described = connect.describe_contact(**where, ContactId=chat["contact"])["Contact"]
        assert (described["AgentInfo"]["Id"], described["QueueInfo"]["Id"]) == (made["user"], made["Support"])
        own = participant.create_participant_connection(ParticipantToken=agents_token, Type=["CONNECTION_CREDENTIALS"])[
            "ConnectionCredentials"
        ]["ConnectionToken"]
        participant.send_message(ConnectionToken=own, ContentType="text/plain", Content="From my own client")

    def finish(app: App, made: dict[str, str], chat: dict[str, str]) -> list[tuple[str, str]]:
        connect, participant = client(app, "connect"), client(app, "connectparticipant")
        where = {"InstanceId": made["InstanceId"], "UserId": made["user"]}
        connect.dismiss_user_contact(**where, ContactId=chat["contact"])
        listed = connect.list_agent_statuses(InstanceId=made["InstanceId"])["AgentStatusSummaryList"]
        offline = next(each["Id"] for each in listed if each["Name"] == "Offline")
        connect.put_user_status(**where, AgentStatusId=offline)
        connect.delete_user(**where)
        assert connect.list_users(InstanceId=made["InstanceId"])["UserSummaryList"] == []
        items = participant.get_transcript(ConnectionToken=chat["token"], SortOrder="ASCENDING")["Transcript"]
        return [
            (item["ParticipantRole"], item["Content"])
            for item in items
            if item["Type"] == "MESSAGE" and item["ParticipantRole"] != "SYSTEM"
        ]

    async with served(Settings(data=tmp_path, port=0)) as app:
        made, chat = await asyncio.to_thread(open_, app)
        where = ("--endpoint", app.base_url, "-o", "json")
        stdin = asyncio.subprocess.PIPE
        async with command("agent", "ada", *where, stdin=stdin) as agent:
            assert agent.process.stdin is not None
            agent.process.stdin.write(b"wait offered\naccept\nwait connected\nsay Good morning\nhold\n")
            await agent.until('"type":"held"', 60)
            token = next(each["participantToken"] for each in notes(agent) if each["type"] == "connected")
            await asyncio.to_thread(look, app, made, chat, token)
            agent.process.stdin.write(b"resume\ntransfer To billing\nwait left\nquit\n")
            assert await agent.ended(60) == 0, agent.lines
        told = [each["type"] for each in notes(agent) if each["type"] not in ("heard", "status")]
        assert told == ["seated", "offered", "offer_over", "connected", "held", "resumed", "transferring", "left"]
        said = await asyncio.to_thread(finish, app, made, chat)
    assert said == [("CUSTOMER", "Hello"), ("AGENT", "Good morning"), ("AGENT", "From my own client")]


PROJECT = """
queues: [{name: Support}]
routing_profiles: [{name: Everything, queues: [{queue: Support}], concurrency: {CHAT: 2}}]
agents: [{name: alice, routing_profile: Everything, status: offline}]
flows: [{name: line, file: line.json}]
"""


@pytest.mark.timeout(180)
async def test_contacts_that_wait_or_are_held_survive_a_kill(tmp_path: Path) -> None:
    folder, data = tmp_path / "project", tmp_path / "data"
    folder.mkdir()
    (folder / "connect.yaml").write_text(PROJECT)
    (folder / "line.json").write_text(line().content)
    instance = {"Type": "AWS::Connect::Instance", "Properties": {"IdentityManagementType": "CONNECT_MANAGED"}}
    (folder / "template.json").write_text(json.dumps({"Resources": {"Centre": instance}}))

    def chats(endpoint: str, count: int) -> list[str]:
        keys = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        connect = boto3.client("connect", endpoint_url=endpoint, **keys)
        participant = boto3.client("connectparticipant", endpoint_url=endpoint, **keys)
        where = {"InstanceId": connect.list_instances()["InstanceSummaryList"][0]["Id"]}
        flow = connect.list_contact_flows(**where)["ContactFlowSummaryList"][0]["Id"]
        found = []
        for number in range(count):
            name = {"DisplayName": f"customer {number}"}
            begun = connect.start_chat_contact(**where, ContactFlowId=flow, ParticipantDetails=name)
            token = begun["ParticipantToken"]
            participant.create_participant_connection(ParticipantToken=token, ConnectParticipant=True)
            found.append(begun["ContactId"])
        return found

    async def states(endpoint: str) -> dict[str, str]:
        async with httpx.AsyncClient(base_url=endpoint, trust_env=False, timeout=30) as http:
            listed = (await http.get("/_callpark/contacts")).json()["contacts"]
        return {each["contactId"]: each["state"] for each in listed}

    patient = ("--limit", "connect.agent_ring_seconds=600")
    async with started(folder, data, *patient) as server:
        ids = await asyncio.to_thread(chats, server.endpoint, 3)
        script = ("wait offered", "accept", "wait connected", "hold", "wait held", "wait offered")
        do = [part for each in script for part in ("--do", each)]
        async with command("agent", "alice", "--endpoint", server.endpoint, *do, "--do", "wait left") as agent:
            await agent.until("held", 60)
            await server.kill()
            assert await agent.ended(60) == 3
    async with started(folder, data, *patient) as server:
        assert await states(server.endpoint) == {ids[0]: "connected", ids[1]: "queued", ids[2]: "queued"}
        done = ("hangup", "wait left", "clear")
        held = (f"use {ids[0]}", "resume", "say I am back", *done)
        ringing = ("accept", "wait connected", *done)
        do = [part for each in (*held, *ringing, "wait offered", *ringing) for part in ("--do", each)]
        async with command("agent", "alice", "--endpoint", server.endpoint, *do) as agent:
            assert await agent.ended(60) == 0, agent.lines
        assert set((await states(server.endpoint)).values()) == {"ended"}

"""An unmodified boto3 client deploys Connect flows, corrects them, claims a number, and what it deployed is called."""

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.flows.channels.phone import ScriptedPhone
from callpark.kernel.limits import ConnectLimits, Limits
from callpark.serving import served
from callpark.settings import Settings
from tests.flows.building import action, content, hang_up, invoke_async, load, say, wait
from tests.journeys.servers import started
from tests.journeys.test_boto3 import client, create

pytestmark = pytest.mark.compat

LATEST = "$.LambdaInvocation.InvocationId"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:Echo"


def lookup_line(greeting: str) -> str:
    """Looks something up while it talks, as the pattern of the feature does."""
    return content(
        say("hello", greeting, "start"),
        invoke_async("start", "wait", "sorry", LambdaFunctionARN=FUNCTION),
        wait("wait", events={"Done": (LATEST, "load")}, completed="sorry"),
        load("load", "done", reference=LATEST, progress="sorry", error="sorry"),
        say("done", "We have found it.", "bye"),
        say("sorry", "We are sorry.", "bye"),
        hang_up(),
    )


async def heard(app: App, to: str) -> list[str]:
    phone = ScriptedPhone(app.clock)
    call = app.flows.start_call(to, phone)
    await asyncio.wait_for(call.ended, 30)
    entries = app.trace.entries(call.contact_id)
    return [text for entry in entries if (text := getattr(entry.happening, "text", None))]


async def test_deployed_corrected_and_called(tmp_path: Path) -> None:
    def deploy(app: App) -> dict[str, Any]:
        create(client(app))
        connect = client(app, "connect")
        (instance,) = connect.list_instances()["InstanceSummaryList"]
        where = {"InstanceId": instance["Id"]}
        connect.associate_lambda_function(**where, FunctionArn=FUNCTION)
        flow = connect.create_contact_flow(
            **where, Name="Lookup", Type="CONTACT_FLOW", Content=lookup_line("Hello."), Tags={"team": "claims"}
        )
        flow_id = flow["ContactFlowId"]
        bad = lookup_line("Hello.").replace("We are sorry.", "")
        with pytest.raises(connect.exceptions.InvalidContactFlowException) as refusal:
            connect.update_contact_flow_content(**where, ContactFlowId=flow_id, Content=bad)
        (problem,) = refusal.value.response["problems"]
        assert problem["message"].startswith("Invalid Action property value. Path: Parameters.Text")
        module = json.loads(content(say("a", "b", "end"), action("end", "EndFlowModuleExecution")))
        with pytest.raises(connect.exceptions.InvalidRequestException, match="field name: settings"):
            connect.create_contact_flow_module(**where, Name="M", Content=json.dumps(module))
        module["Actions"][0]["Parameters"] = {}
        with pytest.raises(connect.exceptions.InvalidContactFlowModuleException) as refusal:
            connect.create_contact_flow_module(**where, Name="M", Content=json.dumps({**module, "Settings": {}}))
        assert refusal.value.response["Problems"]
        offered = connect.search_available_phone_numbers(
            TargetArn=instance["Arn"], PhoneNumberCountryCode="GB", PhoneNumberType="DID", PhoneNumberPrefix="+44"
        )["AvailableNumbersList"]
        number = offered[0]["PhoneNumber"]
        claimed = connect.claim_phone_number(TargetArn=instance["Arn"], PhoneNumber=number)
        connect.associate_phone_number_contact_flow(
            PhoneNumberId=claimed["PhoneNumberId"], **where, ContactFlowId=flow_id
        )
        for page_size in (1, 1000):
            pages = connect.get_paginator("list_contact_flows").paginate(
                **where, PaginationConfig={"PageSize": page_size}
            )
            assert [each["Name"] for page in pages for each in page["ContactFlowSummaryList"]] == ["Lookup"]
        tags = connect.list_tags_for_resource(resourceArn=flow["ContactFlowArn"])["tags"]
        assert tags == {"team": "claims"}
        return {"number": number, "flow": flow_id, **where}

    def correct(app: App, made: dict[str, Any]) -> None:
        connect = client(app, "connect")
        where = {"InstanceId": made["InstanceId"], "ContactFlowId": made["flow"]}
        connect.update_contact_flow_content(**where, Content=lookup_line("Good morning."))
        connect.create_contact_flow_version(**where, Description="second")
        connect.create_contact_flow_alias(**where, ContactFlowVersion=1, AliasName="live")
        task = connect.start_task_contact(
            InstanceId=made["InstanceId"], ContactFlowId=f"{made['flow']}", Name="Look", References={}
        )
        contact = connect.describe_contact(InstanceId=made["InstanceId"], ContactId=task["ContactId"])["Contact"]
        assert (contact["Channel"], contact["Name"]) == ("TASK", "Look")
        arn = connect.describe_contact_flow(**where)["ContactFlow"]["Arn"]
        saved = connect.describe_contact_flow(InstanceId=made["InstanceId"], ContactFlowId=f"{arn}:$SAVED")
        assert saved["ContactFlow"]["Status"] == "PUBLISHED"
        chat = connect.start_chat_contact(**where, ParticipantDetails={"DisplayName": "Ann"})
        connect.stop_contact(InstanceId=made["InstanceId"], ContactId=chat["ContactId"])
        with pytest.raises(ClientError, match="NotImplemented"):
            connect.create_user_hierarchy_group(InstanceId=made["InstanceId"], Name="x")

    quickly = Limits(connect=ConnectLimits(words_per_minute=100_000.0))
    settings = Settings(data=tmp_path, port=0, limits=quickly)
    async with served(settings) as app:
        made = await asyncio.to_thread(deploy, app)
        assert await heard(app, made["number"]) == ["Hello.", "We have found it."]
    async with served(settings) as app:
        assert await heard(app, made["number"]) == ["Hello.", "We have found it."]
        await asyncio.to_thread(correct, app, made)
        for reference in (made["flow"], f"{made['flow']}:live"):
            assert await heard(app, reference) == ["Good morning.", "We have found it."]
        assert app.health().flows[0].numbers == [made["number"]]


async def test_a_server_without_a_project(tmp_path: Path) -> None:
    """What boto3 deploys is all that there is."""

    def deploy(endpoint: str) -> list[str]:
        keys = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        connect = boto3.client("connect", endpoint_url=endpoint, **keys)
        where = {"InstanceId": connect.list_instances()["InstanceSummaryList"][0]["Id"]}
        hello = content(say("hello", "Hello.", "bye"), hang_up())
        connect.create_contact_flow(**where, Name="Hello", Type="CONTACT_FLOW", Content=hello)
        return [flow["Name"] for flow in connect.list_contact_flows(**where)["ContactFlowSummaryList"]]

    async with started(tmp_path, tmp_path / "data", "--empty") as server:
        assert await asyncio.to_thread(deploy, server.endpoint) == ["Hello"]

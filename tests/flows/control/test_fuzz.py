"""Requests to every operation of Connect's control plane, made up from the service model: never a 500."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.flows.api.control_operations import control_operations
from callpark.gateway.codecs import operation_codec
from callpark.gateway.models import service_model
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Answer, Call
from tests.flows.control.scene import BAD, HELLO, OTHER, Scene
from tests.gateway.parameters import house, members

pytestmark = pytest.mark.sim

#: Operations with the names of those that are served.
OPERATIONS = sorted(operation for _, operation in control_operations(Scene(VirtualClock()).plane))


async def populated() -> tuple[Scene, dict[str, list[object]]]:
    """One of everything, and values of members that mean it."""
    scene = await Scene(VirtualClock()).opened()
    flow = await scene.flow()
    saved = await scene.flow("Draft", BAD, Status="SAVED")
    await scene.call("CreateContactFlowVersion", ContactFlowId=flow)
    alias = await scene.call("CreateContactFlowAlias", ContactFlowId=flow, ContactFlowVersion=1, AliasName="live")
    settings_of_module = HELLO.replace("DisconnectParticipant", "EndFlowModuleExecution")[:-1] + ', "Settings": {}}'
    module = await scene.call("CreateContactFlowModule", Name="m", Content=settings_of_module)
    number = await scene.call("ClaimPhoneNumber", PhoneNumber="+442079460000")
    hours = (await scene.call("CreateHoursOfOperation", Name="h", TimeZone="UTC", Config=[]))["HoursOfOperationId"]
    override = await scene.call(
        "CreateHoursOfOperationOverride",
        HoursOfOperationId=hours,
        Name="o",
        Config=[],
        EffectiveFrom="2027-01-01",
        EffectiveTill="2027-01-02",
    )
    queue = await scene.call("CreateQueue", Name="q", HoursOfOperationId=hours)
    prompt = await scene.call("CreatePrompt", Name="p", S3Uri="s3://b/k")
    flow_arn = f"{scene.plane.arn}/contact-flow/{flow}"
    return scene, {
        "ContactFlowId": [flow, saved, f"{flow}:$SAVED", f"{flow}:1", f"{flow}:live", f"{flow}:9", flow_arn],
        "ContactFlowModuleId": [module["Id"], f"{module['Id']}:1"],
        "ContactFlowVersion": [1, 2],
        "AliasId": [alias["Id"], "live"],
        "AliasName": ["next", "live", "1"],
        "Content": [HELLO, OTHER, BAD, settings_of_module, "{", "[" * 1000, '{"Version":"2019-10-30","Actions":[1]}'],
        "Type": ["CONTACT_FLOW", "AGENT_WHISPER"],
        "PhoneNumber": ["+442079460000", "+442079460001", "+10000000000"],
        "PhoneNumberId": [number["PhoneNumberId"], number["PhoneNumberArn"]],
        "PhoneNumberPrefix": ["+44", "44", "+1"],
        "HoursOfOperationId": [hours],
        "HoursOfOperationOverrideId": [override["HoursOfOperationOverrideId"]],
        "TimeZone": ["UTC", "Europe/London", "../etc", "x" * 400],
        "EffectiveFrom": ["2027-01-01", "2027-99-01", "0001-01-01"],
        "EffectiveTill": ["2027-01-01", "9999-12-31"],
        "QueueId": [queue["QueueId"]],
        "PromptId": [prompt["PromptId"]],
        "S3Uri": ["s3://bucket/key"],
        "FunctionArn": [Place().arn("lambda", f"function:{name}") for name in ("F", "G", "no")],
        "resourceArn": [flow_arn, queue["QueueArn"], scene.plane.arn, number["PhoneNumberArn"], module["Arn"]],
        "RoutingProfileId": ["x"],
        "TargetArn": [scene.plane.arn],
        "InstanceId": [scene.plane.instance_id],
        "NextToken": ["YQ=="],
        "Settings": ["{}", "[]", "no"],
        "Name": ["Hello", "m", "q", "new", "newer"],
        "Day": ["MONDAY"],
        "FlowContentSha256": ["0" * 64],
    }


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_parameters_are_answered_or_refused(operation: str, data: st.DataObject) -> None:
    shape = service_model("connect").operation_model(operation).input_shape
    given_parameters = house(data.draw(members(shape))) if shape is not None else {}
    assert isinstance(given_parameters, dict)
    asyncio.run(asked(operation, given_parameters, data))


async def asked(operation: str, parameters: Mapping[str, object], data: st.DataObject) -> None:
    scene, known = await populated()
    likely = {
        name: data.draw(st.sampled_from(known[name])) if name in known and data.draw(st.integers(0, 9)) else value
        for name, value in parameters.items()
    }
    codec = operation_codec("connect", operation, "rest-json")
    operations = control_operations(scene.plane)
    try:
        codec.validate(likely)
        answer = await operations["connect", operation](Call("connect", operation, likely, "r", Place()))
    except CallerError as refusal:
        status = refusal.status
    else:
        assert not isinstance(answer, Answer)
        codec.serialise(Answer(answer), "r")
        status = 200
    assert status < 500 or status == 501
    restarted = await scene.restarted()
    assert restarted.plane.overview() == scene.plane.overview(), "what was answered is kept"

"""Requests to every operation on chats, contacts and participants, made up from the service models: never a 500."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.flows.api.control_operations import control_operations
from callpark.flows.chat.requests import NewChat
from callpark.gateway.codecs import operation_codec
from callpark.gateway.models import service_model
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Answer, Call
from tests.flows.chat.house import NUMBER, TOPIC, House
from tests.gateway.parameters import house, members

pytestmark = pytest.mark.sim

OPERATIONS = sorted(set(House(VirtualClock()).operations) - set(control_operations(House(VirtualClock()).plane)))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_parameters_are_answered_or_refused(service: str, operation: str, data: st.DataObject) -> None:
    shape = service_model(service).operation_model(operation).input_shape
    parameters = house(data.draw(members(shape))) if shape is not None else {}
    assert isinstance(parameters, dict)
    asyncio.run(asked(service, operation, parameters, data))


async def asked(service: str, operation: str, parameters: dict[str, object], data: st.DataObject) -> None:
    """With ids and tokens that mean something put in for some that do not."""
    clock = VirtualClock()
    scene = await clock.run_until(House(clock).opened())
    begun = await clock.run_until(scene.chats.begin(NewChat("flow", "Ann", {})))
    instance = scene.office.flows.instance.definition.arn
    connection = scene.chats.connection(scene.chats.admit(begun.participant_token))
    known: dict[str, object] = {
        "InstanceId": instance,
        "ContactId": begun.contact_id,
        "InitialContactId": begun.contact_id,
        "ContactFlowId": "flow",
        "ParticipantToken": begun.participant_token,
        "ConnectionToken": connection.token,
        "ContentType": "text/plain",
        "ChatStreamingConfiguration": {"StreamingEndpointArn": TOPIC},
        "DestinationId": NUMBER,
        "AttachmentName": "a.txt",
        "ParticipantDetails": {"DisplayName": "Bot", "ParticipantRole": "CUSTOM_BOT"},
    }
    for name in sorted(parameters):
        if name in known and data.draw(st.integers(0, 9)):
            parameters[name] = known[name]
    codec = operation_codec(service, operation, "rest-json")
    try:
        codec.validate(parameters)
        call = Call(service, operation, parameters, "r", Place())
        answer = await clock.run_until(scene.operations[service, operation](call))
        assert not isinstance(answer, Answer)
        codec.serialise(Answer(answer), "r")
    except CallerError as error:
        status = error.status
    else:
        status = 200
    assert status < 500 or status == 501
    await scene.closed()

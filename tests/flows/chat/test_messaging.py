"""Chats by SMS: the instance writes first or the customer does, and both find the same chat. On virtual time."""

import asyncio

import pytest

from callpark.flows.chat.model import READ, TYPING
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.flows.chat.chatting import told
from tests.flows.chat.house import NUMBER, TOPIC, House

pytestmark = pytest.mark.sim

CUSTOMER = "+447700900001"
SMS = {"connect:Subtype": {"ValueString": "connect:SMS"}}


def outbound(house: House, **more: object) -> dict[str, object]:
    arn = house.plane.by_arn("arn:aws:connect:us-east-1:123456789012:phone-number/n-1")
    assert arn is not None
    return {
        "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": arn.arn},
        "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": CUSTOMER},
        "SegmentAttributes": SMS,
        "ContactFlowId": "flow",
        "InitialSystemMessage": {"ContentType": "text/plain", "Content": "Your parcel is here."},
        **more,
    }


async def message(house: House, text: str, **more: object) -> dict[str, object]:
    event = {"Type": "MESSAGE", "ContentType": "text/plain", "Content": text}
    given = {"SourceId": CUSTOMER, "DestinationId": NUMBER, "Subtype": "connect:sms", "Event": event, **more}
    return dict(await house.ask("SendChatIntegrationEvent", **given))


async def items(house: House, contact_id: object) -> list[tuple[str, str]]:
    return [
        (item.author.role if item.author else "", item.content or item.content_type.rpartition("event.")[2])
        for item in await house.kept(str(contact_id))
    ]


async def test_the_instance_writes_first_and_the_customer_answers(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    begun = await house.ask("StartOutboundChatContact", ClientToken="t", **outbound(house))
    assert await house.ask("StartOutboundChatContact", ClientToken="t", **outbound(house)) == begun
    answer = await message(house, "Thanks")
    assert answer == {"InitialContactId": begun["ContactId"], "NewChatCreated": False}
    assert await items(house, begun["ContactId"]) == [
        ("CUSTOMER", "participant.joined"),
        ("SYSTEM", "Your parcel is here."),
        ("SYSTEM", "Hello."),
        ("CUSTOMER", "Thanks"),
        ("SYSTEM", "Answer."),
    ]
    contact = (await house.ask("DescribeContact", ContactId=begun["ContactId"]))["Contact"]
    assert isinstance(contact, dict)
    assert contact["SegmentAttributes"]["connect:Subtype"] == {"ValueString": "connect:SMS"}
    assert (contact["CustomerEndpoint"]["Address"], contact["SystemEndpoint"]["Address"]) == (CUSTOMER, NUMBER)
    with pytest.raises(CallerError, match="ConflictException"):
        await house.ask("StartOutboundChatContact", ClientToken="other", **outbound(house))
    await house.closed()


async def test_the_first_message_of_a_customer_begins_a_chat_once(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    details = {
        "ParticipantDetails": {"DisplayName": "Ann"},
        "Attributes": {"tier": "gold"},
        "StreamingConfiguration": {"StreamingEndpointArn": TOPIC},
    }
    both = await asyncio.gather(*(message(house, text, NewSessionDetails=details) for text in ("Hi", "Anyone?")))
    assert sorted(answer["NewChatCreated"] for answer in both) == [False, True]  # type: ignore[type-var]
    assert len({answer["InitialContactId"] for answer in both}) == 1
    contact_id = both[0]["InitialContactId"]
    assert (await items(house, contact_id))[:3] == [
        ("CUSTOMER", "participant.joined"),
        ("CUSTOMER", "Hi"),
        ("SYSTEM", "Hello."),
    ]
    contact = house.office.flows.contact(str(contact_id))
    assert contact is not None
    assert contact.memory.attributes == {"tier": "gold"}
    await clock.settle()
    assert ("CUSTOMER", "Hi") in told([dict(item) for item in house.elsewhere.published])
    elsewhere = await message(house, "Hi", Subtype="connect:WhatsApp")
    assert elsewhere["NewChatCreated"]
    await house.closed()


async def test_events_receipts_and_the_end(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    for event in ({"Type": "EVENT", "ContentType": TYPING}, {"Type": "DISCONNECT"}):
        assert await message(house, "", Event=event) == {"NewChatCreated": False}
    contact_id = str((await message(house, "Hi"))["InitialContactId"])
    await message(house, "", Event={"Type": "EVENT", "ContentType": TYPING})
    hello = next(item for item in await house.kept(contact_id) if item.content == "Hello.")
    await message(house, "", Event={"Type": "EVENT", "ContentType": READ, "Content": f'{{"messageId":"{hello.id}"}}'})
    with pytest.raises(CallerError, match="InvalidRequestException"):
        await message(house, "", Event={"Type": "MESSAGE", "ContentType": "text/markdown", "Content": "x"})
    with pytest.raises(CallerError, match="InvalidRequestException"):
        await message(house, "", Event={"Type": "EVENT", "ContentType": READ, "Content": "{}"})
    await message(house, "", Event={"Type": "DISCONNECT"})
    contact = house.office.flows.contact(contact_id)
    assert contact is not None
    assert contact.ended is not None
    assert contact.ended.reason == "CUSTOMER_DISCONNECT"
    assert (await message(house, "Me again"))["NewChatCreated"]
    await house.closed()


async def test_a_restart_finds_the_chat_again(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    begun = await message(house, "Hi")
    await house.closed()
    after = await House(clock, store=house.store.crash(), seed=50).opened()
    assert await message(after, "Still there?") == {**begun, "NewChatCreated": False}
    await after.closed()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"SegmentAttributes": {}}, "InvalidRequestException"),
        ({"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Fax"}}}, "InvalidRequestException"),
        ({"SourceEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": NUMBER}}, "InvalidRequestException"),
        ({"DestinationEndpoint": {"Type": "TELEPHONE_NUMBER"}}, "InvalidRequestException"),
        ({"SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": "arn"}}, "ResourceNotFoundException"),
        ({"ContactFlowId": "none"}, "ResourceNotFoundException"),
        (
            {
                "InitialTemplatedSystemMessage": {
                    "KnowledgeBaseId": "k",
                    "MessageTemplateId": "m",
                    "TemplateAttributes": {},
                }
            },
            "NotImplemented",
        ),
        ({"InitialSystemMessage": {"ContentType": "text/plain", "Content": "x" * 1_025}}, "InvalidRequestException"),
    ],
)
async def test_what_cannot_be_written(clock: VirtualClock, more: dict[str, object], code: str) -> None:
    house = await House(clock).opened()
    with pytest.raises(CallerError, match=code):
        await house.ask("StartOutboundChatContact", **outbound(house, **more))
    assert not house.office.flows.contacts()
    await house.closed()

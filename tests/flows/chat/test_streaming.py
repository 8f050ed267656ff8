"""Topics that are told of a chat: in order, again until they have arrived, over a restart. On virtual time."""

import asyncio
from collections.abc import Sequence

import pytest

from callpark.flows.chat import streams
from callpark.flows.chat.model import ENDED, TYPING
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.store.ports import Change, Done, StoreFailure
from tests.flows.chat.chatting import told
from tests.flows.chat.house import TOPIC, House

pytestmark = pytest.mark.sim

BUSY = CallerError("ServiceUnavailable", 503, "later")
STREAM = {"ChatStreamingConfiguration": {"StreamingEndpointArn": TOPIC}}


def contents(house: House) -> list[tuple[str, str]]:
    return told([dict(item) for item in house.elsewhere.published])


async def test_what_is_said_from_the_start_of_a_stream_to_its_end(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    seat, _ = await house.chat()
    started = await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="t", **STREAM)
    again = await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="t", **STREAM)
    assert started == again
    await house.chats.send(seat, "text/plain", "one", "")
    await house.ask("SendEvent", ContentType=TYPING, ConnectionToken=house.token(seat))
    await clock.settle()
    assert contents(house) == [("CUSTOMER", "one"), ("SYSTEM", "Answer."), ("CUSTOMER", "typing")]
    attributes = house.elsewhere.calls[1][1]["MessageAttributes"]
    assert isinstance(attributes, dict)
    assert {name: value["StringValue"] for name, value in attributes.items()} == {
        "InitialContactId": seat.contact.id,
        "ContactId": seat.contact.id,
        "ParticipantRole": "CUSTOMER",
        "Type": "MESSAGE",
        "ContentType": "text/plain",
        "InstanceId": house.plane.instance_id,
        "AccountId": "123456789012",
        "MessageVisibility": "ALL",
    }
    await house.ask("StopContactStreaming", ContactId=seat.contact.id, StreamingId=started["StreamingId"])
    await house.chats.send(seat, "text/plain", "two", "")
    await clock.settle()
    assert len(contents(house)) == 3
    with pytest.raises(CallerError, match="ResourceNotFoundException"):
        await house.ask("StopContactStreaming", ContactId=seat.contact.id, StreamingId=started["StreamingId"])
    await house.closed()


async def test_a_chat_that_is_streamed_from_its_first_word(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    begun = await house.ask(
        "StartChatContact", ContactFlowId="flow", ParticipantDetails={"DisplayName": "Ann"}, **STREAM
    )
    assert begun["StreamingId"]
    seat = house.chats.admit(str(begun["ParticipantToken"]))
    seat.room.connect(seat.participant)
    await clock.settle()
    await house.ask("StopContact", ContactId=seat.contact.id)
    await clock.settle()
    assert contents(house) == [
        ("CUSTOMER", "participant.joined"),
        ("SYSTEM", "Hello."),
        ("CUSTOMER", "participant.left"),
        ("", "chat.ended"),
    ]
    assert house.elsewhere.published[-1]["ContentType"] == ENDED
    await house.closed()


async def test_a_topic_that_is_busy_is_told_in_order_later(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    seat, _ = await house.chat()
    await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="t", **STREAM)
    house.elsewhere.refusals = [BUSY] * 3
    began = clock.now()
    for text in ("one", "two", "three"):
        await house.chats.send(seat, "text/plain", text, "")
    await clock.settle()
    assert contents(house) == []
    await clock.advance(7)
    assert clock.now() == began + 7  # 1 + 2 + 4
    said = [text for role, text in contents(house) if role == "CUSTOMER"]
    assert said == ["one", "two", "three"]
    await house.closed()


@pytest.mark.parametrize(
    ("refusals", "seconds"), [([CallerError("NotFound", 404, "gone")], 0.0), ([BUSY] * 100, 3_700.0)]
)
async def test_what_a_topic_does_not_take_is_given_up(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture, refusals: list[CallerError], seconds: float
) -> None:
    house = await House(clock).opened()
    seat, _ = await house.chat()
    await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="t", **STREAM)
    house.elsewhere.refusals = [*refusals]
    await house.chats.send(seat, "text/plain", "one", "")
    await clock.advance(seconds)
    await clock.settle()
    assert "is not told of an item" in caplog.text
    house.elsewhere.refusals = []
    await house.chats.send(seat, "text/plain", "two", "")
    await clock.settle()
    assert ("CUSTOMER", "one") not in contents(house)
    assert ("CUSTOMER", "two") in contents(house)
    await house.closed()


async def test_a_restart_sends_what_was_on_its_way(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    seat, _ = await house.chat()
    await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="t", **STREAM)
    house.elsewhere.refusals = [BUSY] * 100
    await house.chats.send(seat, "text/plain", "one", "")
    await house.chats.send(seat, "text/plain", "two", "")
    await clock.settle()
    await house.closed()
    after = await House(clock, store=house.store.crash(), seed=50).opened()
    await clock.settle()
    said = [text for role, text in contents(after) if role == "CUSTOMER"]
    assert said == ["one", "two"]
    await after.closed()


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("nonsense", "InvalidParameterException"),
        ("arn:aws:sqs:us-east-1:123456789012:queue", "InvalidParameterException"),
        (f"{TOPIC}.fifo", "InvalidParameterException"),
        (f"{TOPIC}-other", "ResourceNotFoundException"),
    ],
)
async def test_topics_that_cannot_be_told(clock: VirtualClock, topic: str, code: str) -> None:
    house = await House(clock).opened()
    seat, _ = await house.chat()
    configuration = {"StreamingEndpointArn": topic}
    with pytest.raises(CallerError, match=code):
        await house.ask(
            "StartContactStreaming",
            ContactId=seat.contact.id,
            ClientToken="t",
            ChatStreamingConfiguration=configuration,
        )
    await house.closed()


async def test_bounds(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    seat, _ = await house.chat()
    for number in range(5):
        await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken=str(number), **STREAM)
    with pytest.raises(CallerError, match="LimitExceededException"):
        await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="6", **STREAM)
    house.elsewhere.nobody = {"sns": "start callpark with --upstream"}
    other, _ = await house.chat()
    with pytest.raises(CallerError, match=r"NotImplemented.*--upstream"):
        await house.ask("StartContactStreaming", ContactId=other.contact.id, ClientToken="t", **STREAM)
    await house.ask("StopContact", ContactId=seat.contact.id)
    with pytest.raises(CallerError, match="ResourceNotFoundException"):
        await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="t", **STREAM)
    await house.closed()


async def test_a_store_that_cannot_forget_yet_is_asked_again(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = await House(clock).opened()
    seat, _ = await house.chat()
    await house.ask("StartContactStreaming", ContactId=seat.contact.id, ClientToken="t", **STREAM)
    commit, full = house.store.commit, [True]

    def sometimes(changes: Sequence[Change]) -> asyncio.Future[None]:
        if full[0] and any(isinstance(change, Done) for change in changes):
            refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            refused.set_exception(StoreFailure("the disk is full"))
            return refused
        return commit(changes)

    monkeypatch.setattr(house.store, "commit", sometimes)
    await house.chats.send(seat, "text/plain", "one", "")
    await clock.advance(3)
    assert ("CUSTOMER", "one") in contents(house)
    assert await house.store.count(streams.QUEUE) == 2
    assert "stays in the store for now: the disk is full" in caplog.text
    full[0] = False
    await clock.advance(2)
    assert await house.store.count(streams.QUEUE) == 0
    assert contents(house) == [("CUSTOMER", "one"), ("SYSTEM", "Answer.")]
    await house.closed()

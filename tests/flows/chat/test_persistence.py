"""Chats that go on from earlier ones, and views described: on virtual time."""

import json

import pytest

from callpark.flows.declared import Declared, View
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.flows.building import INSTANCE, action, hang_up, say
from tests.flows.chat.chatting import ECHO, told
from tests.flows.chat.house import House

pytestmark = pytest.mark.sim


async def chatted(house: House, text: str, **more: object) -> str:
    """A chat in which one thing was said; the contact's id."""
    begun = await house.ask("StartChatContact", ContactFlowId="flow", ParticipantDetails={"DisplayName": "Ann"}, **more)
    seat = house.chats.admit(str(begun["ParticipantToken"]))
    await house.chats.send(seat, "text/plain", text, "")
    await seat.room.leave(seat.participant)
    return str(begun["ContactId"])


async def opened(house: House, **more: object) -> str:
    """A connection token of a new chat."""
    begun = await house.ask("StartChatContact", ContactFlowId="flow", ParticipantDetails={"DisplayName": "Ann"}, **more)
    return house.token(house.chats.admit(str(begun["ParticipantToken"])))


async def said(house: House, token: str) -> list[str]:
    """What customers have said, in all the chats that are shown, over as many pages as it takes."""
    items: list[dict[str, object]] = []
    more: dict[str, object] = {}
    while True:
        page = await house.ask("GetTranscript", ConnectionToken=token, SortOrder="ASCENDING", MaxResults=7, **more)
        items = [*page["Transcript"], *items]  # type: ignore[misc]
        if "NextToken" not in page:
            return [text for role, text in told(items) if role == "CUSTOMER" and "." not in text]
        more = {"NextToken": page["NextToken"]}


@pytest.mark.parametrize("kind", ["ENTIRE_PAST_SESSION", "FROM_SEGMENT"])
async def test_all_that_came_before_the_source_is_shown(clock: VirtualClock, kind: str) -> None:
    house = await House(clock).opened()
    first = await chatted(house, "one")
    past = {"RehydrationType": kind, "SourceContactId": first}
    second = await chatted(house, "two", PersistentChat=past, Attributes={"tier": "gold"})
    third = {"RehydrationType": kind, "SourceContactId": second}
    token = await opened(house, PersistentChat=third, Attributes={"asks": "again"})
    assert await said(house, token) == ["one", "two"]
    [contact] = house.office.flows.contacts()
    assert contact.party.related_contact_id == second
    assert contact.memory.attributes == {"tier": "gold", "asks": "again"}
    await clock.settle()
    kept = [item.content_type.rpartition("event.")[2] for item in await house.kept(contact.id)]
    assert kept[:2] == ["participant.joined", "chat.rehydrated"]
    await house.closed()


@pytest.mark.parametrize("begun", [True, False])
async def test_a_chat_that_is_open_goes_on_from_another(clock: VirtualClock, begun: bool) -> None:
    house = await House(clock).opened()
    first, other = await chatted(house, "one"), await chatted(house, "other")
    token = await opened(house)
    if begun:
        assert await said(house, token) == []
    [contact] = house.office.flows.contacts()
    asked = {"InitialContactId": contact.id, "RehydrationType": "ENTIRE_PAST_SESSION", "SourceContactId": first}
    for _ in range(2):
        answer = await house.ask("CreatePersistentContactAssociation", **asked)
        assert answer == {"ContinuedFromContactId": first}
    assert await said(house, token) == ["one"]
    await clock.settle()
    kept = [item.content_type.rpartition("event.")[2] for item in await house.kept(contact.id)]
    assert kept.count("chat.rehydrated") == 1
    for given, code in (
        ({"SourceContactId": other}, "InvalidRequestException"),
        ({"InitialContactId": first}, "ResourceNotFoundException"),
    ):
        with pytest.raises(CallerError, match=code):
            await house.ask("CreatePersistentContactAssociation", **{**asked, **given})
    await opened(house)
    newest = house.office.flows.contacts()[-1]
    for source in ("none", contact.id):
        with pytest.raises(CallerError, match="InvalidRequestException"):
            await house.ask(
                "CreatePersistentContactAssociation",
                **{**asked, "InitialContactId": newest.id, "SourceContactId": source},
            )
    await house.closed()


GOES_ON = (
    action(
        "past",
        "CreatePersistentContactAssociation",
        {"RehydrationType": "Entire Past Session", "SourceContactId": "$.Attributes.before"},
        "hello",
        errors={"NoMatchingError": "alone"},
    ),
    say("alone", "We have not met.", "wait"),
    *ECHO,
)


async def test_the_flow_lets_a_chat_go_on_from_another(clock: VirtualClock) -> None:
    house = await House(clock, flow=GOES_ON).opened()
    first = await chatted(house, "one")
    kept = [item.content for item in await house.kept(first) if item.content]
    assert kept[0] == "We have not met."
    token = await opened(house, Attributes={"before": first})
    assert await said(house, token) == []  # the customer has come, and with it the flow begins
    await clock.settle()
    assert await said(house, token) == ["one"]
    [contact] = house.office.flows.contacts()
    kinds = [item.content or item.content_type.rpartition("event.")[2] for item in await house.kept(contact.id)]
    assert kinds == ["participant.joined", "chat.rehydrated", "Hello."]
    assert await house.ask(
        "CreatePersistentContactAssociation",
        InitialContactId=contact.id,
        RehydrationType="ENTIRE_PAST_SESSION",
        SourceContactId=first,
    ) == {"ContinuedFromContactId": first}
    await house.closed()


async def test_a_related_contact_gives_its_attributes_and_no_transcript(clock: VirtualClock) -> None:
    house = await House(clock).opened()
    first = await chatted(house, "one", Attributes={"tier": "gold"})
    token = await opened(house, RelatedContactId=first)
    assert await said(house, token) == []
    [contact] = house.office.flows.contacts()
    assert contact.memory.attributes == {"tier": "gold"}
    with pytest.raises(CallerError, match="ResourceNotFoundException"):
        await opened(house, RelatedContactId="none")
    await house.closed()


SHOWN = (
    action(
        "show",
        "ShowView",
        {"ViewResource": {"Id": "arn:aws:connect:us-east-1:aws:view/form:1"}, "ViewData": {"title": "Which?"}},
        "bye",
        errors={"NoMatchingCondition": "bye", "NoMatchingError": "bye", "TimeLimitExceeded": "bye"},
        when={"Next": "bye"},
    ),
    hang_up(),
)


async def test_a_view_that_the_chat_shows_is_described(clock: VirtualClock) -> None:
    house = await House(clock, flow=SHOWN).opened()
    seat, ear = await house.chat()
    await clock.settle()
    token = json.loads(str(ear.items[-1]["Content"]))["data"]["content"]["viewToken"]
    view = (await house.ask("DescribeView", ViewToken=token, ConnectionToken=house.token(seat)))["View"]
    assert view == {
        "Id": "form",
        "Arn": "arn:aws:connect:us-east-1:aws:view/form:1",
        "Name": "form",
        "Version": 1,
        "Content": {"InputSchema": "{}", "Template": "{}", "Actions": []},
    }
    for wrong, connection, code in (
        ("list", house.token(seat), "ResourceNotFoundException"),
        (token, "none", "AccessDeniedException"),
    ):
        with pytest.raises(CallerError, match=code):
            await house.ask("DescribeView", ViewToken=wrong, ConnectionToken=connection)
    await house.closed()


async def test_a_declared_view_brings_its_template(clock: VirtualClock) -> None:
    house = await House(clock, flow=(say("hello", "Hello.", "bye"), *SHOWN)).opened()
    view = View(name="Survey", id="v-1", version=3, template={"Head": {"Title": "T"}}, actions=("Next", "Back"))
    declared = Declared(views=(view,))
    await house.plane.apply(type(INSTANCE)(arn=INSTANCE.arn, all_functions=True, declared=declared), [house.flow], [])
    seat, _ = await house.chat()
    found = (await house.ask("DescribeView", ViewToken="Survey", ConnectionToken=house.token(seat)))["View"]
    assert isinstance(found, dict)
    assert (found["Id"], found["Name"], found["Version"]) == ("v-1", "Survey", 3)
    assert found["Arn"] == f"{INSTANCE.arn}/view/v-1"
    assert found["Content"] == {
        "InputSchema": "{}",
        "Template": '{"Head":{"Title":"T"}}',
        "Actions": ["Next", "Back"],
    }
    await house.closed()

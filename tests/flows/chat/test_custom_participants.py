"""Custom participants: a bot from outside comes into a chat, talks, goes, and the flow hears of it. On virtual time."""

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.flows.building import Action, action, hang_up, say
from tests.flows.chat.chatting import told
from tests.flows.chat.house import Ear, House

pytestmark = pytest.mark.sim

BOT = {"DisplayName": "Robo", "ParticipantRole": "CUSTOM_BOT"}


def until_bot_leaves(name: str, gone: str, none: str, over: str) -> Action:
    parameters = {"TimeLimitSeconds": "600", "Events": ["BotParticipantDisconnected"]}
    edges = {"BotParticipantDisconnected": gone, "WaitCompleted": over}
    return action(
        name, "Wait", parameters, over, errors={"NoMatchingError": over, "ParticipantNotFound": none}, when=edges
    )


def pause(name: str, seconds: int, then: str) -> Action:
    parameters = {"TimeLimitSeconds": str(seconds)}
    return action(name, "Wait", parameters, then, errors={"NoMatchingError": then}, when={"WaitCompleted": then})


#: A first Wait gives the test time to invite the bot, as a function would.
FLOW = (
    say("hello", "Hello.", "pause"),
    pause("pause", 5, "bot"),
    until_bot_leaves("bot", "thanks", "nobody", "late"),
    say("thanks", "The bot is done.", "stay"),
    say("nobody", "There is no bot.", "stay"),
    say("late", "The bot took too long.", "stay"),
    pause("stay", 600, "bye"),
    hang_up(),
)


def said(ear: Ear) -> list[tuple[str, str]]:
    return told(ear.items)


async def test_a_bot_comes_talks_and_goes(clock: VirtualClock) -> None:
    house = await House(clock, flow=FLOW).opened()
    seat, ear = await house.chat()
    invited = await house.ask("CreateParticipant", ContactId=seat.contact.id, ParticipantDetails=BOT, ClientToken="t")
    again = await house.ask("CreateParticipant", ContactId=seat.contact.id, ParticipantDetails=BOT, ClientToken="t")
    assert invited == again
    credentials = invited["ParticipantCredentials"]
    assert isinstance(credentials, dict)
    connected = await house.ask(
        "CreateParticipantConnection",
        ParticipantToken=credentials["ParticipantToken"],
        Type=["CONNECTION_CREDENTIALS"],
        ConnectParticipant=True,
    )
    token = connected["ConnectionCredentials"]["ConnectionToken"]  # type: ignore[index]
    await clock.advance(20)
    await house.ask("SendMessage", ConnectionToken=token, ContentType="text/plain", Content="I am Robo.")
    await house.chats.send(seat, "text/plain", "Hi Robo", "")
    with pytest.raises(CallerError, match="ConflictException"):
        await house.ask("CreateParticipant", ContactId=seat.contact.id, ParticipantDetails=BOT, ClientToken="other")
    page = await house.ask("GetTranscript", ConnectionToken=token, SortOrder="ASCENDING")
    assert ("CUSTOMER", "Hi Robo") in told(page["Transcript"])  # type: ignore[arg-type]
    await house.ask("DisconnectParticipant", ConnectionToken=token)
    for operation in ("SendMessage", "GetTranscript"):
        given = {"ContentType": "text/plain", "Content": "x"} if operation == "SendMessage" else {}
        with pytest.raises(CallerError, match="AccessDeniedException"):
            await house.ask(operation, ConnectionToken=token, **given)
    assert said(ear) == [
        ("CUSTOMER", "participant.joined"),
        ("SYSTEM", "Hello."),
        ("CUSTOM_BOT", "participant.joined"),
        ("CUSTOM_BOT", "I am Robo."),
        ("CUSTOMER", "Hi Robo"),
        ("CUSTOM_BOT", "participant.left"),
        ("SYSTEM", "The bot is done."),
    ]
    assert not ear.ended
    await house.closed()


async def test_without_a_bot_the_wait_says_so(clock: VirtualClock) -> None:
    house = await House(clock, flow=FLOW).opened()
    _, ear = await house.chat()
    await clock.advance(6)
    assert said(ear)[-1] == ("SYSTEM", "There is no bot.")
    await house.closed()


async def test_a_bot_that_never_connects_is_not_waited_for(clock: VirtualClock) -> None:
    house = await House(clock, flow=FLOW).opened()
    seat, ear = await house.chat()
    invited = await house.ask("CreateParticipant", ContactId=seat.contact.id, ParticipantDetails=BOT, ClientToken="t")
    token = invited["ParticipantCredentials"]["ParticipantToken"]  # type: ignore[index]
    await clock.advance(16)
    assert said(ear)[-1] == ("SYSTEM", "The bot is done.")
    assert ("CUSTOM_BOT", "participant.left") not in said(ear)
    with pytest.raises(CallerError, match="AccessDeniedException"):
        await house.ask("CreateParticipantConnection", ParticipantToken=token, Type=["CONNECTION_CREDENTIALS"])
    await house.closed()


async def test_a_bots_sockets_close_with_it_and_the_customers_stay(clock: VirtualClock) -> None:
    house = await House(clock, flow=FLOW).opened()
    seat, ear = await house.chat()
    invitation = await house.chats.invite(seat.contact.id, "Robo", "")
    bot = house.chats.admit(invitation.participant_token)
    own = Ear()
    bot.room.join(bot.participant, own)
    await clock.settle()
    assert said(ear)[-1] == ("CUSTOM_BOT", "participant.joined")
    await bot.room.leave(bot.participant)
    assert (own.ended, ear.ended) == (True, False)
    assert said(own)[-1] == ("CUSTOM_BOT", "participant.left")
    await house.closed()


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"ParticipantRole": "AGENT", "DisplayName": "x"}, "InvalidRequestException"),
        ({"ParticipantRole": "CUSTOM_BOT"}, "InvalidRequestException"),
    ],
)
async def test_who_is_not_let_in(clock: VirtualClock, details: dict[str, str], code: str) -> None:
    house = await House(clock, flow=FLOW).opened()
    seat, _ = await house.chat()
    with pytest.raises(CallerError, match=code):
        await house.ask("CreateParticipant", ContactId=seat.contact.id, ParticipantDetails=details)
    with pytest.raises(CallerError, match="ResourceNotFoundException"):
        await house.ask("CreateParticipant", ContactId="none", ParticipantDetails=BOT)
    await house.closed()

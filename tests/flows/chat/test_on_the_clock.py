"""What time does to a chat: tokens and sockets expire, silent clients are let go. On a virtual clock, sockets real."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callpark.flows.chat.model import ENDED, INTERACTIVE_RESPONSE
from callpark.kernel.clock import VirtualClock
from tests.flows.building import action, hang_up, say
from tests.flows.chat.chatting import ECHO, Client, Listener, chat_server, told

pytestmark = pytest.mark.process


async def test_tokens_and_addresses_expire(tmp_path: Path, clock: VirtualClock) -> None:
    async with chat_server(tmp_path, *ECHO, clock=clock) as app:
        client = Client(app)
        begun = await client.start(ChatDurationInMinutes=10_080)
        connection = await client.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        await client.say(token, "hello")
        await clock.advance(99)
        async with Listener.at(connection["Websocket"]["Url"]):
            pass
        await clock.advance(1)
        with pytest.raises(InvalidStatus):
            async with Listener.at(connection["Websocket"]["Url"]):
                pass
        await clock.advance(86_000)
        await client.say(token, "hello again")
        await clock.advance(300)
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await client.say(token, "too late")
        again = await client.connection(begun["ParticipantToken"])
        await client.say(again["ConnectionCredentials"]["ConnectionToken"], "with a new one")


async def test_a_socket_lasts_an_hour_while_its_client_speaks(tmp_path: Path, clock: VirtualClock) -> None:
    async with chat_server(tmp_path, *ECHO, clock=clock) as app:
        client = Client(app)
        begun = await client.start()
        first, second = [await client.connection(begun["ParticipantToken"]) for _ in range(2)]
        async with (
            Listener.at(first["Websocket"]["Url"], subscribe=False) as silent,
            Listener.at(second["Websocket"]["Url"], subscribe=False) as alive,
        ):
            for _ in range(7):
                await alive.send({"topic": "aws/heartbeat"})
                await alive.frame()
                await clock.advance(500)
            with pytest.raises(ConnectionClosed) as closed:
                await silent.frame()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.reason == "nothing was said for 600 s"
            await clock.advance(100)
            with pytest.raises(ConnectionClosed) as closed:
                await alive.frame()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.reason == "the connection has expired"


async def test_nobody_connects(tmp_path: Path, clock: VirtualClock) -> None:
    async with chat_server(tmp_path, *ECHO, clock=clock) as app:
        client = Client(app)
        begun = await client.start()
        await clock.advance(300)
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await client.connection(begun["ParticipantToken"])


async def test_the_first_message_a_view_and_its_answer(tmp_path: Path, clock: VirtualClock) -> None:
    errors = {"NoMatchingCondition": "bye", "NoMatchingError": "bye", "TimeLimitExceeded": "bye"}
    shown = {"ViewResource": {"Id": "form", "Version": "1"}, "ViewData": {"title": "Which?"}}
    show = action("show", "ShowView", shown, "bye", errors=errors, when={"Next": "chose"})
    hello = say("hello", "You said $.Media.InitialMessage.", "show")
    flow = (hello, show, say("chose", "Chose $.Views.ViewResultData.n.", "bye"), hang_up())
    async with chat_server(tmp_path, *flow, clock=clock) as app:
        client = Client(app)
        begun = await client.start(
            InitialMessage={"ContentType": "text/plain", "Content": "help"},
            SupportedMessagingContentTypes=["text/plain", INTERACTIVE_RESPONSE],
        )
        connection = await client.connection(begun["ParticipantToken"])
        async with Listener.at(connection["Websocket"]["Url"]) as listener:
            await listener.until("application/vnd.amazonaws.connect.message.interactive")
            await client.say(
                connection["ConnectionCredentials"]["ConnectionToken"],
                '{"templateType":"ViewResource","data":{"action":"Next","data":{"n":"2"}}}',
                ContentType=INTERACTIVE_RESPONSE,
            )
            await listener.until(ENDED)
        texts = [text for _, text in told(listener.items)]
        assert texts[:3] == ["participant.joined", "help", "You said help."]
        assert '"viewToken":"form"' in texts[3]
        assert texts[5:] == ["Chose 2.", "participant.left", "chat.ended"]

"""A chat from start to end with boto3 and a web socket, against the served application."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callpark.flows.chat.model import ENDED, TYPING
from callpark.kernel.limits import Limits
from tests.flows.building import hang_up, say
from tests.flows.chat.chatting import ECHO, TALK, Client, Listener, chat_server, ended, told

pytestmark = pytest.mark.process

WHOLE = [
    ("CUSTOMER", "participant.joined"),
    ("SYSTEM", "Hello Ann."),
    ("CUSTOMER", "a"),
    ("SYSTEM", "One."),
    ("CUSTOMER", "b"),
    ("SYSTEM", "Two."),
    ("CUSTOMER", "participant.left"),
    ("", "chat.ended"),
]


async def test_a_chat_from_start_to_end(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *TALK) as app:
        client = Client(app)
        begun = await client.start(Attributes={"name": "Ann"})
        connection = await client.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        async with Listener.at(connection["Websocket"]["Url"]) as listener:
            await listener.until("Hello Ann.")
            sent = await client.say(token, "a")
            assert (await listener.item())["Id"] == sent["Id"]
            await listener.until("One.")
            await client.say(token, "b")
            await listener.until(ENDED)
        assert told(listener.items) == WHOLE
        assert {item["ContactId"] for item in listener.items} == {begun["ContactId"]}
        transcript = await client.transcript(token)
        for item in (*transcript, *listener.items):
            item.pop("MessageMetadata", None)
            item.pop("InitialContactId", None)
        assert transcript == listener.items
        described = (await client.contact("describe_contact", ContactId=begun["ContactId"]))["Contact"]
        assert (described["Channel"], described["InitiationMethod"]) == ("CHAT", "API")
        assert described["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await client.say(token, "too late")
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await client.connection(begun["ParticipantToken"])


async def test_without_a_web_socket(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *TALK) as app:
        client = Client(app)
        begun = await client.start(Attributes={"name": "Ann"})
        connection = await client.connection(begun["ParticipantToken"], "CONNECTION_CREDENTIALS")
        assert "Websocket" not in connection
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        await client.say(token, "a")
        await client.say(token, "b")
        await ended(app, begun["ContactId"])
        items = await client.transcript(token)
        assert sorted(told(items)) == sorted(WHOLE)


async def test_typing_and_receipts(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        client = Client(app)
        connection = await client.connection((await client.start())["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        async with Listener.at(connection["Websocket"]["Url"]) as listener:
            hello = await listener.until("Hello.")
            await client.participant("send_event", ContentType=TYPING, ConnectionToken=token)
            typing = await listener.item()
            assert (typing["ContentType"], typing["ParticipantRole"]) == (TYPING, "CUSTOMER")
            for kind in ("delivered", "read"):
                await client.participant(
                    "send_event",
                    ContentType=f"application/vnd.amazonaws.connect.event.message.{kind}",
                    Content=json.dumps({"messageId": hello["Id"]}),
                    ConnectionToken=token,
                )
            await listener.item()
            receipt = (await listener.item())["MessageMetadata"]["Receipts"][0]
            assert {"DeliveredTimestamp", "ReadTimestamp", "RecipientParticipantId"} == set(receipt)
        kept = [item for item in await client.transcript(token) if item["Id"] == hello["Id"]]
        assert kept[0]["MessageMetadata"] == {"MessageId": hello["Id"], "Receipts": [receipt]}
        assert TYPING not in [item["ContentType"] for item in await client.transcript(token)]


async def test_a_dropped_socket_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        client = Client(app)
        begun = await client.start()
        connection = await client.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        async with Listener.at(connection["Websocket"]["Url"]) as before:
            await before.until("Hello.")
            before.socket.transport.abort()
        await client.say(token, "away 1", ClientToken="t1")
        await client.say(token, "away 1", ClientToken="t1")
        again = await client.connection(begun["ParticipantToken"])
        token = again["ConnectionCredentials"]["ConnectionToken"]
        async with Listener.at(again["Websocket"]["Url"]) as after:
            await client.say(token, "back")
            while "back" not in [item.get("Content") for item in after.items]:
                await after.item()
            await after.until("Answer.")
        seen = {item["Id"] for item in before.items}
        missed = [item for item in await client.transcript(token) if item["Id"] not in seen]
        assert told(missed)[:2] == [("CUSTOMER", "away 1"), ("SYSTEM", "Answer.")]
        assert told(missed).count(("CUSTOMER", "away 1")) == 1
        assert [item["Id"] for item in missed][-len(after.items) :] == [item["Id"] for item in after.items]


async def test_a_restart_in_the_middle(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *TALK) as app:
        client = Client(app)
        begun = await client.start(Attributes={"name": "Ann"}, ClientToken="once")
        connection = await client.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        sent = await client.say(token, "a", ClientToken="a")
    async with chat_server(tmp_path, *TALK) as app:
        client = Client(app)
        assert await client.start(ClientToken="once") == begun
        assert await client.say(token, "a", ClientToken="a") == sent
        again = await client.connection(begun["ParticipantToken"])
        async with Listener.at(again["Websocket"]["Url"]) as listener:
            await client.say(token, "b")
            await listener.until(ENDED)
        items = await client.transcript(token)
        assert told(items)[0] == WHOLE[0]
        assert sorted(told(items)) == sorted(WHOLE)


async def test_tokens_do_not_cross(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        client = Client(app)
        begun = await client.start()
        connection = await client.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        broken = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
        for wrong in (begun["ParticipantToken"], broken, "x", "é"):
            with pytest.raises(ClientError, match="AccessDeniedException"):
                await client.say(wrong, "hello")
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await client.connection(token)
        other = await client.start()
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await client.transcript(token, ContactId=other["ContactId"])
        url = connection["Websocket"]["Url"].partition("?")[0]
        for query in ("", f"?token={token}"):
            with pytest.raises(InvalidStatus) as refused:
                async with Listener.at(url + query):
                    pass
            assert refused.value.response.status_code == 403


async def test_frames_that_are_none(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        client = Client(app)
        connection = await client.connection((await client.start())["ParticipantToken"])
        async with Listener.at(connection["Websocket"]["Url"], subscribe=False) as listener:
            for frame in ("", "nonsense", "[]", '{"topic":"aws/other"}', '{"topic":"aws/subscribe"}', "[" * 20_000):
                await listener.socket.send(frame)
                assert "message" in await listener.frame()
            await listener.send({"topic": "aws/ping"})
            assert (await listener.frame())["statusCode"] == 200
            await listener.send({"topic": "aws/heartbeat"})
            assert await listener.frame() == {"topic": "aws/heartbeat"}
            await listener.send({"topic": "aws/subscribe", "content": {"topics": ["aws/tasks"]}})
            assert (await listener.frame())["content"]["status"] == "failure"
            await listener.socket.send("x" * 40_000)
            with pytest.raises(ConnectionClosed):
                await listener.frame()


async def test_a_sixth_socket_ends_the_oldest(tmp_path: Path) -> None:
    limits = Limits().override(["connect.chat_sockets=1"])
    async with chat_server(tmp_path, *ECHO, limits=limits) as app:
        client = Client(app)
        begun = await client.start()
        first, second = [await client.connection(begun["ParticipantToken"]) for _ in range(2)]
        async with Listener.at(first["Websocket"]["Url"]) as old:
            await old.until("Hello.")
            async with Listener.at(second["Websocket"]["Url"]) as new:
                with pytest.raises(ConnectionClosed):
                    await old.frame()
                await client.say(second["ConnectionCredentials"]["ConnectionToken"], "still here")
                await new.until("still here")


async def test_the_customer_leaves_and_somebody_stops_a_contact(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        client = Client(app)
        begun = await client.start()
        connection = await client.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        async with Listener.at(connection["Websocket"]["Url"]) as listener:
            await client.participant("disconnect_participant", ConnectionToken=token)
            await listener.until(ENDED)
        other = await client.start()
        await client.contact("stop_contact", ContactId=other["ContactId"])
        with pytest.raises(ClientError, match="ContactNotFoundException"):
            await client.contact("stop_contact", ContactId=other["ContactId"])
        reasons = [
            (await client.contact("describe_contact", ContactId=one["ContactId"]))["Contact"]["DisconnectReason"]
            for one in (begun, other)
        ]
        assert reasons == ["CUSTOMER_DISCONNECT", "API"]


async def test_attributes(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *TALK) as app:
        client = Client(app)
        begun = await client.start(Attributes={"name": "Ann"})
        where = {"InitialContactId": begun["ContactId"]}
        await client.contact("update_contact_attributes", Attributes={"name": "Bob", "x": "1"}, **where)
        assert await client.contact("get_contact_attributes", **where) == {"Attributes": {"name": "Bob", "x": "1"}}
        with pytest.raises(ClientError, match="InvalidRequestException"):
            await client.contact(
                "update_contact_attributes", Attributes={"a": "x" * 17_000, "b": "x" * 17_000}, **where
            )
        connection = await client.connection(begun["ParticipantToken"], "CONNECTION_CREDENTIALS")
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        await client.contact("stop_contact", ContactId=begun["ContactId"])
        await client.contact("update_contact_attributes", Attributes={"note": "late"}, **where)
        assert (await client.contact("get_contact_attributes", **where))["Attributes"]["note"] == "late"
        assert ("SYSTEM", "Hello Bob.") in told(await client.transcript(token))
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            await client.contact("get_contact_attributes", InitialContactId="none")


async def test_a_persistent_chat(tmp_path: Path) -> None:
    async with chat_server(tmp_path, say("hello", "Hello.", "bye"), hang_up()) as app:
        client = Client(app)
        first = await client.start()
        connection = await client.connection(first["ParticipantToken"], "CONNECTION_CREDENTIALS")
        old = connection["ConnectionCredentials"]["ConnectionToken"]
        await ended(app, first["ContactId"])
        assert told(await client.transcript(old))[-1] == ("", "chat.ended")
        past = {"RehydrationType": "ENTIRE_PAST_SESSION", "SourceContactId": first["ContactId"]}
        second = await client.start(PersistentChat=past)
        assert second["ContinuedFromContactId"] == first["ContactId"]
        connection = await client.connection(second["ParticipantToken"], "CONNECTION_CREDENTIALS")
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        await ended(app, second["ContactId"])
        items = await client.transcript(token)
        assert {item["ContactId"] for item in items} == {first["ContactId"], second["ContactId"]}
        own = await client.transcript(token, ContactId=second["ContactId"])
        assert {item["ContactId"] for item in own} == {second["ContactId"]}
        with pytest.raises(ClientError, match="InvalidRequestException"):
            await client.start(PersistentChat={**past, "SourceContactId": "none"})


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ContactFlowId": "none"}, "ResourceNotFoundException"),
        ({"InstanceId": "other"}, "ResourceNotFoundException"),
        ({"ChatDurationInMinutes": 59}, "InvalidParameterException"),
        ({"SupportedMessagingContentTypes": ["text/markdown"]}, "InvalidRequestException"),
        ({"InitialMessage": {"ContentType": "text/plain", "Content": "x" * 1_025}}, "InvalidRequestException"),
        ({"InitialMessage": {"ContentType": "text/markdown", "Content": "x"}}, "InvalidRequestException"),
        ({"Attributes": {"a": "x" * 17_000, "b": "x" * 17_000}}, "InvalidRequestException"),
        ({"ChatStreamingConfiguration": {"StreamingEndpointArn": "arn"}}, "InvalidParameterException"),
        ({"RelatedContactId": "a", "PersistentChat": {"SourceContactId": "b"}}, "InvalidRequestException"),
    ],
)
async def test_what_start_chat_contact_refuses(chats: Client, parameters: dict[str, object], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        await chats.start(**parameters)


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("send_message", {"ContentType": "text/plain", "Content": "x" * 1_025}, "ValidationException"),
        ("send_message", {"ContentType": "text/markdown", "Content": "x"}, "ValidationException"),
        ("send_message", {"ContentType": "text/plain", "Content": ""}, "ValidationException"),
        ("send_event", {"ContentType": "text/plain"}, "ValidationException"),
        ("send_event", {"ContentType": "application/vnd.amazonaws.connect.event.message.read"}, "ValidationException"),
        (
            "send_event",
            {
                "ContentType": "application/vnd.amazonaws.connect.event.message.read",
                "Content": '{"messageId":"none"}',
            },
            "ValidationException",
        ),
        ("get_transcript", {"NextToken": "nonsense"}, "ValidationException"),
        ("get_transcript", {"StartPosition": {"Id": "none"}}, "ValidationException"),
        ("get_transcript", {"StartPosition": {"AbsoluteTime": "today"}}, "ValidationException"),
        ("get_transcript", {"StartPosition": {"Id": "a", "MostRecent": 1}}, "ValidationException"),
        ("get_transcript", {"MaxResults": 101}, "ValidationException"),
    ],
)
async def test_what_the_participant_service_refuses(
    chats: Client, operation: str, parameters: dict[str, object], code: str
) -> None:
    connection = await chats.connection((await chats.start())["ParticipantToken"])
    token = connection["ConnectionCredentials"]["ConnectionToken"]
    with pytest.raises(ClientError, match=code):
        await chats.participant(operation, ConnectionToken=token, **parameters)

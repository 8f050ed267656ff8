"""A node that is killed with its sockets: what their clients find at another node."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.cluster.project import flow
from tests.cluster.subscribers import listening
from tests.flows.building import content, hang_up, say
from tests.flows.chat.chatting import CHAT, ECHO, SUBSCRIBE
from tests.soak.topology import NodeProcess, running

pytestmark = pytest.mark.process

#: Minutes of speech.
TALKING = (say("talk", "and " * 600, "bye"), hang_up())


def client(service: str, node: NodeProcess, **options: object) -> Any:
    return boto3.client(
        service,
        endpoint_url=node.url,
        region_name="us-east-1",
        aws_access_key_id="callpark",
        aws_secret_access_key="callpark",
        config=Config(retries={"max_attempts": 8, "mode": "standard"}, read_timeout=15, **options),
    )


async def health(node: NodeProcess) -> Any:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return (await http.get(f"{node.url}/_callpark/health")).json()


class Participant:
    """The customer of a chat, as a page with boto3 would be one."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.connection = ""
        self.socket_url = ""
        self.acknowledged: list[str] = []

    async def connect(self, node: NodeProcess) -> None:
        """Again until the contact is somewhere."""
        self._service = client("connectparticipant", node, signature_version=UNSIGNED)
        async with asyncio.timeout(60):
            while True:
                try:
                    made = await asyncio.to_thread(
                        lambda: self._service.create_participant_connection(
                            ParticipantToken=self._token, Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"]
                        )
                    )
                    break
                except ClientError as error:
                    passing(error)
        self.connection = made["ConnectionCredentials"]["ConnectionToken"]
        self.socket_url = made["Websocket"]["Url"]

    async def say(self, text: str) -> None:
        await asyncio.to_thread(
            lambda: self._service.send_message(
                ContentType="text/plain", Content=text, ConnectionToken=self.connection, ClientToken=text
            )
        )
        self.acknowledged.append(text)

    async def transcript(self) -> list[str]:
        answer = await asyncio.to_thread(
            lambda: self._service.get_transcript(
                ConnectionToken=self.connection, MaxResults=100, SortOrder="ASCENDING", ScanDirection="FORWARD"
            )
        )
        return [item["Content"] for item in answer["Transcript"] if "Content" in item]


def passing(error: ClientError) -> None:
    """What SDKs try again, and nothing else."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] != 503:
        raise error


async def ends(socket: ClientConnection) -> None:
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()


async def hears(socket: ClientConnection, text: str) -> None:
    async with asyncio.timeout(30):
        while True:
            frame = json.loads(await socket.recv())
            if frame.get("topic") == CHAT and json.loads(frame["content"]).get("Content") == text:
                return


async def answered(phone: ClientConnection) -> str:
    while (frame := json.loads(await phone.recv()))["type"] != "answered":
        pass
    return str(frame["contact_id"])


async def is_over(node: NodeProcess, instance: str, contact_id: str) -> dict[str, Any]:
    """The contact's record, once it is closed."""
    connect_client = client("connect", node)
    async with asyncio.timeout(60):
        while True:
            try:
                described = await asyncio.to_thread(
                    lambda: connect_client.describe_contact(InstanceId=instance, ContactId=contact_id)
                )
                if "DisconnectTimestamp" in described["Contact"]:
                    found: dict[str, Any] = described["Contact"]
                    return found
            except ClientError as error:
                passing(error)


@pytest.mark.timeout(180)
async def test_sockets_of_a_killed_node_go_on_at_another_one(tmp_path: Path) -> None:
    flows = (flow("Echo", content(*ECHO)), flow("Talking", content(*TALKING)))
    async with running(tmp_path, *flows, servers=1, nodes=2) as topology:
        dying, other = topology.nodes
        found = await health(dying)
        (api,) = found["apis"]
        arns = {each["name"]: each["arn"] for each in found["flows"]}
        instance = arns["Echo"].partition("/contact-flow")[0]

        begun = await asyncio.to_thread(
            lambda: client("connect", dying).start_chat_contact(
                InstanceId=instance, ContactFlowId=arns["Echo"], ParticipantDetails={"DisplayName": "Ann"}
            )
        )
        ann = Participant(begun["ParticipantToken"])
        await ann.connect(dying)
        async with (
            connect(ann.socket_url, proxy=None) as chat,
            connect(f"{dying.url.replace('http', 'ws')}/_callpark/phone?target=Talking", proxy=None) as phone,
            listening(dying.url, api["id"], api["api_key"]) as heard,
        ):
            contact_id = await answered(phone)
            await chat.send(json.dumps(SUBSCRIBE))
            await ann.say("before")
            await hears(chat, "before")
            await add(dying, api, "before")
            await heard.until_has("before")
            await dying.kill()
            await ends(chat)
            await ends(phone)

        async with listening(other.url, api["id"], api["api_key"]) as heard:
            await add(other, api, "after")
            await heard.until_has("after")

        await ann.connect(other)
        async with connect(ann.socket_url, proxy=None) as chat:
            await chat.send(json.dumps(SUBSCRIBE))
            await ann.say("after")
            await hears(chat, "Answer.")
        said = await ann.transcript()
        assert [text for text in said if text in ("before", "after")] == ann.acknowledged

        record = await is_over(other, instance, contact_id)
        assert record["DisconnectReason"] == "OTHER"


async def add(node: NodeProcess, api: dict[str, Any], text: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(
            f"{node.url}/apis/{api['id']}/graphql",
            json={"query": f'mutation {{ add(text: "{text}") {{ text }} }}'},
            headers={"x-api-key": api["api_key"]},
        )
    assert "errors" not in answer.json(), answer.text

"""A project with one chat flow, served over real sockets, and clients of it: boto3 and a bare web socket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from websockets.asyncio.client import ClientConnection, connect

from callpark.app import App
from callpark.flows.happenings import ContactEnded
from callpark.kernel.clock import Clock
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Entry
from callpark.projects.model import Project
from callpark.serving import served
from callpark.settings import Settings
from tests.flows.building import Action, action, definition, hang_up, say

CHAT = "aws/chat"
SUBSCRIBE = {"topic": "aws/subscribe", "content": {"topics": [CHAT]}}


def returns(name: str, back: str, over: str, seconds: str = "600") -> Action:
    """Wait for the customer's next message."""
    parameters = {"TimeLimitSeconds": seconds, "Events": ["CustomerReturned"]}
    edges = {"CustomerReturned": back, "WaitCompleted": over}
    return action(name, "Wait", parameters, over, errors={"NoMatchingError": over}, when=edges)


#: Greets, answers each of two messages, and ends.
TALK = (
    say("hello", "Hello $.Attributes.name.", "first"),
    returns("first", "one", "bye"),
    say("one", "One.", "second"),
    returns("second", "two", "bye"),
    say("two", "Two.", "bye"),
    hang_up(),
)


#: Answers every message for ever.
ECHO = (
    say("hello", "Hello.", "wait"),
    returns("wait", "answer", "bye", "600000"),
    say("answer", "Answer.", "wait"),
    hang_up(),
)


@contextlib.asynccontextmanager
async def chat_server(
    data: Path, *flow: Action, clock: Clock | None = None, limits: Limits | None = None
) -> AsyncIterator[App]:
    """Serves a flow called `flow`."""
    settings = Settings(data=data, port=0, limits=limits or Limits())
    project = Project(name="chat", root=Path(), flows=(definition(*flow),))
    async with served(settings, lambda: project, clock=clock) as app:
        yield app


class Client:
    """boto3, its calls on threads."""

    def __init__(self, app: App) -> None:
        keys: dict[str, Any] = {
            "endpoint_url": app.base_url,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        self.instance_id = app.flows.instance.definition.arn.rsplit("/", 1)[-1]
        self._connect = boto3.client("connect", **keys, config=config)
        self._participant = boto3.client(
            "connectparticipant", **keys, config=config.merge(Config(signature_version=UNSIGNED))
        )

    async def contact(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """An operation of `connect` on this instance."""
        return await self._call(getattr(self._connect, operation), **{"InstanceId": self.instance_id, **parameters})

    async def participant(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return await self._call(getattr(self._participant, operation), **parameters)

    async def start(self, **parameters: Any) -> dict[str, Any]:
        wanted = {"ContactFlowId": "flow", "ParticipantDetails": {"DisplayName": "Ann"}}
        return await self.contact("start_chat_contact", **{**wanted, **parameters})

    async def connection(self, participant_token: str, *types: str, **more: Any) -> dict[str, Any]:
        wanted = list(types) or ["WEBSOCKET", "CONNECTION_CREDENTIALS"]
        return await self.participant(
            "create_participant_connection", Type=wanted, ParticipantToken=participant_token, **more
        )

    async def say(self, connection_token: str, text: str, **more: Any) -> dict[str, Any]:
        wanted = {"ContentType": "text/plain", "Content": text, "ConnectionToken": connection_token}
        return await self.participant("send_message", **{**wanted, **more})

    async def transcript(self, connection_token: str, **more: Any) -> list[dict[str, Any]]:
        wanted = {"ConnectionToken": connection_token, "SortOrder": "ASCENDING", "MaxResults": 100}
        answer = await self.participant("get_transcript", **{**wanted, **more})
        items: list[dict[str, Any]] = answer["Transcript"]
        return items

    async def _call(self, method: Callable[..., dict[str, Any]], **parameters: Any) -> dict[str, Any]:
        answer = await asyncio.to_thread(method, **parameters)
        answer.pop("ResponseMetadata")
        return answer


class Listener:
    """A participant's web socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.items: list[dict[str, Any]] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, url: str, *, subscribe: bool = True) -> AsyncIterator["Listener"]:
        async with connect(url, proxy=None) as socket:
            listener = cls(socket)
            if subscribe:
                await listener.send(SUBSCRIBE)
                answer = await listener.frame()
                assert answer == {"topic": "aws/subscribe", "content": {"status": "success", "topics": [CHAT]}}
            yield listener

    async def send(self, frame: object) -> None:
        await self.socket.send(json.dumps(frame))

    async def frame(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
        return found

    async def item(self) -> dict[str, Any]:
        frame = await self.frame()
        assert frame["topic"] == CHAT, frame
        item: dict[str, Any] = json.loads(frame["content"])
        self.items.append(item)
        return item

    async def until(self, text: str) -> dict[str, Any]:
        """The next item with that content, or of that content type."""
        while text not in ((item := await self.item()).get("Content"), item.get("ContentType")):
            pass
        return item


async def ended(app: App, contact_id: str) -> None:
    """When the contact is over, which may be already."""
    over = asyncio.Event()

    def look(entry: Entry) -> None:
        if isinstance(entry.happening, ContactEnded) and entry.happening.subject == contact_id:
            over.set()

    stop = app.trace.listen(look)
    for entry in app.trace.entries(contact_id):
        look(entry)
    try:
        await asyncio.wait_for(over.wait(), 10)
    finally:
        stop()


def told(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Who, and what: the content, or the end of an event's type."""
    return [
        (item.get("ParticipantRole", ""), item.get("Content") or item["ContentType"].rpartition("event.")[2])
        for item in items
    ]

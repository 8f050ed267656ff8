"""A small Event API, functions that answer as told, and a client's end of an ASGI websocket."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from callpark.graphql.channels.messages import Asker
from callpark.graphql.channels.model import EventApiDefinition, Integration, NamespaceDefinition
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.graphql.model import ApiKey, AuthenticationProvider, CodeDefinition, DataSourceDefinition
from callpark.kernel.errors import CallerError

KEY = "da2-channels"
ASKER = Asker("request-1", "API_KEY", None, {"host": "localhost"})
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:guard"
SOURCES = (DataSourceDefinition("fn", "AWS_LAMBDA", FUNCTION), DataSourceDefinition("none", "NONE"))
KEYED = AuthenticationProvider("API_KEY")


def namespace(name: str = "ns", code: str | None = None, **members: Any) -> NamespaceDefinition:
    return NamespaceDefinition(name, None if code is None else CodeDefinition(code), **members)


def direct(invoke_type: Any = "REQUEST_RESPONSE") -> Integration:
    return Integration("DIRECT", "fn", invoke_type)


def event_api(*namespaces: NamespaceDefinition, **members: Any) -> EventApiDefinition:
    given: dict[str, Any] = {
        "api_id": "events",
        "name": "Events",
        "authentication": (KEYED,),
        "connection_modes": ("API_KEY",),
        "publish_modes": ("API_KEY",),
        "subscribe_modes": ("API_KEY",),
        "data_sources": SOURCES,
        "api_keys": (ApiKey(KEY, 4e9),),
    }
    return EventApiDefinition(**{**given, **members}, namespaces=namespaces or (namespace(),))


@dataclass
class Functions:
    """`answer` makes the reply from the event; an exception is the function's own, CallerError is Lambda's."""

    answer: Callable[[Any], object] = lambda event: None
    asked: list[Any] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    refusal: CallerError | None = None
    gate: asyncio.Event | None = None

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        assert function_arn == FUNCTION
        event = orjson.loads(payload)
        self.asked.append(event)
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        try:
            return FunctionReply(orjson.dumps(self.answer(event)), failed=False)
        except Exception as error:
            failure = {"errorMessage": str(error), "errorType": type(error).__name__}
            return FunctionReply(orjson.dumps(failure), failed=True)

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.told.append(orjson.loads(payload))


@dataclass
class Wire:
    """The client's end of an ASGI websocket."""

    path: str = "/event/realtime"
    key: str = KEY
    subprotocols: tuple[str, ...] = ("aws-appsync-event-ws",)
    to_server: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    heard: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    accepted: str | None = None
    closed: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.to_server.put_nowait({"type": "websocket.connect"})

    def scope(self) -> dict[str, Any]:
        headers = [(b"host", b"localhost"), (b"x-api-key", self.key.encode())]
        return {"type": "websocket", "path": self.path, "headers": headers, "subprotocols": list(self.subprotocols)}

    async def receive(self) -> dict[str, Any]:
        return await self.to_server.get()

    async def send(self, message: Any) -> None:
        assert self.closed is None, "nothing may follow the close"
        match message["type"]:
            case "websocket.accept":
                self.accepted = message["subprotocol"]
            case "websocket.close":
                self.closed = message
                self.to_server.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
            case "websocket.send":
                self.heard.put_nowait(json.loads(message["text"]))

    def say(self, **members: Any) -> None:
        if members["type"] in ("subscribe", "publish"):
            members.setdefault("authorization", {"x-api-key": self.key})
        self.to_server.put_nowait({"type": "websocket.receive", "text": json.dumps(members)})

    async def hear(self) -> dict[str, Any]:
        """The next frame that is no keep-alive."""
        while (frame := await self.heard.get())["type"] == "ka":
            pass
        return frame

    def leave(self) -> None:
        self.to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})

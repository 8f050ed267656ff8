"""The client's end of an ASGI websocket, without a socket."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from tests.graphql.api.toy import KEY


@dataclass
class Wire:
    """The client's end of an ASGI websocket."""

    to_server: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    heard: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self.to_server.put_nowait({"type": "websocket.connect"})

    def scope(self, key: str) -> dict[str, Any]:
        headers = [(b"host", b"localhost"), (b"x-api-key", key.encode())]
        return {"type": "websocket", "path": "/graphql", "headers": headers, "subprotocols": ["graphql-ws"]}

    async def receive(self) -> dict[str, Any]:
        return await self.to_server.get()

    async def send(self, message: Any) -> None:
        assert not self.closed, "nothing may follow the close"
        if message["type"] == "websocket.close":
            self.closed = True
            self.to_server.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
        elif message["type"] == "websocket.send":
            self.heard.append(json.loads(message["text"]))

    def say(self, text: str) -> None:
        self.to_server.put_nowait({"type": "websocket.receive", "text": text})


def start(id: str, query: str, variables: object = None) -> str:
    payload = {
        "data": json.dumps({"query": query, "variables": variables}),
        "extensions": {"authorization": {"x-api-key": KEY}},
    }
    return json.dumps({"id": id, "type": "start", "payload": payload})


def stop(id: str) -> str:
    return json.dumps({"type": "stop", "id": id})

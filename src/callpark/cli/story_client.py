"""A small AppSync client for the demo: one mutation over HTTP, one subscription over a web socket."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from typing import TypeVar

import httpx
import msgspec
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from callpark.health import ApiHealth

Answer = TypeVar("Answer")


class Token(msgspec.Struct, frozen=True):
    """What the story's subscription delivers."""

    storyId: str
    index: int
    text: str
    last: bool


class _Data(msgspec.Struct, frozen=True):
    onToken: Token


class _Payload(msgspec.Struct, frozen=True):
    data: _Data


class _Frame(msgspec.Struct, frozen=True):
    type: str
    payload: msgspec.Raw = msgspec.Raw(b"null")


async def tell_story(api: ApiHealth, prompt: str) -> tuple[str, float]:
    """The mutation's answer and the milliseconds it took."""
    query = "mutation Tell($prompt: String!) { tellStory(prompt: $prompt) }"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        started = time.perf_counter()
        response = await client.post(
            api.graphql_url,
            json={"query": query, "variables": {"prompt": prompt}},
            headers={"x-api-key": api.api_key or ""},
        )
        return response.text, (time.perf_counter() - started) * 1_000


class Listener:
    """A subscription to the story's tokens."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @classmethod
    async def open(cls, api: ApiHealth) -> "Listener":
        """Connect and wait until the subscription is acknowledged."""
        authorization = {"host": httpx.URL(api.graphql_url).netloc.decode(), "x-api-key": api.api_key or ""}
        header = base64.urlsafe_b64encode(orjson.dumps(authorization)).decode().rstrip("=")
        protocols = [Subprotocol("graphql-ws"), Subprotocol(f"header-{header}")]
        socket = await connect(api.realtime_url, subprotocols=protocols, proxy=None)
        query = "subscription { onToken { storyId index text last } }"
        data = orjson.dumps({"query": query, "variables": {}}).decode()
        await socket.send(orjson.dumps({"type": "connection_init"}).decode())
        await _until(socket, "connection_ack")
        start = {"id": "1", "type": "start", "payload": {"data": data, "extensions": {"authorization": authorization}}}
        await socket.send(orjson.dumps(start).decode())
        await _until(socket, "start_ack")
        return cls(socket)

    async def tokens(self, patience: float = 20.0) -> AsyncIterator[Token]:
        """Tokens until the last one. Raises TimeoutError when `patience` seconds pass without one."""
        while True:
            frame = await _until(self._socket, "data", patience)
            token = msgspec.json.decode(frame.payload, type=_Payload).data.onToken
            yield token
            if token.last:
                return

    async def close(self) -> None:
        await self._socket.close()


async def _until(socket: ClientConnection, wanted: str, patience: float = 10.0) -> _Frame:
    async with asyncio.timeout(patience):
        while True:
            frame = msgspec.json.decode(await socket.recv(), type=_Frame)
            if frame.type == wanted:
                return frame
            if "error" in frame.type:
                raise ConnectionError(f"{frame.type}: {bytes(frame.payload).decode()}")

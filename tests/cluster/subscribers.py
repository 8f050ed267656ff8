"""A subscriber as Amplify is one, for tests: a list that grows."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.cluster.growing import Growing


@contextlib.asynccontextmanager
async def listening(url: str, api_id: str, key: str) -> AsyncIterator[Growing]:
    """What `onAdd` says, from the moment in which the subscription is acknowledged."""
    host = url.removeprefix("http://")
    header = base64.b64encode(json.dumps({"host": host, "x-api-key": key}).encode()).decode()
    target = f"ws://{host}/apis/{api_id}/graphql/realtime?header={header}&payload=e30="
    heard = Growing()
    async with connect(target, subprotocols=["graphql-ws"], proxy=None) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init"}))
        while json.loads(await socket.recv())["type"] != "connection_ack":
            pass
        query = json.dumps({"query": "subscription { onAdd { text } }", "variables": {}})
        payload = {"data": query, "extensions": {"authorization": {"host": host, "x-api-key": key}}}
        await socket.send(json.dumps({"id": "1", "type": "start", "payload": payload}))
        while (frame := json.loads(await socket.recv()))["type"] != "start_ack":
            assert frame["type"] == "ka", frame

        async def read() -> None:
            with contextlib.suppress(ConnectionClosed):
                async for message in socket:
                    frame = json.loads(message)
                    if frame["type"] == "data":
                        heard.append(frame["payload"]["data"]["onAdd"]["text"])

        reading = asyncio.create_task(read())
        try:
            yield heard
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

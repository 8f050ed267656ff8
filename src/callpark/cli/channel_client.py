"""A subscription to one channel of an Event API, over a websocket. Used by `channels.py`."""

import base64
from collections.abc import AsyncGenerator, Mapping, Sequence
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from callpark.cli.remote import Unreachable


class Refused(Exception):
    """The API does not let the caller in, or not into the channel."""

    def __init__(self, errors: Sequence[dict[str, object]]) -> None:
        super().__init__(str(errors))
        self.errors = errors


async def events_of(
    endpoint: str, api_id: str, credentials: Mapping[str, str], channel: str
) -> AsyncGenerator[str, None]:
    """An empty text once the subscription stands, then each event's JSON text. Raises Refused and Unreachable."""
    parts = urlsplit(endpoint.rstrip("/"))
    header = orjson.dumps({"host": parts.netloc, **credentials})
    protocols = [
        Subprotocol("aws-appsync-event-ws"),
        Subprotocol("header-" + base64.urlsafe_b64encode(header).decode().rstrip("=")),
    ]
    scheme = "wss" if parts.scheme == "https" else "ws"
    url = f"{scheme}://{parts.netloc}{parts.path}/apis/{api_id}/event/realtime"
    asked = {"type": "subscribe", "id": "1", "channel": channel, "authorization": dict(credentials)}
    try:
        async with connect(url, subprotocols=protocols, proxy=None, max_size=None) as socket:
            await socket.send('{"type":"connection_init"}')
            await socket.send(orjson.dumps(asked).decode())
            async for message in socket:
                frame = orjson.loads(message)
                if frame["type"] == "data":
                    yield str(frame["event"])
                elif frame["type"] == "subscribe_success":
                    yield ""
                elif frame["type"] in ("connection_error", "subscribe_error"):
                    raise Refused(frame["errors"])
    except (OSError, InvalidHandshake, ConnectionClosed) as error:
        raise Unreachable(endpoint, str(error)) from error
    raise Unreachable(endpoint, "the server has closed the connection")

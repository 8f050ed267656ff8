"""A subscription of an API over AppSync's real-time protocol, for `callpark graphql --subscribe`.

https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
"""

import base64
from collections.abc import AsyncGenerator, Mapping, Sequence
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from callpark.cli.remote import Stranger, Unreachable

LISTENING = b""
"""What `payloads_of` gives first, and the only thing that is empty: the subscription stands."""


class Refused(Exception):
    """The API does not let the subscription be; `errors` as AppSync writes them."""

    def __init__(self, errors: Sequence[dict[str, object]]) -> None:
        super().__init__(str(errors))
        self.errors = errors


class Closed(Exception):
    """The server closed the connection while the subscription stood."""


async def payloads_of(
    endpoint: str, api_id: str, credentials: Mapping[str, str], body: Mapping[str, object]
) -> AsyncGenerator[bytes, None]:
    """LISTENING, then the JSON text of each payload; ends when the API ends the subscription. Raises Refused, Closed,
    Unreachable and Stranger."""
    authorization = {"host": urlsplit(endpoint).netloc, **credentials}
    header = base64.urlsafe_b64encode(orjson.dumps(authorization)).decode().rstrip("=")
    offered = [Subprotocol("graphql-ws"), Subprotocol(f"header-{header}")]
    url = f"{endpoint.rstrip('/').replace('http', 'ws', 1)}/apis/{api_id}/graphql/realtime"
    try:
        async with connect(url, subprotocols=offered, proxy=None, max_size=None) as socket:
            await socket.send('{"type":"connection_init"}')
            extensions = {"authorization": authorization}
            payload = {"data": orjson.dumps(dict(body)).decode(), "extensions": extensions}
            start = orjson.dumps({"id": "1", "type": "start", "payload": payload})
            async for said in _conversation(socket, start.decode()):
                yield said
    except InvalidHandshake as error:
        raise Stranger(endpoint) from error
    except (OSError, InvalidURI) as error:
        raise Unreachable(endpoint, str(error) or type(error).__name__) from error


async def _conversation(socket: ClientConnection, start: str) -> AsyncGenerator[bytes, None]:
    try:
        async for message in socket:
            frame = orjson.loads(message)
            match frame["type"]:
                case "connection_ack":
                    await socket.send(start)
                case "start_ack":
                    yield LISTENING
                case "data":
                    yield orjson.dumps(frame["payload"])
                case "complete":
                    return
                case "error" | "connection_error":
                    raise Refused(frame["payload"]["errors"])
    except ConnectionClosed:
        pass  # without a farewell; what follows tells
    raise Closed(socket.close_reason or "without a reason")

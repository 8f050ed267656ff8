"""The address of the chat's web socket, as CreateParticipantConnection tells it. Pure."""

from collections.abc import Mapping
from urllib.parse import quote

PATH = "/_callpark/chat"


def socket_url(headers: Mapping[str, str], token: str) -> str:
    """For a client that sent these headers, by the way it came. amazon-connect-chatjs opens `ws://` to 127.0.0.1 only,
    so that is what localhost is called."""
    scheme = "wss" if headers.get("x-forwarded-proto") == "https" else "ws"
    host = headers.get("host", "")
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name, colon, port = host, "", ""
    if scheme == "ws" and name in ("localhost", ""):
        name = "127.0.0.1"
    return f"{scheme}://{name}{colon}{port}{PATH}?token={quote(token)}"

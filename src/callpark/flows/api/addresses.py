"""The addresses that answers tell: the chat's web socket, and this server's for files. Pure."""

from collections.abc import Mapping
from urllib.parse import quote

PATH = "/_callpark/chat"


def socket_url(headers: Mapping[str, str], token: str) -> str:
    """Of the web socket, as CreateParticipantConnection tells it. amazon-connect-chatjs opens `ws://` to 127.0.0.1
    only, so that is what localhost is called."""
    return f"{base_url(headers, 'ws')}{PATH}?token={quote(token)}"


def base_url(headers: Mapping[str, str], scheme: str) -> str:
    """This server for a client that sent these headers, by the way it came; `scheme` of the way without TLS."""
    secure = headers.get("x-forwarded-proto") == "https"
    host = headers.get("host", "")
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name, colon, port = host, "", ""
    if not secure and name in ("localhost", ""):
        name = "127.0.0.1"
    return f"{scheme}{'s' if secure else ''}://{name}{colon}{port}"

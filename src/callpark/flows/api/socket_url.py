"""The address of the chat's web socket, as CreateParticipantConnection tells it. Pure."""

from urllib.parse import quote

PATH = "/_callpark/chat"


def socket_url(host: str, token: str) -> str:
    """For a client that reached us as `host` (name and port). amazon-connect-chatjs opens `ws://` to 127.0.0.1 only, so
    that is what localhost is called."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name, colon, port = host, "", ""
    if name in ("localhost", "[::1]", ""):
        name = "127.0.0.1"
    return f"ws://{name}{colon}{port}{PATH}?token={quote(token)}"

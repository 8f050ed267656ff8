"""The little of RFC 6455 that a client of a benchmark needs: what is measured is the server, and a library's clients
take longer to read than the server takes to write."""

from urllib.parse import urlsplit


def upgrade(url: str, subprotocol: str | None = None) -> bytes:
    """The request that asks for a websocket at `url`."""
    parts = urlsplit(url)
    lines = [
        f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def frame(text: str) -> bytes:
    """A client's text message of up to 65,535 bytes; a mask of noughts changes nothing."""
    payload = text.encode()
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + b"\0\0\0\0" + payload


def pong(ping: bytes) -> bytes:
    """What a server's ping of up to 125 bytes is answered with; one who does not answer is cut after 20 seconds."""
    return b"\x8a" + bytes([0x80 | len(ping)]) + b"\0\0\0\0" + ping


def messages(received: bytes) -> tuple[list[bytes], list[bytes], bytes]:
    """The whole texts and pings of what a server sent, and the rest: servers neither mask nor, here, fragment."""
    texts: list[bytes] = []
    pings: list[bytes] = []
    while len(received) >= 2:
        size, start = received[1], 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(received[2:start], "big")
        if len(received) < start + size:
            break
        if received[0] == 0x81:
            texts.append(received[start : start + size])
        elif received[0] == 0x89:
            pings.append(received[start : start + size])
        received = received[start + size :]
    return texts, pings, received

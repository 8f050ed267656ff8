"""What RFC 6455 says of web sockets: the frame of a text message, and the codes with which they are closed."""

#: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
NORMAL, GOING_AWAY, POLICY_VIOLATION, MESSAGE_TOO_BIG = 1000, 1001, 1008, 1009


def text_frame(payload: bytes) -> bytes:
    """A whole, unmasked text message. https://www.rfc-editor.org/rfc/rfc6455#section-5.2"""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e%c%c%b" % (size >> 8, size & 0xFF, payload)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), payload)

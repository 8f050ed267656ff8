"""What header list is a request of HTTP/2. Pure. https://www.rfc-editor.org/rfc/rfc9113#section-8.2"""

import re
from collections.abc import Sequence

from callpark.gateway.http2.hpack import Header

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"[^\x00\r\n]*")
_PSEUDO = frozenset({b":method", b":scheme", b":path", b":authority"})
#: They speak of HTTP/1.1's connections.
CONNECTION_HEADERS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})


def well_formed(headers: Sequence[Header]) -> tuple[dict[bytes, bytes], list[Header], int | None] | None:
    """(pseudo headers, the others, Content-Length); None for what is no request of HTTP/2."""
    pseudo: dict[bytes, bytes] = {}
    regular: list[Header] = []
    announced: int | None = None
    for name, value in headers:
        if name.startswith(b":"):
            if regular or name in pseudo or name not in _PSEUDO or not _VALUE.fullmatch(value):
                return None
            pseudo[name] = value
            continue
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in CONNECTION_HEADERS:
            return None
        if name == b"te" and value != b"trailers":
            return None
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18 or announced not in (None, int(value)):
                return None
            announced = int(value)
        regular.append((name, value))
    if pseudo.get(b":method") in (None, b"", b"CONNECT") or not pseudo.get(b":path") or b":scheme" not in pseudo:
        return None
    return pseudo, regular, announced

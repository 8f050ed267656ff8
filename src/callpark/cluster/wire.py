"""What nodes say to each other when one does a call for another. Pure; read and written by `forwarding.py`.

A request is one frame. An answer begins with one frame; when it has a stream, its events follow, one frame each, and an
empty frame ends it. A frame is a length of four bytes and MessagePack.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from callpark.kernel.errors import CallerError

CALL_PATH: Final = "/_callpark/cluster/call"
SECRET_HEADER: Final = "x-callpark-cluster"
#: Not this node's (any more): ask again when the members have settled.
MISDIRECTED: Final = 421


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A call as the gateway made it. `key`: what the node that is asked has to hold, where the operation does not say
    it."""

    service: str
    operation: str
    parameters: dict[str, object]
    request_id: str
    headers: dict[str, str]
    key: tuple[str, str] | None = None


class Refused(msgspec.Struct, frozen=True, array_like=True):
    """A CallerError."""

    code: str
    status: int
    message: str
    body: dict[str, object]
    headers: dict[str, str]


class Answered(msgspec.Struct, frozen=True, array_like=True):
    members: dict[str, object] | None
    refused: Refused | None = None
    request_id: str | None = None
    headers: dict[str, str] = {}
    streams: bool = False


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One event of a stream."""

    name: str
    members: dict[str, object]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be told to another node")


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)


def frame(value: object) -> bytes:
    data = _encoder.encode(value)
    return len(data).to_bytes(4) + data


END: Final = (0).to_bytes(4)


def refused(error: CallerError) -> Refused:
    return Refused(error.code, error.status, error.message, dict(error.body), dict(error.headers))


def raised(refusal: Refused) -> CallerError:
    return CallerError(refusal.code, refusal.status, refusal.message, body=refusal.body, headers=refusal.headers)


class Frames:
    """Cuts what comes in pieces into frames."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The frames that are complete; an empty one is the end."""
        self._held += piece
        while len(self._held) >= 4:
            length = int.from_bytes(self._held[:4])
            if len(self._held) < 4 + length:
                return
            found, self._held = self._held[4 : 4 + length], self._held[4 + length :]
            yield found

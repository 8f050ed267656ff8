"""What a local model's process and we say to each other: msgpack behind four bytes of length, on a socket pair.

Known to `process.py` (our side) and `worker.py` (the process).
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from callpark.models.model import Part


class Generate(msgspec.Struct, frozen=True, tag=True):
    """`body`: the request as chat completions spell it. `forced`: the tool whose input is all that may be written."""

    id: int
    body: Mapping[str, object]
    stop: tuple[str, ...] = ()
    forced: str | None = None


class Count(msgspec.Struct, frozen=True, tag=True):
    id: int
    body: Mapping[str, object]


class Embed(msgspec.Struct, frozen=True, tag=True):
    id: int
    texts: tuple[str, ...]
    normalize: bool


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Nobody reads the generation any more."""

    id: int


class Ping(msgspec.Struct, frozen=True, tag=True):
    pass


Asked: TypeAlias = Generate | Count | Embed | Cancel | Ping


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The model is loaded. `note`: what it cannot do, for people."""

    note: str = ""


class Unloadable(msgspec.Struct, frozen=True, tag=True):
    """The model cannot be loaded; the process ends."""

    text: str


class Said(msgspec.Struct, frozen=True, tag=True):
    id: int
    part: Part


class Working(msgspec.Struct, frozen=True, tag=True):
    """A generation that has nothing to say yet goes on."""

    id: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A request failed, as Bedrock would say it; the process goes on."""

    id: int
    code: str
    status: int
    text: str


class Counted(msgspec.Struct, frozen=True, tag=True):
    id: int
    tokens: int


class Embedded(msgspec.Struct, frozen=True, tag=True):
    """`vectors`: 32-bit floats in this machine's order, `dimensions` for each text."""

    id: int
    vectors: bytes
    dimensions: int
    input_tokens: int


class Pong(msgspec.Struct, frozen=True, tag=True):
    pass


Answered: TypeAlias = Ready | Unloadable | Said | Working | Failed | Counted | Embedded | Pong

_LENGTH = 4

encoder = msgspec.msgpack.Encoder()
asked_decoder = msgspec.msgpack.Decoder(Asked)
answered_decoder = msgspec.msgpack.Decoder(Answered)


def framed(message: Asked | Answered) -> bytes:
    payload = encoder.encode(message)
    return len(payload).to_bytes(_LENGTH) + payload


class Frames:
    """Bytes as they come → whole payloads."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, received: bytes) -> Iterator[bytes]:
        self._kept += received
        start = 0
        while len(self._kept) - start >= _LENGTH:
            end = start + _LENGTH + int.from_bytes(self._kept[start : start + _LENGTH])
            if end > len(self._kept):
                break
            yield bytes(self._kept[start + _LENGTH : end])
            start = end
        del self._kept[:start]

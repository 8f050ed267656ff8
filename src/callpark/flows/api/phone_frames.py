"""What goes over the web socket of a remote phone: one JSON object a frame, `type` says which.

`phone.py` speaks it on the server's side, `cli/remote_phone.py` on the caller's. Instants are epoch seconds.
"""

from typing import Final, TypeAlias, get_args

import msgspec

from callpark.flows.happenings import FlowHappening
from callpark.kernel.trace import Entry

PATH: Final = "/_callpark/phone"

_HAPPENINGS: Final = {kind.__name__: kind for kind in get_args(FlowHappening)}


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    contact_id: str
    at: float


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Nobody answers: the last frame."""

    cause: str
    remedy: str


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    text: str
    at: float
    seconds: float


class Interrupted(msgspec.Struct, frozen=True, tag="interrupted"):
    at: float


class KeysWanted(msgspec.Struct, frozen=True, tag="keys_wanted"):
    maximum: int
    terminator: str
    at: float
    seconds_of_prompt: float


class KeysEnded(msgspec.Struct, frozen=True, tag="keys_ended"):
    at: float


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    reason: str
    at: float


class Happened(msgspec.Struct, frozen=True, tag="happened"):
    """An entry of the contact's trace. `kind` names a happening of `flows/happenings.py`."""

    sequence: int
    at: float
    kind: str
    happening: msgspec.Raw


class Press(msgspec.Struct, frozen=True, tag="press"):
    key: str


class HangUp(msgspec.Struct, frozen=True, tag="hang_up"):
    pass


FromServer: TypeAlias = Answered | Refused | Heard | Interrupted | KeysWanted | KeysEnded | Ended | Happened
FromPhone: TypeAlias = Press | HangUp

_encode = msgspec.json.Encoder().encode
_server_frames: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)
_phone_frames: msgspec.json.Decoder[FromPhone] = msgspec.json.Decoder(FromPhone)


def to_text(frame: FromServer | FromPhone) -> str:
    return _encode(frame).decode()


def from_server(text: str | bytes) -> FromServer:
    """Raises ValueError for anything else."""
    return _server_frames.decode(text)


def from_phone(text: str | bytes) -> FromPhone:
    """Raises ValueError for anything else."""
    return _phone_frames.decode(text)


def happened(entry: Entry) -> Happened | None:
    """The frame of a trace entry; None for what is not the flows slice's."""
    kind = type(entry.happening).__name__
    if not isinstance(entry.happening, msgspec.Struct) or _HAPPENINGS.get(kind) is not type(entry.happening):
        return None
    return Happened(entry.sequence, entry.at, kind, msgspec.Raw(_encode(entry.happening)))


def entry(frame: Happened) -> Entry | None:
    """The trace entry of a frame; None for a kind this version does not know. Raises ValueError."""
    kind = _HAPPENINGS.get(frame.kind)
    if kind is None:
        return None
    return Entry(frame.sequence, frame.at, msgspec.json.decode(frame.happening, type=kind))

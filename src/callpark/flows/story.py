"""The story of a contact: what the trace is told about it, kept on disk beside its state, a page for each save. Pure.

Written by the lane in the commit that saves the contact, so that both tell the same after `kill -9`; read by
`records.py`. An entry's instant is the one at which the engine decided. Entries of the flow log are left out: they
are in their log group.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, get_args

import msgspec

from callpark.flows.effects import Effect
from callpark.flows.happenings import FlowHappening, FlowLogged
from callpark.kernel.trace import Entry

TABLE: Final = "contacts/stories"

_KINDS: Final = {kind.__name__: kind for kind in get_args(FlowHappening) if kind is not FlowLogged}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}

_Page: TypeAlias = tuple[float, list[list[object]]]
_encode = msgspec.msgpack.Encoder().encode
_decode: msgspec.msgpack.Decoder[_Page] = msgspec.msgpack.Decoder(_Page)


def key(contact_id: str, page: int) -> str:
    """Pages are numbered from 0; rows sort as they were written."""
    return f"{contact_id}/{page:06}"


def page(effects: Sequence[Effect], at: float) -> bytes | None:
    """What of a turn belongs into the story; None for nothing."""
    told = [
        (_NAMES[type(effect)], *msgspec.structs.astuple(effect)[1:]) for effect in effects if type(effect) in _NAMES
    ]
    return _encode((at, told)) if told else None


def entries(contact_id: str, pages: Iterable[bytes]) -> list[Entry]:
    """The story, oldest first. What another version wrote differently is left out."""
    found: list[Entry] = []
    for data in pages:
        at, told = _decode.decode(data)
        for name, *members in told:
            kind = _KINDS.get(str(name))
            try:
                happening = None if kind is None else kind(contact_id, *members)
            except TypeError:
                continue
            if happening is not None:
                found.append(Entry(len(found) + 1, at, happening))
    return found

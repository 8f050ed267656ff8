"""Everything that one node writes and another, perhaps of another version, reads: rows, items, messages, calls.

Found by looking for the decoders that the modules hold, so a new one is in this list by itself.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

import callpark
from callpark.flows.control.model import Settings
from callpark.queues import catalogue as queues
from callpark.queues.moves import MoveTask
from tests.rolling.samples import Plain

Decoder: TypeAlias = "msgspec.json.Decoder[object] | msgspec.msgpack.Decoder[object]"

#: What clients, models, upstreams, files of a project and servers say: no other node reads it.
_OTHERS = (
    "callpark.cli",
    "callpark.flows.api",
    "callpark.flows.coverage_file",
    "callpark.functions.payloads",
    "callpark.gateway",
    "callpark.graphql.auth",
    "callpark.graphql.channels.api",
    "callpark.graphql.realtime",
    "callpark.graphql.request_body",
    "callpark.graphql.runtimes",
    "callpark.models",
    "callpark.projects",
    "callpark.store.nats.connection",
    "callpark.upstreams",
)

#: Read where they are used, without a decoder of the module's own.
_INLINE: dict[str, tuple[object, str]] = {
    "callpark.flows.control.model.Settings": (Settings, "json"),
    "callpark.queues.catalogue._Record": (queues._Record, "json"),
    "callpark.queues.moves.MoveTask": (MoveTask, "json"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """`format` is `json` or `msgpack`."""

    name: str
    type: object
    format: str

    def decode(self, data: bytes) -> object:
        """Raises msgspec.MsgspecError."""
        if self.format == "json":
            return msgspec.json.decode(data, type=self.type)
        return msgspec.msgpack.decode(data, type=self.type)

    def plain(self, data: bytes) -> Plain:
        """As it is on the wire."""
        plain: Plain = msgspec.json.decode(data) if self.format == "json" else msgspec.msgpack.decode(data)
        return plain


def kinds() -> dict[str, Kind]:
    found = {name: Kind(name, type_, format_) for name, (type_, format_) in _INLINE.items()}
    for module in pkgutil.walk_packages(callpark.__path__, "callpark."):
        if module.name.startswith(_OTHERS) or module.name.endswith("__main__"):
            continue
        for attribute, value in vars(importlib.import_module(module.name)).items():
            decoder = getattr(value, "__self__", value)
            if isinstance(decoder, msgspec.json.Decoder | msgspec.msgpack.Decoder):
                named = isinstance(decoder.type, type)
                name = (
                    f"{decoder.type.__module__}.{decoder.type.__qualname__}" if named else f"{module.name}:{attribute}"
                )
                format_ = "json" if isinstance(decoder, msgspec.json.Decoder) else "msgpack"
                found[name] = Kind(name, decoder.type, format_)
    unique: dict[tuple[str, str], Kind] = {}
    for kind in sorted(found.values(), key=lambda each: each.name):  # one that is imported elsewhere is the same
        unique.setdefault((repr(kind.type), kind.format), kind)
    return {kind.name: kind for kind in unique.values()}

"""The extensions of one generation of processes: who has registered, who is at work, what they are told.

Made by `generation.py`; `api.py` speaks for the extensions. External ones are programs of their own, known by name
before they start; any other name that registers is an internal one, a part of the handler's process.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import orjson

from callpark.functions.environments.extensions.states import (
    INVALID_IDENTIFIER,
    INVALID_NAME,
    MISSING_ERROR_TYPE,
    MISSING_IDENTIFIER,
    MOST_EXTENSIONS,
    REGISTRATION_CLOSED,
    TOO_MANY,
    ExtensionPhase,
    extension_move,
    invalid_event,
    unknown_identifier,
)
from callpark.functions.environments.lifecycle import Refusal

ShutdownReason: TypeAlias = Literal["spindown", "timeout", "failure"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Parked(Protocol):
    """A connection that waits for an event."""

    def send_extension_event(self, identifier: str, body: bytes) -> None: ...

    def abandon(self) -> None: ...


class ExtensionListener(Protocol):
    """Who is told, from the event loop."""

    def extension_registered(self, extension: "Extension") -> None: ...

    def extension_ready(self, extension: "Extension") -> None:
        """It asks for its next event; the first time this ends its init phase."""
        ...

    def extension_failed(self, extension: "Extension", error_type: str) -> None: ...


@dataclass(slots=True, eq=False)
class Extension:
    name: str
    external: bool
    identifier: str
    events: frozenset[str] = frozenset()
    phase: ExtensionPhase = ExtensionPhase.STARTED
    parked: Parked | None = None
    untold: list[bytes] = field(default_factory=list)

    @property
    def initialised(self) -> bool:
        return self.phase in {ExtensionPhase.READY, ExtensionPhase.RUNNING}


class Extensions:
    def __init__(self, external: Sequence[str], new_identifier: Callable[[], str], listener: ExtensionListener) -> None:
        self._new_identifier = new_identifier
        self._listener = listener
        self._open = True
        self._external = {name: Extension(name, True, new_identifier()) for name in external}
        self._by_identifier: dict[str, Extension] = {}

    # What the platform asks.

    @property
    def all_registered(self) -> bool:
        """Every external extension has registered."""
        return all(extension.phase is not ExtensionPhase.STARTED for extension in self._external.values())

    @property
    def settled(self) -> bool:
        """All of them have asked for their next event and been given none yet."""
        return all(extension.phase is ExtensionPhase.READY for extension in self._by_identifier.values())

    @property
    def shutdown_kind(self) -> Literal["none", "internal", "external"]:
        if self._external:
            return "external"
        return "internal" if self._by_identifier else "none"

    def listening_to(self, event: str) -> tuple[Extension, ...]:
        return tuple(extension for extension in self._by_identifier.values() if event in extension.events)

    def close_registration(self) -> None:
        """The init phase is over."""
        self._open = False

    @property
    def registration_open(self) -> bool:
        return self._open

    def tell(self, event: str, body: bytes) -> tuple[Extension, ...]:
        """Give an event to all who registered for it, now or when they ask. Returns them."""
        told = self.listening_to(event)
        for extension in told:
            if extension.phase is ExtensionPhase.READY:
                extension.phase = ExtensionPhase.RUNNING
            extension.untold.append(body)
            self._send(extension)
        return told

    # What extensions ask.

    def register(self, name: str, events: Sequence[str]) -> Extension | Refusal:
        if not name:
            return INVALID_NAME
        extension = self._external.get(name)
        if extension is None:
            if not self._open:
                return REGISTRATION_CLOSED
            known = next((e for e in self._by_identifier.values() if e.name == name), None)
            extension = known or Extension(name, False, self._new_identifier())
        moved = extension_move(name, extension.phase, ExtensionPhase.REGISTERED)
        if isinstance(moved, Refusal):
            return moved
        for event in events:
            if event not in {"INVOKE", "SHUTDOWN"} or (event == "SHUTDOWN" and not extension.external):
                return invalid_event(event, name)
        if len(self._by_identifier) >= MOST_EXTENSIONS:
            return TOO_MANY
        extension.phase, extension.events = moved, frozenset(events)
        self._by_identifier[extension.identifier] = extension
        self._listener.extension_registered(extension)
        return extension

    def identified(self, identifier: str | None) -> Extension | Refusal:
        if not identifier:
            return MISSING_IDENTIFIER
        if _UUID.fullmatch(identifier) is None:
            return INVALID_IDENTIFIER
        return self._by_identifier.get(identifier) or unknown_identifier(identifier)

    def next_event(self, extension: Extension, connection: Parked) -> Refusal | None:
        """The connection is answered when there is an event."""
        moved = extension_move(extension.name, extension.phase, ExtensionPhase.READY)
        if isinstance(moved, Refusal):
            return moved
        if extension.parked is not None and extension.parked is not connection:
            extension.parked.abandon()
        extension.parked = connection
        if extension.untold:
            extension.phase = ExtensionPhase.RUNNING
            self._send(extension)
            return None
        extension.phase = moved
        self._listener.extension_ready(extension)
        return None

    def fail(self, extension: Extension, error_type: str | None, phase: ExtensionPhase) -> Refusal | None:
        """`init/error` and `exit/error`."""
        if error_type is None:
            return MISSING_ERROR_TYPE
        moved = extension_move(extension.name, extension.phase, phase)
        if isinstance(moved, Refusal):
            return moved
        extension.phase = moved
        self._listener.extension_failed(extension, error_type)
        return None

    def disconnected(self, connection: Parked) -> None:
        for extension in self._by_identifier.values():
            if extension.parked is connection:
                extension.parked = None

    def _send(self, extension: Extension) -> None:
        if extension.parked is not None and extension.untold:
            connection, extension.parked = extension.parked, None
            connection.send_extension_event(extension.identifier, extension.untold.pop(0))


def invoke_event(deadline_milliseconds: int, request_id: str, invoked_arn: str, trace_header: str | None) -> bytes:
    """The body of an INVOKE event."""
    event: dict[str, object] = {
        "eventType": "INVOKE",
        "deadlineMs": deadline_milliseconds,
        "requestId": request_id,
        "invokedFunctionArn": invoked_arn,
    }
    if trace_header:
        event["tracing"] = {"type": "X-Amzn-Trace-Id", "value": trace_header}
    return orjson.dumps(event)


def shutdown_event(deadline_milliseconds: int, reason: ShutdownReason) -> bytes:
    """The body of a SHUTDOWN event."""
    return orjson.dumps({"eventType": "SHUTDOWN", "deadlineMs": deadline_milliseconds, "shutdownReason": reason})

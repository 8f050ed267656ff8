"""What can happen to a contact: the events that `engine.handle` takes."""

from typing import TypeAlias

import msgspec


class Started(msgspec.Struct, frozen=True):
    """The caller is connected; the flow begins."""


class KeyPressed(msgspec.Struct, frozen=True):
    """One of 0-9 * #."""

    key: str


class TimerFired(msgspec.Struct, frozen=True):
    """A timer of `contact.timers` is due; `at` is the instant it was armed for, and tells it from a later one."""

    name: str
    at: float


class FunctionAnswer(msgspec.Struct, frozen=True):
    """What a function gave back: its answer, or `failed` with a message for the log."""

    payload: bytes
    failed: bool = False
    message: str = ""


class FunctionReturned(msgspec.Struct, frozen=True):
    """A function that this contact started has ended."""

    invocation_id: str
    answer: FunctionAnswer


class HungUp(msgspec.Struct, frozen=True):
    """The caller has gone, or (with `detail`) the contact must end for a reason outside the flow."""

    reason: str = "CUSTOMER_DISCONNECT"
    detail: str = ""


Event: TypeAlias = Started | KeyPressed | TimerFired | FunctionReturned | HungUp

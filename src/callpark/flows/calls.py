"""What callers of `Flows` hold and ask for: a call, a chat, which contacts are wanted.

Made by `service.py`, used by `api/`, the telephone and tests.
"""

import asyncio
from dataclasses import dataclass

from callpark.flows.channels.voice import Line
from callpark.flows.contact import End
from callpark.flows.lane import Lane


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which contacts: `state` of `contact_record.STATES` or `open`; `flow` by name, id or ARN, where it began or is;
    `since`: still open then (epoch seconds)."""

    state: str | None = None
    flow: str | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call in progress. `line` takes keys and hangs up, as the phone does."""

    contact_id: str
    _lane: Lane

    @property
    def line(self) -> Line:
        return self._lane

    @property
    def ended(self) -> "asyncio.Future[End]":
        """Resolves with the way the call ended; cancelled when callpark closes first."""
        return self._lane.ended


@dataclass(frozen=True, slots=True)
class Chat(Call):
    """A chat in progress. The flow starts when the customer connects; `say` is a message of the customer."""

    def connect(self) -> None:
        self._lane.connect()

    def say(self, text: str) -> None:
        self._lane.say(text)

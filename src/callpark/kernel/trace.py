"""The trace: a typed stream of what happened, with the clock's instants.

Each slice defines its own happenings (frozen values) and emits them here; function logs, flow transcripts, the CLI and
later the console are readers. Emitting with no reader costs a list append into a bounded ring.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec

from callpark.kernel.clock import Clock


class Happening(Protocol):
    """A frozen value that says what happened. `subject` is the id people look it up by: a request id, a contact id."""

    @property
    def subject(self) -> str: ...


class Entry(msgspec.Struct, frozen=True, gc=False):  # no happening refers to its entry, so there is no cycle to find
    """One happening, numbered, at its instant (epoch seconds)."""

    sequence: int
    at: float
    happening: Happening


Reader: TypeAlias = Callable[[float, Any], None]
"""(instant, happening). Any: each reader takes the type it stands under."""


class Trace:
    """The last `capacity` entries, and everybody who listens. A reader that raises is our bug and is let through."""

    def __init__(self, clock: Clock, capacity: int = 10_000) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._readers: tuple[Callable[[Entry], None], ...] = ()
        self._by_type: dict[type, tuple[Reader, ...]] = {}
        self._sequence = 0

    def emit(self, happening: Happening) -> None:
        self._sequence += 1
        at = self._clock.now()
        entry = Entry(self._sequence, at, happening)
        self._entries.append(entry)
        for hear in self._by_type.get(type(happening), ()):
            hear(at, happening)
        for reader in self._readers:
            reader(entry)

    def hear(self, readers: Mapping[type, Reader]) -> None:
        """Call each reader with the instant of every happening of exactly its type, from now on and for good; before
        those who listen to everything. On the hot path nobody is asked who has nothing to say."""
        for kind, reader in readers.items():
            self._by_type[kind] = (*self._by_type.get(kind, ()), reader)

    def listen(self, reader: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `reader` for every entry from now on; returns what ends it."""
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:  # the same reader may listen twice, and each end is for one
                ended = True
                readers = list(self._readers)
                readers.remove(reader)
                self._readers = tuple(readers)

        self._readers = (*self._readers, reader)
        return end

    def entries(self, subject: str | None = None) -> Iterator[Entry]:
        """What is still remembered, oldest first, of one subject or of all."""
        return (entry for entry in tuple(self._entries) if subject is None or entry.happening.subject == subject)

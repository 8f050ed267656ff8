"""Holds: who keeps virtual time from moving, and since when.

Real work (a handler in its process, a commit on its way to disk) takes a hold for as long as it lasts. A hold is a
handle with an owner's name, never a counter, so that a stuck run can say who it waits for.
"""

from collections.abc import Callable, Iterator
from types import TracebackType


class Hold:
    """Virtual time stands still until `release()`; usable as a context manager; releasing twice is harmless."""

    __slots__ = ("_ledger", "owner")

    def __init__(self, owner: str, ledger: "HoldLedger") -> None:
        self.owner = owner
        self._ledger: HoldLedger | None = ledger

    def release(self) -> None:
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            ledger.remove(self)

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class HoldLedger:
    """All holds that are out. `on_change` is called whenever one is taken or released."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._holds: dict[int, Hold] = {}
        self._on_change = on_change

    def take(self, owner: str) -> Hold:
        hold = Hold(owner, self)
        self._holds[id(hold)] = hold
        self._on_change()
        return hold

    def remove(self, hold: Hold) -> None:
        del self._holds[id(hold)]
        self._on_change()

    def owners(self) -> Iterator[str]:
        return (hold.owner for hold in self._holds.values())

    def __len__(self) -> int:
        return len(self._holds)

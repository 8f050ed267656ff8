"""Concurrency: how many invocations may run at once, of one function and in all.

Called by `service.py` and `events/queue.py`, which take a slot before they run a handler and give it back afterwards.
A function with reserved concurrency has its own slots; all others share what the account has left.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

ThrottleReason: TypeAlias = Literal[
    "ReservedFunctionConcurrentInvocationLimitExceeded", "ConcurrentInvocationLimitExceeded"
]


class Slots:
    """Counts what runs. `take` says why there is no room, or None when it took a slot; `give_back` takes what `take`
    was called with."""

    def __init__(self, account: int) -> None:
        self._account = account
        self._reserved: dict[str, int] = {}
        self._running: dict[str, int] = {}
        self._unreserved = account
        self._unreserved_running = 0

    def reserve(self, reserved: Mapping[str, int]) -> None:
        """Set every reservation at once. What runs goes on running and counts where it now belongs."""
        self._reserved = dict(reserved)
        self._unreserved = self._account - sum(reserved.values())
        self._unreserved_running = sum(n for name, n in self._running.items() if name not in self._reserved)

    def take(self, name: str) -> ThrottleReason | None:
        running = self._running.get(name, 0)
        reserved = self._reserved.get(name)
        if reserved is not None:
            if running >= reserved:
                return "ReservedFunctionConcurrentInvocationLimitExceeded"
        elif self._unreserved_running >= self._unreserved:
            return "ConcurrentInvocationLimitExceeded"
        else:
            self._unreserved_running += 1
        self._running[name] = running + 1
        return None

    def give_back(self, name: str) -> None:
        running = self._running[name] - 1
        if running:
            self._running[name] = running
        else:
            del self._running[name]
        if name not in self._reserved:
            self._unreserved_running -= 1

    def reserved(self, name: str) -> int | None:
        return self._reserved.get(name)

    def running(self, name: str) -> int:
        return self._running.get(name, 0)

    def unreserved(self) -> int:
        """What the account has for functions without a reservation."""
        return self._unreserved

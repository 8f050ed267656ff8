"""Concurrency: how many invocations may run at once, of one function and in all.

Called by `service.py` and `events/queue.py`, which take a slot before they run a handler and give it back afterwards.
A version with provisioned concurrency uses its own slots first. What goes beyond them, and every other version, shares
the function's reserved concurrency without what is provisioned, or what the account has left for all functions.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from callpark.functions.names import LATEST

ThrottleReason: TypeAlias = Literal[
    "ReservedFunctionConcurrentInvocationLimitExceeded", "ConcurrentInvocationLimitExceeded"
]
VersionKey: TypeAlias = tuple[str, str]
"""Function name and version."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What an account's concurrency is divided into. `reserved` by function; `provisioned` by version."""

    reserved: Mapping[str, int]
    provisioned: Mapping[VersionKey, int]

    def provisioned_of(self, name: str) -> int:
        return sum(count for (function, _), count in self.provisioned.items() if function == name)

    def taken(self) -> int:
        """What is left over for nobody else: reservations, and what is provisioned without one."""
        beside = sum(count for (name, _), count in self.provisioned.items() if name not in self.reserved)
        return sum(self.reserved.values()) + beside


NO_SHARES = Shares({}, {})


class Slots:
    """Counts what runs. `take` says why there is no room, or None when it took a slot; `give_back` takes what `take`
    was called with. `part` says how much of what is not reserved is for this node."""

    def __init__(self, account: int, part: Callable[[int], int] = lambda unreserved: unreserved) -> None:
        self._account = account
        self._part = part
        self._refused = 0
        self._reserved: dict[str, int] = {}
        self._reservations: dict[str, int] = {}
        self._provisioned: dict[VersionKey, int] = {}
        self._in_provisioned: dict[VersionKey, int] = {}
        self._running: dict[str, int] = {}
        self._versions: dict[VersionKey, int] = {}
        self._unreserved = account
        self._unreserved_running = 0

    def share(self, shares: Shares) -> None:
        """Divide anew. What runs goes on running and counts where it now belongs."""
        self._reserved = {
            name: max(0, reserved - shares.provisioned_of(name)) for name, reserved in shares.reserved.items()
        }
        self._reservations = dict(shares.reserved)
        self._provisioned = dict(shares.provisioned)
        self._unreserved = self._part(self._account - shares.taken())
        total = dict(self._running)
        for (name, _), count in self._in_provisioned.items():
            total[name] = total.get(name, 0) + count
        self._in_provisioned = {
            key: min(running, self._provisioned[key])
            for key, running in self._versions.items()
            if key in self._provisioned
        }
        for (name, _), count in self._in_provisioned.items():
            total[name] -= count
        self._running = {name: count for name, count in total.items() if count}
        self._unreserved_running = sum(n for name, n in self._running.items() if name not in self._reserved)

    def take(self, name: str, version: str = LATEST) -> ThrottleReason | None:
        if version != LATEST and self._take_provisioned((name, version)):
            return None
        running = self._running.get(name, 0)
        reserved = self._reserved.get(name)
        if reserved is not None:
            if running >= reserved:
                return "ReservedFunctionConcurrentInvocationLimitExceeded"
        elif self._unreserved_running >= self._unreserved:
            self._refused += 1
            return "ConcurrentInvocationLimitExceeded"
        else:
            self._unreserved_running += 1
        self._running[name] = running + 1
        if version != LATEST:
            self._versions[name, version] = self._versions.get((name, version), 0) + 1
        return None

    def give_back(self, name: str, version: str = LATEST) -> None:
        if version != LATEST and self._give_back_provisioned((name, version)):
            return
        running = self._running[name] - 1
        if running:
            self._running[name] = running
        else:
            del self._running[name]
        if name not in self._reserved:
            self._unreserved_running -= 1

    def reserved(self, name: str) -> int | None:
        """The whole reservation of a function, what is provisioned included; None without one."""
        return self._reservations.get(name)

    def running(self, name: str) -> int:
        return self._running.get(name, 0) + sum(
            count for (function, _), count in self._in_provisioned.items() if function == name
        )

    def in_use(self) -> int:
        return sum(self._running.values()) + sum(self._in_provisioned.values())

    def unreserved_in_use(self) -> int:
        return self._unreserved_running

    def refused(self) -> int:
        """How often there was no room for functions without a reservation since this was last asked."""
        refused, self._refused = self._refused, 0
        return refused

    def unreserved(self) -> int:
        """What the account has for functions without a reservation."""
        return self._unreserved

    def _take_provisioned(self, key: VersionKey) -> bool:
        running = self._in_provisioned.get(key, 0)
        if running >= self._provisioned.get(key, 0):
            return False
        self._in_provisioned[key] = running + 1
        self._versions[key] = self._versions.get(key, 0) + 1
        return True

    def _give_back_provisioned(self, key: VersionKey) -> bool:
        """Runs of one version are alike: those beyond what is provisioned end first."""
        total = self._versions[key]
        if total == 1:
            del self._versions[key]
        else:
            self._versions[key] = total - 1
        provisioned = self._in_provisioned.get(key, 0)
        if provisioned == 0 or total > provisioned:
            return False
        self._in_provisioned[key] = provisioned - 1
        return True

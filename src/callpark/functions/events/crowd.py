"""How functions with waiting events share the machine, so that one noisy function does not delay the others.

Asked by `events/queue.py`. A quarter of the capacity stays free for synchronous calls, which is also what lets a
function that was started by an event call another one; the rest is divided among the functions that have events in
hand.
"""

from typing import Protocol


class Member(Protocol):
    """A queue, as the crowd sees it."""

    def wake(self) -> None: ...


def event_share(capacity: int, members: int) -> int:
    """How many events one of `members` functions may run at once, at least one."""
    return max(1, capacity * 3 // 4 // max(1, members))


class Crowd:
    """Who has events in hand, and who waits for capacity, in order of arrival. `share` is what each member may run."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._members: set[Member] = set()
        self._waiting: dict[Member, None] = {}
        self.share = event_share(capacity, 1)

    def join(self, member: Member) -> None:
        self._members.add(member)
        self.share = event_share(self._capacity, len(self._members))

    def leave(self, member: Member) -> None:
        self._members.discard(member)
        self.share = event_share(self._capacity, len(self._members))
        self._waiting.pop(member, None)

    def wait(self, member: Member) -> None:
        """`member` found no capacity and wants to be woken when some becomes free."""
        self._waiting[member] = None

    def wake_next(self) -> Member | None:
        """Capacity has become free: wake who waits longest."""
        if not self._waiting:
            return None
        member = next(iter(self._waiting))
        del self._waiting[member]
        member.wake()
        return member

"""The front of a FIFO queue in memory: its messages by group, in order, and which groups may be received from. Pure.

Called by `delivery/fifo.py`. A group is received from its front; while any of its messages is in flight, or its front
is still delayed, nothing of it is given out. A message whose visibility ends is at its old place again.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

import heapq
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass

from callpark.queues.model import Message, MessageState
from callpark.store.ports import WorkItem


class Held:
    """A message of the window. `taken`: its receive is on its way to disk."""

    __slots__ = ("item", "message", "state", "taken")

    def __init__(self, item: WorkItem, message: Message, state: MessageState) -> None:
        self.item = item
        self.message = message
        self.state = state
        self.taken = False

    def __lt__(self, other: "Held") -> bool:
        return self.sequence < other.sequence

    @property
    def sequence(self) -> int:
        return self.message.sequence or 0

    @property
    def group(self) -> str:
        return self.message.group or ""

    @property
    def untouched(self) -> bool:
        """Never received from this queue."""
        return not self.taken and not self.state.visible_at

    def flying(self, now: float) -> bool:
        return self.taken or self.state.visible_at > now


@dataclass(slots=True)
class _Group:
    """Messages in order; `wake_at`: an instant before which it cannot be received from."""

    name: str
    messages: list[Held]
    wake_at: float = float("-inf")


class FifoWindow:
    """`delay`: seconds that the queue holds each message back; changing it takes effect at once, as on AWS."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._groups: dict[str, _Group] = {}
        self._sleeping: list[tuple[float, str]] = []
        self._candidates: list[tuple[int, str]] = []
        self.bytes = 0
        self.delay = 0.0

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held.values()))

    def get(self, message_id: str) -> Held | None:
        return self._held.get(message_id)

    def add(self, held: Held) -> None:
        """Take a message in, wherever in its group it belongs."""
        if held.item.id in self._held:
            return
        self._held[held.item.id] = held
        self.bytes += len(held.item.body)
        group = self._groups.get(held.group)
        if group is None:
            group = self._groups[held.group] = _Group(held.group, [])
        if group.messages and held < group.messages[-1]:
            insort(group.messages, held)
        else:
            group.messages.append(held)
        if group.messages[0] is held:
            self._candidate(group)

    def remove(self, message_id: str) -> None:
        held = self._held.pop(message_id, None)
        if held is None:
            return
        self.bytes -= len(held.item.body)
        group = self._groups[held.group]
        group.messages.remove(held)
        if group.messages:
            self._candidate(group)
        else:
            del self._groups[held.group]

    def changed(self, held: Held) -> None:
        """Its state or `taken` is another than before: its group may be open again."""
        if held.item.id in self._held:
            self._candidate(self._groups[held.group])

    def set_delay(self, delay: float) -> None:
        if delay != self.delay:
            self.delay = delay
            for group in self._groups.values():
                self._candidate(group)

    def front(self, now: float) -> Held | None:
        """The first message of the open group whose front was sent first; None when no group is open."""
        self._wake(now)
        while self._candidates:
            sequence, name = self._candidates[0]
            group = self._groups.get(name)
            if group is not None and sequence == group.messages[0].sequence:
                opens = self._opens_at(group, now)
                if opens is None:
                    return group.messages[0]
                if opens > now:
                    self._sleep(group, opens)
            heapq.heappop(self._candidates)
        return None

    def behind(self, held: Held, now: float) -> Held | None:
        """The message that may be given out together with `held`: the next of its group."""
        messages = self._groups[held.group].messages
        index = messages.index(held) + 1
        following = messages[index] if index < len(messages) else None
        if following is None or following.taken or following.message.sent_at + self.delay > now:
            return None
        return following

    def next_at(self, now: float) -> float | None:
        """When a group opens by the passing of time alone; None when none does."""
        if self.front(now) is not None:
            return now
        while self._sleeping and self._stale(self._sleeping[0]):
            heapq.heappop(self._sleeping)
        return self._sleeping[0][0] if self._sleeping else None

    def in_flight(self, now: float) -> int:
        return sum(held.flying(now) for held in self._held.values())

    def delayed(self, now: float) -> int:
        return sum(held.untouched and held.message.sent_at + self.delay > now for held in self._held.values())

    def _candidate(self, group: _Group) -> None:
        group.wake_at = float("-inf")
        heapq.heappush(self._candidates, (group.messages[0].sequence, group.name))
        if len(self._candidates) > 64 and len(self._candidates) > 4 * len(self._groups):
            self._candidates = [(group.messages[0].sequence, group.name) for group in self._groups.values()]
            heapq.heapify(self._candidates)

    def _opens_at(self, group: _Group, now: float) -> float | None:
        """None when the group is open; else when it will be, infinity while a receive is on its way to disk."""
        latest = group.messages[0].message.sent_at + self.delay
        for held in group.messages:
            if held.untouched:  # and so is everything behind it
                break
            latest = max(latest, float("inf") if held.taken else held.state.visible_at)
        return latest if latest > now else None

    def _sleep(self, group: _Group, until: float) -> None:
        group.wake_at = until
        if until != float("inf"):
            heapq.heappush(self._sleeping, (until, group.name))

    def _wake(self, now: float) -> None:
        while self._sleeping and self._sleeping[0][0] <= now:
            place = heapq.heappop(self._sleeping)
            if not self._stale(place):
                self._candidate(self._groups[place[1]])

    def _stale(self, place: tuple[float, str]) -> bool:
        group = self._groups.get(place[1])
        return group is None or group.wake_at != place[0]

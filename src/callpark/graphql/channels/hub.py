"""Who listens to which channel, and the fan-out of broadcasts: a trie of segments for each API.

`api/websocket.py` attaches subscriptions, `service.py` broadcasts. A broadcast walks down its channel's segments once;
on the way it meets the wildcards, at the end those who asked for exactly this channel.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from callpark.graphql.channels.channel import Channel

Deliver: TypeAlias = Callable[[bytes | None], None]
"""Takes the end of a `data` frame (`frames.data_ending`), or None for an event that cannot be delivered; returns at
once."""


@dataclass(slots=True, eq=False)
class _Node:
    """`below`: everything under this node was asked for."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    exact: dict[int, Deliver] = field(default_factory=dict)
    below: dict[int, Deliver] = field(default_factory=dict)

    def is_empty(self) -> bool:
        return not (self.children or self.exact or self.below)


class ChannelHub:
    def __init__(self) -> None:
        self._roots: dict[str, _Node] = {}
        self._attached = 0

    def attach(self, api_id: str, channel: Channel, deliver: Deliver) -> Callable[[], None]:
        """Deliver what is broadcast to the channel from now on; returns what ends it."""
        self._attached += 1
        number = self._attached
        node = self._roots.setdefault(api_id, _Node())
        for segment in channel.segments:
            node = node.children.setdefault(segment, _Node())
        (node.below if channel.wildcard else node.exact)[number] = deliver

        def detach() -> None:
            self._detach(api_id, channel, number)

        return detach

    def broadcast(self, api_id: str, channel: Channel, ending: bytes | None) -> int:
        """Hand it to everybody who asked for it; how many those are."""
        # A delivery may end a connection, and with it subscriptions: what is walked over is a copy.
        listeners = tuple(self._listeners(api_id, channel))
        for deliver in listeners:
            deliver(ending)
        return len(listeners)

    def subscriptions(self, api_id: str) -> int:
        root = self._roots.get(api_id)
        return 0 if root is None else _count(root)

    def _listeners(self, api_id: str, channel: Channel) -> Iterator[Deliver]:
        node = self._roots.get(api_id)
        for segment in channel.segments:
            if node is None:
                return
            yield from node.below.values()
            node = node.children.get(segment)
        if node is not None:
            yield from node.exact.values()

    def _detach(self, api_id: str, channel: Channel, number: int) -> None:
        """Nothing happens when it is gone already."""
        root = self._roots.get(api_id)
        if root is None:
            return
        path = [root]
        for segment in channel.segments:
            child = path[-1].children.get(segment)
            if child is None:
                return
            path.append(child)
        (path[-1].below if channel.wildcard else path[-1].exact).pop(number, None)
        for segment in reversed(channel.segments):
            if not path.pop().is_empty():
                return
            del path[-1].children[segment]
        if root.is_empty():
            del self._roots[api_id]


def _count(node: _Node) -> int:
    return len(node.exact) + len(node.below) + sum(map(_count, node.children.values()))

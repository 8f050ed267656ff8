"""Ephemeral publish/subscribe inside one process. Called by the stores that serve a single node."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

_log = logging.getLogger("callpark")


class _Subscription:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[bytes], None]) -> None:
        self.callback: Callable[[bytes], None] | None = callback


class Topics:
    """Messages reach those who subscribe when they are published, soon on the loop, in the order of publishing."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, list[_Subscription]] = {}
        self._strange: set[str] = set()

    def publish(self, topic: str, message: bytes) -> None:
        subscriptions = self._subscriptions.get(topic)
        if subscriptions:
            asyncio.get_running_loop().call_soon(self._deliver, topic, tuple(subscriptions), message)

    def subscribe(self, topic: str, callback: Callable[[bytes], None]) -> Callable[[], None]:
        subscription = _Subscription(callback)
        self._subscriptions.setdefault(topic, []).append(subscription)

        def end() -> None:
            if subscription.callback is not None:
                subscription.callback = None
                remaining = self._subscriptions[topic]
                remaining.remove(subscription)
                if not remaining:
                    del self._subscriptions[topic]

        return end

    def _deliver(self, topic: str, subscriptions: Sequence[_Subscription], message: bytes) -> None:
        for subscription in subscriptions:
            if subscription.callback is None:
                continue
            try:
                subscription.callback(message)
            except msgspec.MsgspecError as error:
                self._note_strange(topic, error)
            except Exception:
                _log.exception("a subscriber failed")

    def _note_strange(self, topic: str, error: Exception) -> None:
        """Another version says what this one does not know; once for each topic, it may say so often."""
        if topic not in self._strange:
            self._strange.add(topic)
            _log.warning("what a node of another version says (%s) is not understood and is left out: %s", topic, error)

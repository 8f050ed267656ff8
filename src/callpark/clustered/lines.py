"""Where log lines go: to the node that keeps the logs."""

from collections.abc import Callable
from typing import Final

import msgspec

from callpark.cluster.node import Node
from callpark.cluster.placement import LOGS
from callpark.kernel.timers import Timer
from callpark.logs.service import Logs
from callpark.store.ports import Store

_LINES: Final = "cluster-log-lines"
_LINES_SECONDS, _LINES_BYTES = 0.25, 262_144
_decode_lines = msgspec.msgpack.Decoder(list[tuple[str, str, str, float, str]]).decode


class Lines:
    """`recorder.LogSink`: log lines go to the node that holds the logs, a quarter of a second's at once. Lines that are
    on their way when it dies are lost, as those are that it has not written yet."""

    def __init__(self, node: Node, store: Store, logs: Logs) -> None:
        self._node = node
        self._store = store
        self._logs = logs
        self._waiting: list[tuple[str, str, str, float, str]] = []
        self._bytes = 0
        self._timer: Timer | None = None
        self._end: Callable[[], None] | None = None

    def start(self) -> None:
        self._end = self._store.subscribe(_LINES, self._hear)

    def close(self) -> None:
        self._send()
        if self._end is not None:
            self._end()

    def append(self, group: str, stream: str, subject: str, at: float, message: str) -> None:
        if self._node.holds(LOGS):
            self._logs.append(group, stream, subject, at, message)
            return
        self._waiting.append((group, stream, subject, at, message))
        self._bytes += len(message) + 100
        if self._bytes >= _LINES_BYTES:
            self._send()
        elif self._timer is None:
            self._timer = self._node.clock.timer(self._node.clock.now() + _LINES_SECONDS, self._send, "log lines")

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._waiting, self._bytes = self._waiting, [], 0
        if lines:
            self._store.publish(_LINES, msgspec.msgpack.encode(lines))

    def _hear(self, message: bytes) -> None:
        if self._node.holds(LOGS):
            for group, stream, subject, at, text in _decode_lines(message):
                self._logs.append(group, stream, subject, at, text)

"""The log of one environment: from its process's pipe and from the platform to the trace, and the tail of a run.

`environment.py` owns one `EnvironmentLog` for its life and one `OutputPipe` per process.
"""

import asyncio
import contextlib
import fcntl
import os
from collections import deque
from collections.abc import Callable

from callpark.functions.environments.happenings import FunctionLog
from callpark.functions.environments.log_frames import LogEvents
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.trace import Trace

_READ_BYTES = 262_144
#: Most runs write little or nothing, and a buffer of the full size would be made for each.
_FIRST_READ_BYTES = 4_096
#: Reads in one go before other work of the loop gets its turn; the rest follows in the next turn.
_READS_AT_ONCE = 16


class EnvironmentLog:
    """Log events, attributed to the run that is on. Between `open` and `close` they are kept for the run's tail too,
    where it is wanted: few callers do, and no event."""

    def __init__(self, function: str, group: str, stream: str, trace: Trace, limits: LambdaLimits) -> None:
        self._function = function
        self._group = group
        self._stream = stream
        self._trace = trace
        self._limits = limits
        self._request_id = ""
        self._tail: deque[bytes] | None = None
        self._tail_bytes = 0
        self._written_bytes = 0
        self._cut = False

    def attribute(self, request_id: str) -> None:
        """Whose the following events are, without opening a run: the init phase."""
        self._request_id = request_id
        self._written_bytes = 0
        self._cut = False

    def open(self, request_id: str, tail: bool = True) -> None:
        self.attribute(request_id)
        self._tail = deque() if tail else None
        self._tail_bytes = 0

    def tail(self) -> bytes:
        """The run's last bytes so far, beginning with START."""
        return b"" if self._tail is None else b"".join(self._tail)[-self._limits.log_tail_bytes :]

    def close(self) -> bytes:
        """The run's last bytes, from START to REPORT at most."""
        tail = self.tail()
        self._tail = None
        return tail

    def say(self, text: str) -> None:
        """A line of the platform."""
        self._trace.emit(FunctionLog(self._function, self._request_id, self._stream, text, self._group))
        tail = self._tail
        if tail is not None:
            line = text.encode()
            tail.append(line if line.endswith(b"\n") else line + b"\n")
            self._tail_bytes += len(line)
            while self._tail_bytes - len(tail[0]) > self._limits.log_tail_bytes:
                self._tail_bytes -= len(tail.popleft())

    def written(self, events: list[str]) -> None:
        """What the process wrote. A flood is cut at `log_bytes_per_invocation`, and a line says so."""
        for event in events:
            if self._cut:
                return
            self._written_bytes += len(event)
            if self._written_bytes > self._limits.log_bytes_per_invocation:
                self._cut = True
                limit = self._limits.log_bytes_per_invocation
                self.say(f"[callpark] the rest of this log is dropped: more than {limit} bytes in one invocation\n")
                return
            self.say(event)


class OutputPipe:
    """The reading end of a process's output. `read` tells whoever was named at the beginning what came."""

    def __init__(self, longest_event: int, read: Callable[[list[str]], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._events = LogEvents(longest_event)
        self._read = read
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, _READ_BYTES)
        self._open = True
        self._loop.add_reader(self._reader, self.drain)

    def close_writer(self) -> None:
        os.close(self.writer)

    def drain(self) -> None:
        """Take what is there, without waiting."""
        if not self._open:
            return
        size = _FIRST_READ_BYTES
        for _ in range(_READS_AT_ONCE):
            try:
                data = os.read(self._reader, size)
            except BlockingIOError:
                return
            if not data:
                self._loop.remove_reader(self._reader)
                return
            events = self._events.feed(data)
            if events:
                self._read(events)
            if len(data) < _FIRST_READ_BYTES:
                return
            size = _READ_BYTES

    def close(self) -> None:
        """The process is gone: take the rest, however it ends, and close."""
        if self._open:
            self.drain()
            rest = self._events.flush()
            if rest:
                self._read(rest)
            self._open = False
            self._loop.remove_reader(self._reader)
            os.close(self._reader)

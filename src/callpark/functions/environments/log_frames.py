"""What a process writes, cut into log events. Pure: bytes in, texts out.

One pipe carries standard output, standard error and the framed records of `_LAMBDA_TELEMETRY_LOG_FD`, so their order is
the order in which they were written, which no time stamp gives. Outside a frame a newline ends an event; a frame is one
event, newlines and all. A frame begins with bytes that no UTF-8 text holds. Frame, big-endian: type u32 (0xA55A…),
length u32, timestamp u64 in µs, message (lambda.md §15.2).
"""

from collections.abc import Iterator

_MAGIC = b"\xa5\x5a\x00"
_HEADER = 16
#: A length beyond this is not a frame but an accident in the user's own bytes.
_LONGEST_FRAME = 16 * 1024 * 1024


class LogEvents:
    """Feed it what was read; it gives the events that are complete. An event is cut at `longest_event` bytes."""

    __slots__ = ("_frame", "_line", "_longest")

    def __init__(self, longest_event: int) -> None:
        self._longest = longest_event
        self._line = b""
        self._frame = b""

    def feed(self, data: bytes) -> list[str]:
        if not self._frame and b"\xa5" not in data:
            return [self._text(line) for line in self._lines(data)]
        return [self._text(event) for event in self._events(self._frame + data)]

    def flush(self) -> list[str]:
        """The last line, when the process is gone without ending it."""
        rest, self._line, self._frame = self._line + self._frame, b"", b""
        return [self._text(rest)] if rest else []

    def _events(self, data: bytes) -> Iterator[bytes]:
        self._frame = b""
        while data:
            at = data.find(_MAGIC)
            if at < 0:
                at = len(data) - _torn_magic(data)
                yield from self._lines(data[:at])
                self._frame = data[at:]
                return
            yield from self._lines(data[:at])
            data = data[at:]
            if len(data) < _HEADER:
                self._frame = data
                return
            length = int.from_bytes(data[4:8], "big")
            if length > _LONGEST_FRAME:
                yield from self._lines(data[:1])
                data = data[1:]
                continue
            if len(data) < _HEADER + length:
                self._frame = data
                return
            yield data[_HEADER : _HEADER + length]
            data = data[_HEADER + length :]

    def _lines(self, data: bytes) -> Iterator[bytes]:
        if not data:
            return
        lines = data.split(b"\n")
        lines[0] = self._line + lines[0]
        self._line = lines.pop()
        for line in lines:
            yield line + b"\n"
        while len(self._line) > self._longest:
            yield self._line[: self._longest]
            self._line = self._line[self._longest :]

    def _text(self, event: bytes) -> str:
        return event[: self._longest].decode("utf-8", "replace")


def _torn_magic(data: bytes) -> int:
    """How many bytes at the end may be the beginning of a frame."""
    for length in (2, 1):
        if data.endswith(_MAGIC[:length]):
            return length
    return 0

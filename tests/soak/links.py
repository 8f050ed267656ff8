"""A TCP connection between two processes that can be cut: what a network does, without its privileges.

Made by `topology.py`, one for each pair of processes that may lose each other. A link that is *silenced* carries
nothing and says nothing: what was sent waits in the senders' sockets, as TCP keeps it, and new connections come to no
end. Healed, it goes on where it stopped.
"""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from typing import cast

_WAITING = 128
_RESET = struct.pack("ii", 1, 0)


class Link:
    """Listens on `port` of loopback and passes on to `target`. `start` before use, `close` behind it."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        self._fillers: list[socket.socket] = []
        self._pairs: set[_Pair] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self.silent = (False, False)
        """Towards the target, and back."""
        self.delay = 0.0

    @property
    def connections(self) -> int:
        return len(self._pairs)

    def start(self) -> None:
        self._listening.listen(_WAITING)
        asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def silence(self, *, towards: bool = True, back: bool = True) -> None:
        """One direction is enough to let nobody connect."""
        if not any(self.silent):
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.listen(0)  # a queue that is full drops who comes, as a firewall does
            for _ in range(2):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", self.port))
                self._fillers.append(filler)
        self.silent = (towards, back)
        for pair in self._pairs:
            pair.review()

    def slow(self, seconds: float) -> None:
        """Everything arrives so much later."""
        self.delay = seconds

    def reset(self) -> None:
        """Both ends of every connection hear that it is gone."""
        for pair in tuple(self._pairs):
            pair.reset()

    def heal(self) -> None:
        self.delay = 0.0
        if any(self.silent):
            self.silent = (False, False)
            for filler in self._fillers:
                filler.close()
            self._fillers.clear()
            self.start()
            for pair in self._pairs:
                pair.review()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()
        for filler in self._fillers:
            filler.close()
        for task in tuple(self._connecting):
            task.cancel()
        self.reset()

    def forget(self, pair: "_Pair") -> None:
        self._pairs.discard(pair)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            task = asyncio.ensure_future(self._connect(near))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, near: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        pair = _Pair(self)
        try:
            await loop.create_connection(lambda: pair.far, "127.0.0.1", self.target)
        except OSError:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            near.close()
            return
        self._pairs.add(pair)
        await loop.connect_accepted_socket(lambda: pair.near, near)


class _Pair:
    """One connection: its end at whoever connected, its end at the target."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.near, self.far = _End(self, 0), _End(self, 1)
        self.near.other, self.far.other = self.far, self.near

    def review(self) -> None:
        self.near.review()
        self.far.review()

    def reset(self) -> None:
        self.near.reset()
        self.far.reset()
        self.link.forget(self)


class _End(asyncio.Protocol):
    """Reads at one end and writes at the other, unless its direction (0: towards the target) is silent."""

    other: "_End"

    def __init__(self, pair: _Pair, direction: int) -> None:
        self._pair = pair
        self._direction = direction
        self._transport: asyncio.Transport | None = None
        self._crowded = False
        self._lost = False
        self._late: deque[tuple[float, bytes]] = deque()
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses
        self._transport.writelines(self._early)
        self._early.clear()
        if self._lost:
            self._transport.close()
        self.review()

    def data_received(self, data: bytes) -> None:
        delay = self._pair.link.delay
        if delay or self._late:
            loop = asyncio.get_running_loop()
            self._late.append((loop.time() + delay, data))
            loop.call_later(delay, self._pass_on)
        else:
            self.other.write(data)

    def write(self, data: bytes) -> None:
        if self._transport is None:
            self._early.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._pair.link.forget(self._pair)
        other = self.other
        if other._transport is not None:
            other._transport.close()
        other._lost = True

    def pause_writing(self) -> None:
        self.other.crowd(True)

    def resume_writing(self) -> None:
        self.other.crowd(False)

    def crowd(self, crowded: bool) -> None:
        self._crowded = crowded
        self.review()

    def review(self) -> None:
        """Read, or leave it where it is."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._crowded or self._pair.link.silent[self._direction]:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def reset(self) -> None:
        if self._transport is not None:
            found = self._transport.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()

    def _pass_on(self) -> None:
        now = asyncio.get_running_loop().time() + 0.001
        while self._late and self._late[0][0] <= now:
            self.other.write(self._late.popleft()[1])

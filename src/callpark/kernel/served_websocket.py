"""The wire of one web socket that we serve: a reader, a writer behind a bounded outbox, timers, one farewell.

Made by the sockets of the slices, whose protocols decide; nothing here knows one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.outbox import Outbox
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.kernel.websocket import MESSAGE_TOO_BIG, NORMAL

OnMessage: TypeAlias = Callable[[str | bytes], None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`unsent_…`: what a client may leave unread. `message_bytes`: of one message from it. `close_seconds`: real time
    to send what is unsent when a socket closes."""

    unsent_messages: int
    unsent_bytes: int
    message_bytes: int
    close_seconds: float


class Pace(Protocol):
    """Who else wants the loop: a reader with many messages gives way when it is `crowded`."""

    def crowded(self) -> bool: ...

    async def turn(self) -> None: ...


class ServedWebsocket:
    """`on_message` takes what the client sends; `on_overflow` is called once, when the client reads too slowly."""

    def __init__(
        self,
        name: str,
        scope: asgi.Scope,
        receive: asgi.Receive,
        send: asgi.Send,
        clock: Clock,
        bounds: Bounds,
        on_message: OnMessage,
        on_overflow: Callable[[], None],
        pace: Pace | None = None,
    ) -> None:
        self.name = name
        self.tasks = Tasks(name)
        self._receive = receive
        self._send = send
        self._clock = clock
        self._bounds = bounds
        self._on_message = on_message
        self._pace = pace
        self._outbox = Outbox(bounds.unsent_messages, bounds.unsent_bytes, on_overflow, asgi.wire(scope))
        self._timers: dict[Enum, Timer] = {}
        self._farewell: tuple[int, str] = (NORMAL, "")
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put = self._outbox.put

    async def accept(self, subprotocol: str | None = None) -> bool:
        """False when the client has left."""
        try:
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
        except OSError:
            return False
        return True

    async def run(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        """Carry messages until either side has closed. `begin` is called when they can come, `end` in any case."""
        reader = self.tasks.spawn(self._read(), "reader")
        writer = self.tasks.spawn(self._write(), "writer")
        try:
            begin()
            await asyncio.wait({reader, writer, self._closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                seconds = self._bounds.close_seconds
                await asyncio.wait({reader, writer}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            end()
            for timer in self._timers.values():
                timer.cancel()
            await self.tasks.aclose()

    def arm(self, name: Enum, at: float, callback: Callable[[], None]) -> None:
        self._timers[name] = self._clock.timer(at, callback, f"{self.name} {name.name}")

    def close(self, code: int, reason: str) -> None:
        """Send what is unsent, then close. The first farewell counts."""
        if not self._closing.done():
            self._farewell = code, reason
            self._closing.set_result(None)
            self._outbox.finish()

    async def _read(self) -> None:
        maximum, pace = self._bounds.message_bytes, self._pace
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            content: str | bytes = message.get("text") or message.get("bytes") or ""
            if self._closing.done():
                continue
            if len(content) > maximum:
                self.close(MESSAGE_TOO_BIG, f"message larger than {maximum} bytes")
                continue
            if pace is not None and pace.crowded():  # thousands of messages may come at once
                await pace.turn()
            self._on_message(content)

    async def _write(self) -> None:
        outbox, send = self._outbox, self._send
        try:
            while await outbox.wait():
                while (message := outbox.take()) is not None:
                    await send({"type": "websocket.send", "text": message.decode()})
            code, reason = self._farewell
            await send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError:
            return  # ASGI's way to say that the client is gone; the reader hears of it too

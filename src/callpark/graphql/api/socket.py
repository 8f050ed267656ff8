"""The wire of one websocket: a reader, a writer behind a bounded outbox, timers, one farewell.

Made by `websocket.py`, here and in `channels/api`, which decides; nothing here knows a protocol.
"""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from callpark.graphql.pacing import Pacer
from callpark.graphql.realtime.lifecycle import NORMAL, Close, TimerName
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.outbox import Outbox
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer

OnMessage: TypeAlias = Callable[[str | bytes], None]

_MESSAGE_TOO_BIG = 1009


class Socket:
    """`on_message` takes what the client sends; `on_overflow` is called once, when the client reads too slowly."""

    def __init__(
        self,
        name: str,
        scope: asgi.Scope,
        receive: asgi.Receive,
        send: asgi.Send,
        clock: Clock,
        limits: AppSyncLimits,
        pacer: Pacer,
        on_message: OnMessage,
        on_overflow: Callable[[], None],
    ) -> None:
        self.name = name
        self.tasks = Tasks(name)
        self._receive = receive
        self._send = send
        self._clock = clock
        self._limits = limits
        self._pacer = pacer
        self._on_message = on_message
        self._outbox = Outbox(limits.unsent_messages, limits.unsent_bytes, on_overflow, asgi.wire(scope))
        self._timers: dict[TimerName, Timer] = {}
        self._farewell = Close(NORMAL, "")
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put = self._outbox.put

    async def accept(self, subprotocol: str | None) -> bool:
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
                seconds = self._limits.close_seconds
                await asyncio.wait({reader, writer}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            end()
            for timer in self._timers.values():
                timer.cancel()
            await self.tasks.aclose()

    def arm(self, name: TimerName, at: float, callback: Callable[[], None]) -> None:
        self._timers[name] = self._clock.timer(at, callback, f"{self.name} {name.name}")

    def close(self, farewell: Close) -> None:
        """Send what is unsent, then close. The first farewell counts."""
        if not self._closing.done():
            self._farewell = farewell
            self._closing.set_result(None)
            self._outbox.finish()

    async def _read(self) -> None:
        maximum = self._limits.request_bytes
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            content: str | bytes = message.get("text") or message.get("bytes") or ""
            if self._closing.done():
                continue
            if len(content) > maximum:
                self.close(Close(_MESSAGE_TOO_BIG, f"message larger than {maximum} bytes"))
                continue
            if self._pacer.crowded():  # thousands of frames may come at once
                await self._pacer.turn()
            self._on_message(content)

    async def _write(self) -> None:
        outbox, send = self._outbox, self._send
        try:
            while await outbox.wait():
                while (message := outbox.take()) is not None:
                    await send({"type": "websocket.send", "text": message.decode()})
            await send({"type": "websocket.close", "code": self._farewell.code, "reason": self._farewell.reason})
        except OSError:
            # ASGI's way to say that the client is gone; the reader hears of it too.
            return

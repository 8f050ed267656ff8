"""Which queues somebody is at, so that a queue changes hands between two requests and not amid one.

Used by `service.py` only.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator


class InUse:
    def __init__(self) -> None:
        self._users: Counter[str] = Counter()
        self._ended: dict[str, asyncio.Future[None]] = {}

    @contextlib.contextmanager
    def by_one(self, name: str) -> Iterator[None]:
        """Somebody is at the queue."""
        self._users[name] += 1
        try:
            yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
                ended = self._ended.pop(name, None)
                if ended is not None and not ended.done():
                    ended.set_result(None)

    async def ended(self, name: str) -> None:
        """Until nobody is at the queue."""
        while self._users[name]:
            if name not in self._ended:
                self._ended[name] = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._ended[name])
        del self._users[name]

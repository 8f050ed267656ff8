"""What happens in an environment, for the extensions that have subscribed to it.

One `Telemetry` per generation of processes. `narration.py` publishes; `api.py` subscribes; `delivery.py` carries. What
happened before the first subscription is kept until the init phase is over, as extensions subscribe while it lasts.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html and runtimes-logs-api.html (its predecessor, which gets
the same events under its older names).
"""

import asyncio
from collections.abc import Callable
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
import orjson

from callpark.functions.environments.extensions.delivery import Destination, HttpDestination, TcpDestination
from callpark.functions.environments.lifecycle import Refusal
from callpark.kernel.tasks import Tasks

Kind: TypeAlias = Literal["platform", "function", "extension"]
Family: TypeAlias = Literal["Telemetry", "Logs"]

#: What is kept for subscribers to come.
_BACKLOG = 1_000
#: Batches that may wait for a subscriber that does not take them; beyond, they are dropped and counted.
_WAITING_BATCHES = 16
_HOSTS = frozenset({"sandbox.localdomain", "sandbox", "localhost", "127.0.0.1"})
#: (least, most, default) of the buffering that may be asked for.
_BUFFERING = {
    "maxItems": (1_000, 10_000, 10_000),
    "maxBytes": (262_144, 1_048_576, 262_144),
    "timeoutMs": (25, 30_000, 1_000),
}
#: What the Logs API does not know.
_NOT_IN_LOGS = frozenset({"platform.initStart", "platform.initRuntimeDone", "platform.initReport"})


class Subscription(msgspec.Struct, frozen=True):
    """What an extension asks for. `most_bytes`, `most_items` and `seconds` are when a batch is sent."""

    family: Family
    kinds: frozenset[str]
    destination: Destination
    most_items: int
    most_bytes: int
    seconds: float


def subscription(family: Family, body: bytes) -> Subscription | Refusal:
    """The request of `PUT /telemetry` or `/logs`, or why it is refused."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _invalid("the body is not JSON")
    kinds = given.get("types") if isinstance(given, dict) else None
    if not isinstance(kinds, list) or not kinds or not set(kinds) <= {"platform", "function", "extension"}:
        return _invalid("types must list some of platform, function and extension")
    buffering = given.get("buffering", {})
    values = {}
    for name, (least, most, default) in _BUFFERING.items():
        value = buffering.get(name, default) if isinstance(buffering, dict) else None
        if not isinstance(value, int) or not least <= value <= most:
            return _invalid(f"buffering.{name} must be between {least} and {most}")
        values[name] = value
    destination = _destination(given.get("destination"))
    if isinstance(destination, Refusal):
        return destination
    return Subscription(
        family, frozenset(kinds), destination, values["maxItems"], values["maxBytes"], values["timeoutMs"] / 1000
    )


def _destination(given: object) -> Destination | Refusal:
    if not isinstance(given, dict):
        return _invalid("destination is missing")
    if given.get("protocol") == "TCP":
        port = given.get("port")
        return TcpDestination(port) if isinstance(port, int) and 0 < port < 65_536 else _invalid("destination.port")
    if given.get("protocol") != "HTTP":
        return _invalid("destination.protocol must be HTTP or TCP")
    try:
        parts = urlsplit(str(given.get("URI", "")))
        port = parts.port
    except ValueError:
        return _invalid("destination.URI is not a URL")
    if parts.scheme != "http" or parts.hostname not in _HOSTS:
        return _invalid("destination.URI must be http://sandbox.localdomain:PORT/…")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return HttpDestination(parts.hostname, port or 80, path)


class Telemetry:
    def __init__(self, now_text: Callable[[], str], tasks: Tasks) -> None:
        self._now_text = now_text
        self._tasks = tasks
        self._subscribers: list[_Subscriber] = []
        self._backlog: list[tuple[Kind, str, bytes]] | None = []

    @property
    def wanted(self) -> bool:
        """Whether anybody listens or may yet come to."""
        return self._backlog is not None or bool(self._subscribers)

    def publish(self, kind: Kind, event_type: str, record: object) -> None:
        if not self.wanted:
            return
        event = orjson.dumps({"time": self._now_text(), "type": event_type, "record": record})
        if self._backlog is not None and len(self._backlog) < _BACKLOG:
            self._backlog.append((kind, event_type, event))
        for subscriber in self._subscribers:
            subscriber.take(kind, event_type, event)

    def subscribe(self, extension: str, wanted: Subscription) -> None:
        """An extension's one subscription; a second one replaces the first."""
        self._subscribers = [subscriber for subscriber in self._subscribers if subscriber.extension != extension]
        subscriber = _Subscriber(extension, wanted, self._tasks, self._now_text)
        self._subscribers.append(subscriber)
        for kind, event_type, event in self._backlog or ():
            subscriber.take(kind, event_type, event)
        name = "platform.telemetrySubscription" if wanted.family == "Telemetry" else "platform.logsSubscription"
        self.publish("platform", name, {"name": extension, "state": "Subscribed", "types": sorted(wanted.kinds)})

    def close_backlog(self) -> None:
        """The init phase is over: nobody subscribes any more."""
        self._backlog = None

    def flush(self) -> None:
        """Send what is there without waiting for more: the environment goes idle or ends."""
        for subscriber in self._subscribers:
            subscriber.flush()

    @property
    def delivering(self) -> bool:
        return any(subscriber.delivering for subscriber in self._subscribers)

    async def delivered(self, seconds: float) -> None:
        """Until what is there has been delivered, or that long."""
        self.flush()
        deliveries = [s.delivery for s in self._subscribers if s.delivery is not None and not s.delivery.done()]
        if deliveries:
            await asyncio.wait(deliveries, timeout=seconds)


class _Subscriber:
    def __init__(self, extension: str, wanted: Subscription, tasks: Tasks, now_text: Callable[[], str]) -> None:
        self.extension = extension
        self.delivering = False
        self.delivery: asyncio.Task[None] | None = None
        self._wanted = wanted
        self._tasks = tasks
        self._now_text = now_text
        self._events: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._batches: list[list[bytes]] = []

    def take(self, kind: Kind, event_type: str, event: bytes) -> None:
        wanted = self._wanted
        if kind not in wanted.kinds:
            return
        if (event_type in _NOT_IN_LOGS) if wanted.family == "Logs" else (event_type == "platform.end"):
            return
        self._add(event)
        if len(self._events) >= wanted.most_items or self._size >= wanted.most_bytes:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wanted.seconds, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._events:
            return
        batch, self._events, size, self._size = self._events, [], self._size, 0
        if len(self._batches) >= _WAITING_BATCHES:
            self._drop(len(batch), size)
            return
        self._batches.append(batch)
        if not self.delivering:
            self.delivering = True
            self.delivery = self._tasks.spawn(self._deliver(), f"telemetry for {self.extension}")

    async def _deliver(self) -> None:
        try:
            while self._batches:
                batch = self._batches.pop(0)
                if not await self._wanted.destination.deliver(batch):
                    self._drop(len(batch), sum(map(len, batch)))
        finally:
            self.delivering = False

    def _drop(self, events: int, size: int) -> None:
        """What was lost is said in the next batch."""
        record = {"reason": f"{self.extension} did not take them", "droppedRecords": events, "droppedBytes": size}
        self._add(orjson.dumps({"time": self._now_text(), "type": "platform.logsDropped", "record": record}))

    def _add(self, event: bytes) -> None:
        self._events.append(event)
        self._size += len(event)


def _invalid(text: str) -> Refusal:
    return Refusal(400, "ValidationError", text)

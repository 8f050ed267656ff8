"""What AWS has no operation for: looking at messages without receiving them. `callpark queues` asks here.

The gateway mounts it. `GET /_callpark/queues` lists queues with their counts; `GET /_callpark/queues/<name>/messages`
with `?limit=10` shows the first messages in the store's order, and nobody's receive count changes.
"""

from urllib.parse import parse_qs, unquote

import orjson

from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.queues import refusals
from callpark.queues.api.shapes import system_attributes
from callpark.queues.model import Message, MessageState, Queue
from callpark.queues.service import Queues

_PREFIX = "/_callpark/queues"
_MOST = 1_000


class QueuesWeb:
    def __init__(self, queues: Queues, clock: Clock) -> None:
        self._queues = queues
        self._clock = clock

    def matches(self, scope: asgi.Scope) -> bool:
        found = asgi.path(scope) if scope["type"] == "http" else ""
        return found == _PREFIX or found.startswith(f"{_PREFIX}/")

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        try:
            status, answer = await self._answer(scope)
        except CallerError as error:
            status, answer = error.status, {"message": error.message}
        headers = ((b"content-type", b"application/json"),)
        await asgi.respond(send, status, orjson.dumps(answer), headers, scope["method"])

    async def _answer(self, scope: asgi.Scope) -> tuple[int, object]:
        if scope["method"] not in ("GET", "HEAD"):
            return 405, {"message": f"{_PREFIX} answers to GET only"}
        parts = asgi.path(scope).removeprefix(_PREFIX).strip("/").split("/")
        if parts == [""]:
            return 200, [await self._queue(queue) for queue in self._queues.queues()]
        if len(parts) == 2 and parts[1] == "messages":
            queue = self._queues.administration.find(unquote(parts[0]))
            return 200, await self._messages(queue, _limit(scope["query_string"]))
        return 404, {"message": f"nothing is at {asgi.path(scope)}"}

    async def _queue(self, queue: Queue) -> dict[str, object]:
        counts, redrive = await self._queues.counts(queue), queue.settings.redrive
        return {
            "name": queue.name,
            "url": self._queues.url(queue),
            "arn": queue.arn,
            "visible": counts.visible,
            "inFlight": counts.in_flight,
            "delayed": counts.delayed,
            "deadLetterQueue": None if redrive is None else redrive.target_arn,
        }

    async def _messages(self, queue: Queue, limit: int) -> list[dict[str, object]]:
        now = self._clock.now()
        return [
            {
                "messageId": message_id,
                "body": message.body,
                "attributes": dict(system_attributes(message, state)),
                "state": _state(message, state, ready_at, queue, now),
            }
            for message_id, message, state, ready_at in await self._queues.peek(queue, limit)
        ]


def _state(message: Message, state: MessageState, ready_at: float, queue: Queue, now: float) -> str:
    if state.visible_at > now:
        return "in flight"
    delayed = message.sent_at + queue.settings.delay > now if queue.fifo else ready_at > now
    return "delayed" if delayed else "visible"


def _limit(query: bytes) -> int:
    text = parse_qs(query.decode("latin-1")).get("limit", ["10"])[0]
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST):
        raise refusals.invalid_value(text[:20], "limit", f"Must be between 1 and {_MOST}.")
    return int(text)

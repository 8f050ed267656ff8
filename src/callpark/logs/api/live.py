"""`GET /_callpark/logs?group=…&since=SECONDS&filter=…&subject=…&follow=true`: lines as they come, one JSON object each.

Mounted by the gateway for `callpark logs`. Without `follow` it ends with the last line there is. A follower that does
not keep up is told how many lines it missed. `since` is in seconds back from now.
"""

import asyncio
import math
from collections import deque
from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson

from callpark.kernel.asgi import Receive, Scope, Send, path, respond
from callpark.kernel.errors import CallerError
from callpark.logs.model import Line, Selection
from callpark.logs.patterns.parse import Matches, filter_pattern
from callpark.logs.refusals import invalid_parameter
from callpark.logs.service import Logs

PATH = "/_callpark/logs"
_PIECE_BYTES = 65_536


class LiveLogs:
    """An ASGI application for one path. `close` ends what follows."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._followers: set[_Follower] = set()
        self._closed = False

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == PATH

    def close(self) -> None:
        """End every follower, and those that come."""
        self._closed = True
        for follower in self._followers:
            follower.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await _refuse(send, 405, f"{PATH} answers to GET only")
            return
        try:
            question = _Question(dict(parse_qsl(scope["query_string"].decode("latin-1"))), self._logs.now())
            follower = _Follower(question, self._logs.limits.follower_lines)
            # Both in one step: what is not read now is followed, and nothing comes twice.
            end = self._logs.follow(follower.take) if question.follow else None
            try:
                await self._serve(question, follower, receive, send)
            finally:
                if end is not None:
                    end()
        except CallerError as error:
            await _refuse(send, 404 if error.code == "ResourceNotFoundException" else 400, error.message)

    async def _serve(self, question: "_Question", follower: "_Follower", receive: Receive, send: Send) -> None:
        past = None
        if not question.follow or self._knows(question.group):
            past = self._logs.read(question.group, question.selection)
        head = (b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")
        await send({"type": "http.response.start", "status": 200, "headers": list(head)})
        if past is not None:
            piece = bytearray()
            async for line in past:
                if question.matches(line.message):
                    piece += _encode(line)
                if len(piece) > _PIECE_BYTES:
                    await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
                    piece.clear()
            await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
        if question.follow and not self._closed:
            await self._follow(follower, receive, send)
        await send({"type": "http.response.body", "body": b""})

    async def _follow(self, follower: "_Follower", receive: Receive, send: Send) -> None:
        self._followers.add(follower)
        leaving = asyncio.create_task(_disconnected(receive, follower), name="logs: a follower")
        try:
            while not follower.ended:
                await follower.news.wait()
                if piece := follower.drain():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            self._followers.discard(follower)
            leaving.cancel()

    def _knows(self, group: str) -> bool:
        return any(known.name == group for known in self._logs.groups())


class _Question:
    """What was asked for. Raises CallerError."""

    def __init__(self, query: Mapping[str, str], now: int) -> None:
        unknown = set(query) - {"group", "since", "filter", "subject", "follow"}
        if unknown:
            raise invalid_parameter(f"{PATH} knows no parameter {sorted(unknown)[0]}")
        self.group = query.get("group", "")
        if not self.group:
            raise invalid_parameter("the parameter group is missing")
        self.follow = query.get("follow", "") in ("1", "true")
        self.matches: Matches = filter_pattern(query.get("filter", ""))
        self.selection = Selection(start=_start(query.get("since"), now), subject=query.get("subject"))


class _Follower:
    """Lines that wait to be sent; beyond the bound they are counted only."""

    def __init__(self, question: _Question, most: int) -> None:
        self._question = question
        self._most = most
        self._lines: deque[Line] = deque()
        self._missed = 0
        self.news = asyncio.Event()
        self.ended = False

    def take(self, group: str, line: Line) -> None:
        question = self._question
        if group != question.group or not question.selection.has(line) or not question.matches(line.message):
            return
        if len(self._lines) < self._most:
            self._lines.append(line)
        else:
            self._missed += 1
        self.news.set()

    def end(self) -> None:
        self.ended = True
        self.news.set()

    def drain(self) -> bytes:
        piece = b"".join(_encode(line) for line in self._lines)
        self._lines.clear()
        if self._missed:
            piece += orjson.dumps({"missed": self._missed}) + b"\n"
            self._missed = 0
        self.news.clear()
        return piece


async def _disconnected(receive: Receive, follower: _Follower) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.end()


async def _refuse(send: Send, status: int, message: str) -> None:
    await respond(send, status, orjson.dumps({"message": message}), ((b"content-type", b"application/json"),))


def _start(since: str | None, now: int) -> int | None:
    if since is None:
        return None
    try:
        seconds = float(since)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise invalid_parameter(f"since is a number of seconds, not {since!r}")
    return max(0, now - int(seconds * 1000))


def _encode(line: Line) -> bytes:
    shown = {"timestamp": line.at, "stream": line.stream, "subject": line.subject, "message": line.message}
    return orjson.dumps(shown) + b"\n"

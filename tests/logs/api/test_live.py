"""`/_callpark/logs`: what was, what comes, and the end of it, without a socket."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from callpark.kernel.asgi import Message
from callpark.kernel.clock import VirtualClock
from callpark.logs.api.live import LiveLogs
from tests.logs.scene import GROUP, Scene, opened

pytestmark = pytest.mark.sim


class Client:
    """One request. `lines` grows; `done` when the answer is complete."""

    def __init__(self, live: LiveLogs, method: str = "GET", **query: str) -> None:
        self.status = 0
        self.body = b""
        self._gone = asyncio.Event()
        self._grown = asyncio.Event()
        scope = {
            "type": "http",
            "method": method,
            "path": "/_callpark/logs",
            "query_string": urlencode(query).encode(),
            "headers": [],
        }
        assert live.matches(scope)
        self.done = asyncio.ensure_future(live(scope, self._receive, self._send))
        self._asked = False

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message["body"]
        self._grown.set()

    def leave(self) -> None:
        self._gone.set()

    @property
    def messages(self) -> list[Any]:
        lines = [json.loads(line) for line in self.body.splitlines()]
        return [line.get("message", line) for line in lines]

    async def until(self, count: int) -> list[Any]:
        while len(self.messages) < count:
            self._grown.clear()
            await self._grown.wait()
        return self.messages


@pytest.fixture
async def scene(clock: VirtualClock) -> Scene:
    return await opened(clock)


async def test_past_lines_then_the_end(scene: Scene) -> None:
    scene.say("one", subject="r-1", stream="s-1")
    client = Client(LiveLogs(scene.logs), group=GROUP)
    await client.done
    assert client.status == 200
    at = int(scene.clock.now() * 1000)
    assert json.loads(client.body) == {"timestamp": at, "stream": "s-1", "subject": "r-1", "message": "one"}


async def test_since_filter_and_subject(scene: Scene) -> None:
    for number in range(6):
        scene.say(f"{'odd' if number % 2 else 'even'} {number}", subject=f"r-{number // 2}")
        await scene.clock.advance(1)
    live = LiveLogs(scene.logs)
    for query, wanted in (
        ({"since": "3"}, ["odd 3", "even 4", "odd 5"]),
        ({"filter": "odd"}, ["odd 1", "odd 3", "odd 5"]),
        ({"subject": "r-1"}, ["even 2", "odd 3"]),
        ({"subject": "r-1", "filter": "odd", "since": "10"}, ["odd 3"]),
    ):
        client = Client(live, group=GROUP, **query)
        await client.done
        assert client.messages == wanted


async def test_a_follower_hears_what_was_and_each_new_line_once(scene: Scene) -> None:
    scene.say("before")
    client = Client(LiveLogs(scene.logs), group=GROUP, follow="true", filter="-noise")
    await client.until(1)
    scene.say("after")
    scene.say("noise")
    scene.say("elsewhere", group="/aws/lambda/Other")
    await scene.clock.advance(5)
    scene.say("later")
    assert await client.until(3) == ["before", "after", "later"]
    client.leave()
    await client.done


async def test_a_follower_may_come_before_the_first_line(scene: Scene) -> None:
    client = Client(LiveLogs(scene.logs), group=GROUP, follow="1")
    await asyncio.sleep(0)
    scene.say("first")
    assert await client.until(1) == ["first"]
    client.leave()
    await client.done


async def test_a_server_that_stops_ends_its_followers(scene: Scene) -> None:
    live = LiveLogs(scene.logs)
    scene.say("x")
    client = Client(live, group=GROUP, follow="true")
    await client.until(1)
    live.close()
    await client.done
    late = Client(live, group=GROUP, follow="true")
    await late.done
    assert late.messages == ["x"]


async def test_a_follower_that_does_not_keep_up_is_told(clock: VirtualClock) -> None:
    scene = await opened(clock, follower_lines=3)
    client = Client(LiveLogs(scene.logs), group=GROUP, follow="true")
    await asyncio.sleep(0)
    for number in range(10):
        scene.say(f"{number}")
    assert await client.until(4) == ["0", "1", "2", {"missed": 7}]
    client.leave()
    await client.done


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({"group": "no"}, 404, "The specified log group does not exist."),
        ({}, 400, "the parameter group is missing"),
        ({"group": GROUP, "since": "soon"}, 400, "since is a number of seconds"),
        ({"group": GROUP, "since": "nan"}, 400, "since is a number of seconds"),
        ({"group": GROUP, "filter": "%x%"}, 400, "regular expressions"),
        ({"group": GROUP, "tail": "1"}, 400, "knows no parameter tail"),
        ({"group": GROUP, "follow": "true", "filter": "["}, 400, "space-delimited"),
    ],
)
async def test_refusals(scene: Scene, query: dict[str, str], status: int, told: str) -> None:
    scene.say("x")
    client = Client(LiveLogs(scene.logs), **query)
    await client.done
    assert client.status == status
    assert told in json.loads(client.body)["message"]


async def test_only_get(scene: Scene) -> None:
    client = Client(LiveLogs(scene.logs), method="POST", group=GROUP)
    await client.done
    assert client.status == 405

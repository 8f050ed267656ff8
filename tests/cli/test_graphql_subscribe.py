"""`callpark graphql --subscribe`: listening to the story example from a terminal."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.graphql.happenings import Subscribed
from callpark.kernel.trace import Entry
from callpark.serving import served
from callpark.settings import Settings
from tests.cli.till import callpark

pytestmark = pytest.mark.process

EXAMPLE = Path(__file__).parents[2] / "examples" / "story-stream"
LISTEN = "subscription L($s: ID) { onToken(storyId: $s) { text } }"


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path / "data", port=0), EXAMPLE) as app:
        monkeypatch.setenv("CALLPARK_ENDPOINT", app.base_url)
        yield app


async def listening(app: App, *arguments: str) -> asyncio.Task[int]:
    """The command, once its subscription stands."""
    standing = asyncio.Event()

    def read(entry: Entry) -> None:
        if isinstance(entry.happening, Subscribed):
            standing.set()

    app.trace.listen(read)
    command = asyncio.create_task(callpark("graphql", "--subscribe", *arguments))
    await standing.wait()
    return command


async def publish(text: str, story: str = "s", selection: str = "{ storyId text index last }") -> int:
    token = f'storyId: "{story}", index: 1, text: "{text}", last: false'
    return await callpark("graphql", f"mutation {{ publishToken({token}) {selection} }}", "-o", "json")


async def test_what_is_delivered_is_printed_line_by_line(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    command = await listening(app, LISTEN, "--variables", '{"s": "s"}', "--count", "2")
    for text, story in (("one", "s"), ("of another story", "t"), ("two", "s")):
        assert await publish(text, story) == 0
    assert await command == 0
    printed = capsys.readouterr()
    heard = [line for line in printed.out.splitlines() if "onToken" in line]
    assert heard == ['{"onToken":{"text":"one"}}', '{"onToken":{"text":"two"}}']
    assert "listening" in printed.err


async def test_errors_in_a_payload(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    command = await listening(app, "subscription { onToken { text } }", "--count", "1", "-o", "json")
    assert await publish("one", selection="{ storyId }") == 0
    assert await command == 1
    payload = json.loads(next(line for line in capsys.readouterr().out.splitlines() if "onToken" in line))
    assert payload["data"] == {"onToken": None}
    assert "non-nullable" in payload["errors"][0]["message"]


async def test_refusals(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, told in (
        (["subscription { nothing }"], "FieldUndefined"),
        (["{ version }"], "A query cannot be started as a subscription."),
        ([LISTEN, "--api-key", "da2-x"], "You are not authorized to make this call."),
    ):
        assert await callpark("graphql", "--subscribe", *arguments) == 2, arguments
        assert told in capsys.readouterr().err


async def test_the_end_is_told(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    command = await listening(app, LISTEN)
    await app.graphql_web.aclose()
    assert await command == 3
    assert "the server closed the connection: the server is stopping" in capsys.readouterr().err


async def test_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("graphql", "--subscribe", LISTEN, "--endpoint", "http://127.0.0.1:1") == 3

"""examples/story-stream while ten models write: how long the mutation takes, and a token to its subscribers.

The model is a process of its own (`python -m bench.stories`) that speaks OpenAI's API and puts into each token the
instant at which it wrote it; the same process asks for short stories meanwhile. The subscribers are a third one.
"""

import asyncio
import base64
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from bench.chats import Http
from bench.figures import Figure, percentile
from bench.subscribers import Conversation, Subscribers
from callpark.app import App
from callpark.cli.collector import settle_collector
from callpark.cli.loop import run
from callpark.serving import served
from callpark.settings import Settings

EXAMPLE = Path(__file__).parents[1] / "examples" / "story-stream"
MODEL = "anthropic.claude-3-5-haiku-20241022-v1:0"
STORIES = 10
SUBSCRIBERS = 100
TOKENS = 100
#: Seconds between two tokens of a story: ten stories together are told as fast as a small local model writes.
PACE = 0.1
ASKED = 100
SHORT = "short"
TELL = 'mutation Tell($story: ID) { tellStory(prompt: "%s", storyId: $story) }'
HEAR = "subscription Hear($story: ID) { onToken(storyId: $story) { storyId index text last } }"


async def figures() -> list[Figure]:
    async with _model() as model, _serving(str(model.url)) as app:
        delays, mutations = await _measured(app, model)
    milliseconds = [delay * 1_000 for delay in delays]
    worst = percentile(milliseconds, 0.99)
    answered = percentile(mutations, 0.99)
    return [
        Figure(f"tellStory answered while {STORIES} stories are told, p50", percentile(mutations, 0.5), "ms"),
        Figure("… p99", answered, "ms", "< 20 ms", answered < 20),
        Figure("the model's token → its subscribers, p50", percentile(milliseconds, 0.5), "ms"),
        Figure("… p99", worst, "ms", "≤ 30 ms", worst <= 30),
    ]


async def _measured(app: App, model: "_Model") -> tuple[list[float], list[float]]:
    """Seconds of every token to each of its subscribers, milliseconds of the mutations."""
    (api,) = app.health().apis
    authorization = {"host": urlsplit(api.graphql_url).netloc, "x-api-key": api.api_key}
    header = base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")
    requests: list[dict[str, object]] = [
        {
            "type": "start",
            "payload": {
                "data": json.dumps({"query": HEAR, "variables": {"story": str(story)}}),
                "extensions": {"authorization": authorization},
            },
        }
        for story in range(STORIES)
    ]
    conversation = Conversation(f"graphql-ws, header-{header}", requests, "start_ack")
    settle_collector()
    async with Subscribers.connect(api.realtime_url, SUBSCRIBERS, conversation) as subscribers:
        mutations = await model.tell(api.graphql_url, api.api_key or "")
        delays = await subscribers.delays(SUBSCRIBERS * TOKENS)
    return delays, mutations


@contextlib.asynccontextmanager
async def _serving(url: str) -> AsyncIterator[App]:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text) / "project"
        shutil.copytree(EXAMPLE, folder)
        backend = {"openai": {"url": url, "model": "bench", "at_once": 64}}
        (folder / "models.yaml").write_text(json.dumps({"backends": {"bench": backend}, "models": {MODEL: "bench"}}))
        settings = Settings(data=Path(text) / "data", port=0, parameters={"StoriesFolder": f"{text}/stories"})
        async with served(settings, folder) as app:
            yield app


class _Model:
    """The parent's handle on the model's process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    async def tell(self, graphql_url: str, key: str) -> list[float]:
        """Have all stories told; milliseconds of the mutations that asked for short ones meanwhile."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([graphql_url, key]).encode() + b"\n")
        answered: list[float] = json.loads(await asyncio.wait_for(self._process.stdout.readline(), 120))
        return answered


@contextlib.asynccontextmanager
async def _model() -> AsyncIterator[_Model]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.stories"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield _Model(process, json.loads(await asyncio.wait_for(process.stdout.readline(), 30)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class _Writer:
    """A server of chat completions, as far as the backend needs one."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.all_begun = asyncio.Event()
        self.all_ended = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-len"))
        asked = json.loads(await reader.readexactly(size))
        long = SHORT not in asked["messages"][-1]["content"]
        self.begun += long
        if self.begun == STORIES:
            self.all_begun.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for _ in range(TOKENS if long else 1):
            await asyncio.sleep(PACE)
            self._write(writer, {"delta": {"content": json.dumps({"sent": time.perf_counter()})}})
        self._write(writer, {"delta": {}, "finish_reason": "stop"})
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()
        writer.close()
        self.ended += long
        if self.ended == STORIES:
            self.all_ended.set()

    @staticmethod
    def _write(writer: asyncio.StreamWriter, choice: object) -> None:
        writer.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())


async def _child() -> None:
    model = _Writer()
    server = await asyncio.start_server(model.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps(f"http://127.0.0.1:{port}/v1"), flush=True)
    url, key = json.loads(await asyncio.to_thread(sys.stdin.readline))
    http = await Http.open(url)

    async def tell(prompt: str, story: str) -> float:
        began = time.perf_counter()
        body = {"query": TELL % prompt, "variables": {"story": story}}
        answer = await http.ask("POST", urlsplit(url).path, body, {"X-Api-Key": key})
        assert answer == {"data": {"tellStory": "OK"}}, answer
        return (time.perf_counter() - began) * 1_000

    for story in range(STORIES):
        await tell("long", str(story))
    await model.all_begun.wait()
    milliseconds = []
    pause = TOKENS * PACE / ASKED * 0.8
    for number in range(ASKED):
        milliseconds.append(await tell(SHORT, f"short-{number}"))
        await asyncio.sleep(pause)
    await model.all_ended.wait()
    print(json.dumps(milliseconds), flush=True)
    server.close()


if __name__ == "__main__":
    run(_child())

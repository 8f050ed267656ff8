"""A server that speaks enough of OpenAI's API, on a real socket: repeats what it is asked, word by word."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import orjson

from callpark.models.backends.scripted import tokens_of
from callpark.models.stopping import StopText, finished, spoken


@dataclass
class OpenAiServer:
    """`answer`, when set, replaces the answer to the next requests: gives status, and bytes as they are sent. `asked`:
    path, headers and body of each request."""

    url: str = ""
    asked: list[tuple[str, Mapping[str, str], dict[str, object]]] = field(default_factory=list)
    answer: Callable[[dict[str, object]], tuple[int, AsyncIterator[bytes]]] | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)


@contextlib.asynccontextmanager
async def openai_server() -> AsyncIterator[OpenAiServer]:
    state = OpenAiServer()
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            while await _one(state, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            state.left.set()
        finally:
            talking.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    state.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield state
    finally:
        server.close()
        for task in list(talking):
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def _one(state: OpenAiServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = orjson.loads(await reader.readexactly(int(headers["content-length"])))
    path = first.split(" ")[1]
    state.asked.append((path, headers, body))
    if state.answer is not None:
        status, content = state.answer(body)
    else:
        status, content = 200, _echo(path, body)
    writer.write(
        f"HTTP/1.1 {status} x\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n".encode()
    )
    async for piece in content:
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def event(chunk: object) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


async def _echo(path: str, body: dict[str, object]) -> AsyncIterator[bytes]:
    if path == "/v1/embeddings":
        texts = body["input"]
        assert isinstance(texts, list)
        data = [{"index": n, "embedding": [float(len(text)), 1.0]} for n, text in enumerate(texts)]
        yield orjson.dumps({"data": data[::-1], "usage": {"prompt_tokens": len(texts)}})
        return
    messages = body.get("messages")
    asked = str(messages[-1]["content"]) if isinstance(messages, list) else str(body["prompt"])
    tokens, prompt_tokens = tokens_of(asked), len(asked.split())
    if not body.get("stream"):
        yield orjson.dumps({"choices": [], "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 1}})
        return
    stops = body.get("stop")
    said, reason, stop = 0, "stop", StopText(tuple(stops) if isinstance(stops, list) else ())
    for token in tokens:
        if said == body.get("max_tokens"):
            reason = "length"
            break
        said += 1
        stop, text = spoken(stop, token)
        yield event(_chunk(path, text, None))
        if stop.met is not None:
            break
    stop, text = finished(stop)
    yield event(_chunk(path, text, reason, stop.met))
    yield event({"choices": [], "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": said}})
    yield b"data: [DONE]\n\n"


def _chunk(path: str, text: str, reason: str | None, met: str | None = None) -> dict[str, object]:
    said = {"delta": {"content": text}} if path.endswith("chat/completions") else {"text": text}
    return {"choices": [{"index": 0, "finish_reason": reason, "stop_reason": met, **said}]}

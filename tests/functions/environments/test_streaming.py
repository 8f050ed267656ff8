"""Streaming responses: Node.js handlers as AWS documents them, what reaches the reader and when, and how they fail."""

import asyncio
import json
from pathlib import Path

import pytest

from callpark.functions.environments.fleet import Fleet
from callpark.functions.environments.ports import EnvironmentUnavailable, Outcome, ResponseStream
from callpark.functions.environments.streams import Collected, Feed
from callpark.kernel.limits import LambdaLimits
from tests.functions.environments.conftest import Bench, needs_node

pytestmark = pytest.mark.process

HANDLERS = """
import { pipeline } from "node:stream/promises";
import { existsSync } from "node:fs";
import { Readable } from "node:stream";
const gate = async (path) => { while (!existsSync(path)) await new Promise((r) => setTimeout(r, 2)) };
export const tokens = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType("text/plain");
  stream.write("one ");
  await gate(event.gate);
  stream.write("two ");
  stream.write(context.awsRequestId);
  stream.end();
});
export const page = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "X-A": "b" }, cookies: ["c=d"] });
  stream.write("<p>");
  stream.end("</p>");
});
export const open = awslambda.streamifyResponse(async (event, stream) => { stream.write({ left: "open" }) });
export const empty = awslambda.streamifyResponse(async () => {});
export const piped = awslambda.streamifyResponse(async (event, stream) => {
  await pipeline(Readable.from(["x".repeat(event.size), "y"]), stream);
});
export const early = awslambda.streamifyResponse(async () => { throw new RangeError("before") });
export const late = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("half");
  throw new RangeError("midway");
});
export const exits = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("half");
  await gate(event.gate);
  process.exit(3);
});
export const hangs = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("half");
  await new Promise(() => setInterval(() => {}, 1000));
});
export const plain = async (event) => ({ plain: event.n });
"""


def body(
    name: str, bench: Bench, fleet: Fleet, event: dict[str, object], timeout_seconds: int = 10
) -> "asyncio.Task[Seen]":
    function = bench.deploy(
        HANDLERS, name=name, handler=f"m.{name}", file="m.mjs", runtime="nodejs20.x", timeout_seconds=timeout_seconds
    )

    async def read() -> Seen:
        stream = await fleet.run_stream(function, bench.attempt(function, json.dumps(event).encode(), "the-id"))
        return Seen(stream, b"".join([chunk async for chunk in stream.chunks]), await stream.ended)

    return asyncio.create_task(read())


class Seen:
    def __init__(self, stream: ResponseStream, text: bytes, outcome: Outcome) -> None:
        self.content_type = stream.content_type
        self.text = text
        self.outcome = outcome

    @property
    def error(self) -> tuple[str, str]:
        value = json.loads(self.outcome.payload)
        assert self.outcome.function_error == "Unhandled"
        return value["errorType"], value["errorMessage"]


@needs_node
async def test_what_is_written_arrives_before_the_handler_goes_on(bench: Bench, tmp_path: Path) -> None:
    fleet, gate = bench.fleet(), tmp_path / "gate"
    function = bench.deploy(HANDLERS, handler="m.tokens", file="m.mjs", runtime="nodejs20.x")
    attempt = bench.attempt(function, json.dumps({"gate": str(gate)}).encode(), "the-id")
    stream = await fleet.run_stream(function, attempt)
    assert stream.content_type == "text/plain"
    assert await anext(aiter(stream.chunks)) == b"one "
    gate.touch()
    assert b"".join([chunk async for chunk in stream.chunks]) == b"two the-id"
    outcome = await stream.ended
    assert (outcome.payload, outcome.function_error) == (b"", None)
    assert "REPORT RequestId: the-id" in bench.log()


@needs_node
async def test_an_http_stream_begins_with_its_prelude_and_eight_nul_bytes(bench: Bench) -> None:
    seen = await body("page", bench, bench.fleet(), {})
    assert seen.content_type == "application/vnd.awslambda.http-integration-response"
    prelude, page = seen.text.split(b"\0" * 8)
    assert json.loads(prelude) == {"statusCode": 201, "headers": {"X-A": "b"}, "cookies": ["c=d"]}
    assert page == b"<p></p>"


@needs_node
async def test_streams_that_are_left_open_or_never_written_end_with_the_handler(bench: Bench) -> None:
    fleet = bench.fleet()
    assert (await body("open", bench, fleet, {})).text == b'{"left":"open"}'
    assert (await body("empty", bench, fleet, {})).text == b""
    assert (await body("piped", bench, fleet, {"size": 600_000})).text == b"x" * 600_000 + b"y"


@needs_node
async def test_failures_before_and_within_the_stream_are_values(bench: Bench) -> None:
    fleet = bench.fleet()
    early = await body("early", bench, fleet, {})
    assert (early.text, early.error) == (b"", ("RangeError", "before"))
    late = await body("late", bench, fleet, {})
    assert (late.text, late.error) == (b"half", ("RangeError", "midway"))
    again = await body("late", bench, fleet, {})
    assert again.text == b"half"


@needs_node
async def test_an_exit_and_a_timeout_within_the_stream(bench: Bench, tmp_path: Path) -> None:
    fleet, gate = bench.fleet(), tmp_path / "gate"
    function = bench.deploy(HANDLERS, name="exits", handler="m.exits", file="m.mjs", runtime="nodejs20.x")
    stream = await fleet.run_stream(function, bench.attempt(function, json.dumps({"gate": str(gate)}).encode()))
    assert await anext(aiter(stream.chunks)) == b"half"
    gate.touch()
    exited = Seen(stream, b"".join([chunk async for chunk in stream.chunks]), await stream.ended)
    assert (exited.text, exited.error[0]) == (b"", "Runtime.ExitError")
    hung = await body("hangs", bench, fleet, {}, timeout_seconds=1)
    assert (hung.text, hung.error[0]) == (b"half", "Sandbox.Timedout")


@needs_node
async def test_a_buffered_invocation_of_a_streaming_handler_gets_the_whole(bench: Bench, tmp_path: Path) -> None:
    fleet = bench.fleet("response_payload_bytes=1000")
    function = bench.deploy(HANDLERS, handler="m.piped", file="m.mjs", runtime="nodejs20.x")
    assert (await bench.run(fleet, function, b'{"size":5}')).payload == b"xxxxxy"
    large = await bench.run(fleet, function, b'{"size":2000}')
    assert json.loads(large.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert (await bench.run(fleet, function, b'{"size":5}')).payload == b"xxxxxy"


@needs_node
async def test_a_handler_that_does_not_stream_gives_one_chunk(bench: Bench) -> None:
    seen = await body("plain", bench, bench.fleet(), {"n": 5})
    assert (seen.content_type, seen.text, seen.outcome.function_error) == ("application/json", b'{"plain":5}', None)


@needs_node
async def test_an_environment_goes_on_after_a_stream_that_filled_its_sink(bench: Bench) -> None:
    fleet = bench.fleet("environments=1")
    function = bench.deploy(HANDLERS, handler="m.piped", file="m.mjs", runtime="nodejs20.x", timeout_seconds=5)
    for _ in range(4):
        stream = await fleet.run_stream(function, bench.attempt(function, b'{"size":400000}'))
        await asyncio.sleep(0.05)  # the reader is late: the handler is done, or held back, by then
        size = sum([len(chunk) async for chunk in stream.chunks])
        assert (size, (await stream.ended).function_error) == (400_001, None)


@needs_node
async def test_a_reader_who_leaves_does_not_hold_the_handler(bench: Bench) -> None:
    fleet = bench.fleet()
    function = bench.deploy(HANDLERS, handler="m.piped", file="m.mjs", runtime="nodejs20.x")
    stream = await fleet.run_stream(function, bench.attempt(function, b'{"size":3000000}'))
    await stream.chunks.aclose()
    assert (await stream.ended).function_error is None
    with pytest.raises(StopAsyncIteration):
        await anext(aiter(stream.chunks))


async def test_a_stream_that_cannot_start_raises(bench: Bench) -> None:
    function = bench.deploy("", runtime="java21")
    with pytest.raises(EnvironmentUnavailable):
        await bench.fleet().run_stream(function, bench.attempt(function))


async def test_an_unread_feed_stops_the_writer_and_a_reader_lets_it_go_on() -> None:
    resumed = asyncio.Event()
    feed = Feed(LambdaLimits())
    feed.open("text/plain", resumed.set)
    assert feed.write(b"x" * 1000)
    assert not feed.write(b"x" * 300_000)
    reader = feed.chunks()
    assert len(await anext(reader)) == 1000
    assert not resumed.is_set()
    assert len(await anext(reader)) == 300_000
    assert resumed.is_set()
    feed.finish()
    with pytest.raises(StopAsyncIteration):
        await anext(reader)


async def test_beyond_the_burst_a_stream_keeps_its_bandwidth() -> None:
    limits = LambdaLimits(stream_burst_bytes=1000, stream_bytes_per_second=10_000)
    resumed = asyncio.Event()
    feed = Feed(limits)
    feed.open("text/plain", resumed.set)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert feed.write(b"x" * 1000)
    assert not feed.write(b"x" * 1000)
    await anext(feed.chunks())
    await asyncio.wait_for(resumed.wait(), 5)
    assert loop.time() - began > 0.08
    unlimited = Feed(LambdaLimits(stream_burst_bytes=1000, stream_bytes_per_second=0))
    unlimited.open("text/plain")
    assert unlimited.write(b"x" * 100_000)


async def test_a_stream_beyond_its_size_is_too_large() -> None:
    feed = Feed(LambdaLimits(stream_bytes=10))
    feed.open("text/plain")
    feed.write(b"x" * 10)
    assert not feed.too_large
    feed.write(b"x")
    assert feed.too_large
    collected = Collected(2)
    collected.write(b"abc")
    assert (collected.too_large, collected.payload) == (True, b"")

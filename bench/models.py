"""A local model through boto3's converse_stream over HTTP, beside the same weights called directly.

Both are asked in turns, other words each time, so that neither finds its prompt in a cache or the machine busier. The
weights come with `callpark models pull`; without them nothing is measured.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import boto3
from tests.journeys.servers import started

from bench.figures import Figure, percentile
from bench.peers.bare_xllamacpp import TOKENS, Direct, direct
from callpark.models.declared import Local
from callpark.models.installed import SMOLLM2, runnable

_ROUNDS = 8
_SUBJECTS = (
    "a lighthouse",
    "a telephone",
    "an old ship",
    "two brothers",
    "the moon",
    "a clock",
    "a fox",
    "rain",
    "tea",
)
_SLOWER_FIRST, _SLOWER_RATE = 10.0, 0.95
_GENERATIONS = 10
_PROBES = 300


class _Boto3:
    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}
        self._client = boto3.client("bedrock-runtime", endpoint_url=endpoint, region_name="us-east-1", **keys)

    def ask(self, prompt: str) -> tuple[float, float]:
        """(milliseconds to the first token, tokens a second after it)."""
        began = time.perf_counter()
        answer = self._client.converse_stream(
            modelId="small",
            messages=[{"role": "user", "content": [{"text": prompt}]}],
            inferenceConfig={"maxTokens": TOKENS, "temperature": 0.0},
        )
        times = [time.perf_counter() for event in answer["stream"] if "contentBlockDelta" in event]
        return (times[0] - began) * 1e3, (len(times) - 1) / (times[-1] - times[0])


async def figures() -> list[Figure]:
    weights = runnable(SMOLLM2)
    if weights is None:
        print(f"models: {SMOLLM2.title} is not installed; `{SMOLLM2.pulled_by}` brings it", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "template.yaml").write_text("Resources: {Q: {Type: AWS::SQS::Queue}}")
        (Path(folder) / "models.yaml").write_text("backends: {b: {local: smollm2}}\nmodels: {small: b}")
        async with started(Path(folder), Path(folder) / "data") as server:
            client = _Boto3(server.endpoint)
            ours, theirs = await asyncio.to_thread(_in_turns, client, weights)
            probes = await _during_generations(client, server.endpoint)
    return [*_beside(ours, theirs), _latency(probes)]


def _in_turns(client: _Boto3, weights: Path) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with direct(weights, Local(model="smollm2").at_once, Local(model="smollm2").context) as peer:
        asked: list[tuple[_Boto3 | Direct, list[tuple[float, float]]]] = [(client, ours), (peer, theirs)]
        for answerer, _ in asked:
            answerer.ask("Say hello.")
        for number in range(_ROUNDS):
            prompt = f"Tell me a long story about {_SUBJECTS[number % len(_SUBJECTS)]} in the year {1900 + number}."
            for answerer, found in asked if number % 2 else asked[::-1]:
                found.append(answerer.ask(prompt))
    return ours, theirs


def _beside(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> list[Figure]:
    first, rate = (statistics.median(one[part] for one in ours) for part in (0, 1))
    peer_first, peer_rate = (statistics.median(one[part] for one in theirs) for part in (0, 1))
    return [
        Figure(
            "boto3 converse_stream, first token",
            first,
            "ms",
            f"≤ {_SLOWER_FIRST:g} ms more",
            first <= peer_first + _SLOWER_FIRST,
            "xllamacpp called directly",
            peer_first,
            more_is_better=False,
        ),
        Figure(
            "boto3 converse_stream, then tokens",
            rate,
            "/s",
            "≥ 95 %",
            rate >= peer_rate * _SLOWER_RATE,
            "xllamacpp called directly",
            peer_rate,
        ),
    ]


async def _during_generations(client: _Boto3, endpoint: str) -> list[float]:
    """Milliseconds of a small request's answer while ten generations run."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    generations = [
        asyncio.create_task(asyncio.to_thread(client.ask, f"Tell me a long story about number {number}."))
        for number in range(_GENERATIONS)
    ]
    await asyncio.sleep(1)
    found: list[float] = []
    while len(found) < _PROBES and not all(task.done() for task in generations):
        began = time.perf_counter()
        writer.write(b"GET /_callpark/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        found.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0.01)
    writer.close()
    await asyncio.gather(*generations)
    return found


def _latency(probes: list[float]) -> Figure:
    slow = percentile(probes, 0.99)
    return Figure(f"a request during {_GENERATIONS} generations, p99", slow, "ms", "≤ 20 ms", slow <= 20)

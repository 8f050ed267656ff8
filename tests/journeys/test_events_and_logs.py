"""`callpark logs --follow` and `callpark events` against a server in a process of its own."""

import asyncio
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from callpark.cli import commands, remote
from tests.journeys.servers import started

pytestmark = pytest.mark.process

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Till:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: Till
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      EventInvokeConfig: { MaximumRetryAttempts: 1 }
"""

HANDLER = """
def handler(event, context):
    print("amount", event["amount"])
    if event["amount"] < 0:
        raise ValueError("no such amount")
    return event["amount"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "app.py").write_text(HANDLER)
    (root / "template.yaml").write_text(TEMPLATE)
    return root


class Shell:
    """Commands against one server, run in this process; `run` gives standard output and insists on success."""

    def __init__(self, endpoint: str, capsys: pytest.CaptureFixture[str], stdin: pytest.MonkeyPatch) -> None:
        self.endpoint = endpoint
        self._capsys = capsys
        self._stdin = stdin

    async def run(self, *arguments: str, stdin: bytes = b"") -> str:
        self._stdin.setenv("CALLPARK_ENDPOINT", self.endpoint)
        self._stdin.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = await asyncio.to_thread(commands.run, arguments)
        printed = self._capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    async def send(self, amount: int) -> str:
        """The request id of an accepted event."""
        event = json.dumps({"amount": amount}).encode()
        return (await self.run("invoke", "Till", "--event", "-", "--async", stdin=event)).split()[1]

    async def told(self, request_id: str, status: str) -> Any:
        """The story of an event once it has ended so. The log line of its last run is waited for, then its ending."""
        await asyncio.to_thread(self._reported, request_id, 2 if status == "discarded" else 1)
        story: Any = None
        for _ in range(100):
            story = json.loads(await self.run("events", "show", request_id, "-o", "json"))
            if story["standing"]["status"] == status:
                return story
        raise AssertionError(f"{request_id} never was {status}: {story}")

    def _reported(self, request_id: str, runs: int) -> None:
        path = f"/_callpark/logs?group=/aws/lambda/Till&follow=true&subject={request_id}"
        with remote.lines(self.endpoint, path, endless=True) as answer:
            for line in answer.lines:
                runs -= b"REPORT RequestId" in line
                if not runs:
                    return


async def follow(endpoint: str, *more: str) -> Any:
    """A follower with its standard output and error on pipes of their own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callpark", "logs", "Till", "--follow", "--endpoint", endpoint, *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1"},
    )


async def test_follow_shows_lines_as_they_come_and_ends_with_the_server(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(project, tmp_path / "data", "--limit", "gateway.shutdown_seconds=40") as server:
        shell = Shell(server.endpoint, capsys, monkeypatch)
        first = await shell.send(1)
        follower = await follow(server.endpoint, "--filter", "amount", "-o", "json")
        try:
            line = json.loads(await asyncio.wait_for(follower.stdout.readline(), 20))
            assert (line["message"], line["requestId"]) == ("amount 1", first)
            second = await shell.send(2)
            line = json.loads(await asyncio.wait_for(follower.stdout.readline(), 20))
            assert (line["message"], line["requestId"]) == ("amount 2", second)

            out = await shell.run("logs", "Till", "--request-id", first)
            assert f"START RequestId: {first}" in out
            assert second not in out
            loop = asyncio.get_running_loop()
            before = loop.time()
            server.process.send_signal(signal.SIGINT)
            assert await follower.wait() == 3
            assert loop.time() - before < 20, "the server waited for a follower that never ends"
            assert b"the server has stopped" in await follower.stderr.read()
        finally:
            if follower.returncode is None:
                follower.kill()
            await follower.communicate()


async def test_a_failed_event_is_listed_told_replayed_and_redriven(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = ("--limit", "lambda.retry_base_seconds=0.2")
    async with started(project, tmp_path / "data", *limit) as server:
        shell = Shell(server.endpoint, capsys, monkeypatch)
        request_id = await shell.send(-1)
        await shell.told(request_id, "discarded")
        head, row = (await shell.run("events", "ls")).splitlines()
        assert head.split() == ["STATUS", "FUNCTION", "RUNS", "AGE", "REQUEST", "ID"]
        assert row.split()[:3] == ["discarded", "Till", "2"]
        assert row.split()[-2:] == ["RetriesExhausted", request_id]
        await server.kill()

    async with started(project, tmp_path / "data", *limit) as server:
        shell = Shell(server.endpoint, capsys, monkeypatch)
        out = await shell.run("events", "show", request_id)
        assert out.startswith("Till discarded (RetriesExhausted)")
        assert '{"amount": -1}' in out

        out = await shell.run("events", "replay", request_id, "--event", "-", stdin=b'{"amount": 5}')
        await shell.told(out.split()[1], "succeeded")

        out = await shell.run("events", "redrive", "Till")
        assert out.startswith(f"{request_id} → ")
        copy = out.split()[2]
        story = await shell.told(copy, "discarded")
        assert [step["kind"] for step in story["steps"] if step["kind"] not in ("log", "started", "ended")] == [
            "accepted",
            "replayed",
            "retry",
            "discarded",
        ]
        listed = json.loads(await shell.run("events", "ls", "-o", "json"))
        assert [event["requestId"] for event in listed["discarded"]] == [copy]

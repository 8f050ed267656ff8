"""Acknowledged events survive `kill -9`: all complete, none runs more often than policy plus the one in flight."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.journeys.servers import started

pytestmark = pytest.mark.process

EVENTS = 1_000

#: Runs that may repeat: those in flight at the kill, and those that ended in the few milliseconds in which removals
#: from the queue are gathered into one transaction.
IN_FLIGHT = 50

#: So many handlers at once; each of them may be in flight.
ENVIRONMENTS = "lambda.environments=8"

TEMPLATE = """
Resources:
  Counted:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: Counted
      Runtime: python3.11
      Handler: app.handler
      Role: arn:aws:iam::123456789012:role/any
      Code: src
      Environment: {{ Variables: {{ REPORT_PORT: "{port}" }} }}
  Once:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref Counted
      Qualifier: $LATEST
      MaximumRetryAttempts: 0
"""

HANDLER = """
import os, socket
reports = socket.create_connection(("127.0.0.1", int(os.environ["REPORT_PORT"])))

def handler(event, context):
    reports.sendall(f"{event['number']}\\n".encode())
    reports.recv(1)
"""


class Reports:
    """Where the handlers report each run. A run past the `allowance` is counted and not let go: it stays in flight."""

    def __init__(self, allowance: int) -> None:
        self.runs: Counter[int] = Counter()
        self.gate = asyncio.Event()
        self._allowance = allowance
        self._changed = asyncio.Event()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.runs[int(line)] += 1
            self._changed.set()
            if self.runs.total() > self._allowance:
                await self.gate.wait()
            writer.write(b".")
        writer.close()

    async def until_distinct(self, count: int) -> None:
        while len(self.runs) < count:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 20)


async def test_every_acknowledged_event_completes_after_kill_9(tmp_path: Path) -> None:
    reports = Reports(allowance=EVENTS // 3)
    listener = await asyncio.start_server(reports.listen, "127.0.0.1", 0)
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "app.py").write_text(HANDLER)
    port = listener.sockets[0].getsockname()[1]
    (project / "template.yaml").write_text(TEMPLATE.format(port=port))

    async with started(project, tmp_path / "data", "--limit", ENVIRONMENTS) as server:
        await _send(server.endpoint, EVENTS)
        await reports.until_distinct(EVENTS // 3 + 1)
        await server.kill()
    before = len(reports.runs)
    reports.gate.set()

    async with started(project, tmp_path / "data"):
        await reports.until_distinct(EVENTS)
    listener.close()

    assert set(reports.runs) == set(range(EVENTS))
    assert max(reports.runs.values()) <= 2, reports.runs.most_common(3)
    assert before < EVENTS, "the server had finished before it was killed; the test proved nothing"
    again = sum(1 for runs in reports.runs.values() if runs > 1)
    assert again <= IN_FLIGHT, f"{again} events ran twice; only those in flight may"


async def _send(endpoint: str, count: int) -> None:
    path = f"{endpoint}/2015-03-31/functions/Counted/invocations"
    headers = {"x-amz-invocation-type": "Event"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:

        async def send(number: int) -> None:
            response = await client.post(path, headers=headers, content=json.dumps({"number": number}))
            assert response.status_code == 202, response.text

        for first in range(0, count, 50):
            await asyncio.gather(*(send(number) for number in range(first, first + 50)))

"""`callpark queues` against an application in this process: what the commands print, and how they refuse."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.cli import commands
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1 }
  Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: dead } }
  InOrder: { Type: AWS::SQS::Queue, Properties: { QueueName: in-order.fifo, FifoQueue: true } }
"""


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    async with served(Settings(data=tmp_path / "data", port=0), tmp_path) as app:
        monkeypatch.setenv("CALLPARK_ENDPOINT", app.base_url)
        yield app


async def callpark(*arguments: str) -> int:
    return await asyncio.to_thread(commands.run, arguments)


async def test_from_send_to_redrive(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await callpark("queues", "send", "orders", "hello  world", "--attribute", "kind=new") == 0
    assert capsys.readouterr().out.startswith("sent ")
    assert await callpark("queues", "peek", "orders") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("visible  0 receives")
    assert second == "  hello world"

    queue = app.queues.administration.find("orders")
    (received,) = await app.queues.receive(queue, 1)
    assert received.message.attributes["kind"].text == "new"
    assert await callpark("queues", "ls") == 0
    head, dead, fifo, orders = capsys.readouterr().out.splitlines()
    assert head.split() == ["QUEUE", "VISIBLE", "IN", "FLIGHT", "DELAYED", "DEAD-LETTER", "QUEUE"]
    assert dead.split() == ["dead", "0", "0", "0"]
    assert fifo.split() == ["in-order.fifo", "0", "0", "0"]
    assert orders.split() == ["orders", "0", "1", "0", "dead"]

    await app.queues.change_visibility(queue, received.receipt_handle, 0)
    assert await app.queues.receive(queue, 1, 0) == ()
    assert await callpark("queues", "redrive", "dead", "-o", "json") == 0
    task = json.loads(capsys.readouterr().out)
    assert task["ApproximateNumberOfMessagesToMove"] == 1
    (moved,) = await app.queues.receive(queue, 1, 20)
    assert moved.message.body == "hello  world"

    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe"))
    assert await callpark("queues", "send", "in-order.fifo", "-", "--group", "g", "--deduplication", "1") == 0
    capsys.readouterr()
    assert await callpark("queues", "peek", "in-order.fifo", "-o", "json") == 0
    (message,) = json.loads(capsys.readouterr().out)
    assert (message["body"], message["state"], message["attributes"]["MessageGroupId"]) == (
        "from a pipe",
        "visible",
        "g",
    )
    assert await callpark("queues", "purge", "in-order.fifo") == 0
    assert capsys.readouterr().out == "purged in-order.fifo\n"
    assert await callpark("queues", "peek", "in-order.fifo") == 0
    assert capsys.readouterr() == ("", "no messages\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("peek", "nobody"), "The specified queue does not exist."),
        (("send", "nobody", "x"), "The specified queue does not exist."),
        (("send", "in-order.fifo", "x"), "The request must contain the parameter MessageGroupId."),
        (("send", "orders", "x", "--attribute", "kind"), "not an attribute: 'kind'"),
        (("redrive", "orders"), "Source queue must be configured as a Dead Letter Queue."),
        (("peek", "orders", "--limit", "0"), "Invalid value for '--limit'"),
    ],
)
async def test_wrong_usage_has_a_cause_and_a_remedy(
    app: App, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert await callpark("queues", *arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert told in lines[0]
    assert len(lines) == 2


async def test_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("queues", "ls", "--endpoint", "http://127.0.0.1:9") == 3
    assert "no callpark server answers" in capsys.readouterr().err

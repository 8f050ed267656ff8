"""`callpark queues ls | peek | send | purge | redrive`: the queues of a running server.

What AWS has an operation for is called as AWS's; looking without receiving is asked of `/_callpark/queues`.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, options, remote
from callpark.cli.screen import answers, remarks
from callpark.kernel.errors import ProjectError

Name = Annotated[str, typer.Argument(metavar="QUEUE", help="Name of the queue.")]
_LONGEST_LINE = 200


class _Refused(Exception):
    """The server said no."""


def ls(
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """List queues with what they hold: visible, in flight, delayed."""

    def work() -> None:
        queues = _own(endpoint, "")
        if output is options.Output.JSON:
            answers.print_json(orjson.dumps(queues).decode())
            return
        if not queues:
            remarks.print("no queues", style="dim")
            return
        rows = [("QUEUE", "VISIBLE", "IN FLIGHT", "DELAYED", "DEAD-LETTER QUEUE"), *map(_row, queues)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            counts = [cell.rjust(width) for cell, width in zip(row[1:4], widths[1:], strict=True)]
            answers.print("  ".join([row[0].ljust(widths[0]), *counts, row[4]]).rstrip(), markup=False)

    return _told(work)


def peek(
    queue: Name,
    limit: Annotated[int, typer.Option(help="At most so many messages.", min=1, max=1_000)] = 10,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Look at the first messages without receiving them: no receive count changes."""

    def work() -> None:
        messages = _own(endpoint, f"/{quote(queue, safe='')}/messages?limit={limit}")
        if output is options.Output.JSON:
            answers.print_json(orjson.dumps(messages).decode())
            return
        if not messages:
            remarks.print("no messages", style="dim")
        for message in messages:
            attributes = message["attributes"]
            told = [message["messageId"], message["state"], f"{attributes['ApproximateReceiveCount']} receives"]
            if "MessageGroupId" in attributes:
                told.append(f"group {attributes['MessageGroupId']}")
            answers.print(f"[bold]{told[0]}[/]  {escape('  '.join(told[1:]))}")
            body = " ".join(message["body"].split())
            answers.print(f"  {body if len(body) <= _LONGEST_LINE else body[: _LONGEST_LINE - 1] + '…'}", markup=False)

    return _told(work)


def send(
    queue: Name,
    body: Annotated[str, typer.Argument(metavar="BODY|-", help="The message; - reads standard input.")],
    delay: Annotated[int | None, typer.Option(help="Seconds until it can be received.", min=0)] = None,
    group: Annotated[str | None, typer.Option(help="Message group; a FIFO queue needs one.")] = None,
    deduplication: Annotated[
        str | None, typer.Option("--deduplication", help="Deduplication id, for FIFO queues.")
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="A text attribute; repeatable.")
    ] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Send one message; prints its id once it is on disk."""
    members: dict[str, object] = {
        "MessageBody": sys.stdin.read() if body == "-" else body,
        "DelaySeconds": delay,
        "MessageGroupId": group,
        "MessageDeduplicationId": deduplication,
        "MessageAttributes": _attributes(attribute or []),
    }

    def work() -> None:
        answer = _call(endpoint, "SendMessage", {"QueueUrl": _url(endpoint, queue), **members})
        if output is options.Output.JSON:
            answers.print_json(orjson.dumps(answer).decode())
        else:
            answers.print(f"sent {answer['MessageId']}", markup=False)

    return _told(work)


def purge(queue: Name, endpoint: options.Endpoint = options.DEFAULT_ENDPOINT) -> int:
    """Remove every message of a queue, those in flight and delayed too."""

    def work() -> None:
        _call(endpoint, "PurgeQueue", {"QueueUrl": _url(endpoint, queue)})
        answers.print(f"purged {queue}", markup=False)

    return _told(work)


def redrive(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="Name of the dead-letter queue.")],
    to: Annotated[str | None, typer.Option("--to", help="Move there instead of where each message came from.")] = None,
    rate: Annotated[int | None, typer.Option(help="At most so many messages a second.", min=1)] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Move the messages of a dead-letter queue back; the server does it, also after this command has ended."""

    def work() -> None:
        source = _arn(endpoint, queue)
        members = {
            "SourceArn": source,
            "DestinationArn": None if to is None else _arn(endpoint, to),
            "MaxNumberOfMessagesPerSecond": rate,
        }
        _call(endpoint, "StartMessageMoveTask", members)
        (task,) = _call(endpoint, "ListMessageMoveTasks", {"SourceArn": source})["Results"]
        if output is options.Output.JSON:
            answers.print_json(orjson.dumps(task).decode())
            return
        moved, wanted = task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]
        answers.print(f"{task['Status'].lower()}: {moved} of {wanted} messages moved", markup=False)

    return _told(work)


def _told(work: Callable[[], None]) -> int:
    """Run a command's work; what went wrong is said in two lines."""
    try:
        work()
    except remote.Unreachable as error:
        return remote.explain(error)
    except _Refused as refusal:
        remarks.print(f"[bold red]error:[/] {escape(str(refusal))}")
        remarks.print("       `callpark queues ls` lists the queues")
        return exits.USAGE
    return exits.OK


def _row(queue: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    dead = str(queue["deadLetterQueue"] or "").rpartition(":")[2]
    return queue["name"], str(queue["visible"]), str(queue["inFlight"]), str(queue["delayed"]), dead


def _url(endpoint: str, queue: str) -> str:
    return str(_call(endpoint, "GetQueueUrl", {"QueueName": queue})["QueueUrl"])


def _arn(endpoint: str, queue: str) -> str:
    asked = {"QueueUrl": _url(endpoint, queue), "AttributeNames": ["QueueArn"]}
    return str(_call(endpoint, "GetQueueAttributes", asked)["Attributes"]["QueueArn"])


def _call(endpoint: str, operation: str, members: Mapping[str, object]) -> dict[str, Any]:
    body = orjson.dumps({name: value for name, value in members.items() if value not in (None, {})})
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{operation}"}
    response = remote.request("POST", endpoint, "/", body=body, headers=headers, timeout=30.0)
    answer: dict[str, Any] = _read(response.status_code, response.content)
    return answer


def _own(endpoint: str, path: str) -> Any:  # a list or a mapping, as the route says
    response = remote.request("GET", endpoint, f"/_callpark/queues{path}")
    return _read(response.status_code, response.content)


def _read(status: int, content: bytes) -> Any:
    try:
        answer = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError:
        raise _Refused("something else than callpark answers at the endpoint") from None
    if status >= 400:
        raise _Refused(str(answer.get("message", "the server refused")))
    return answer


def _attributes(assignments: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name or not value:
            raise ProjectError(f"not an attribute: {assignment!r}", "write --attribute NAME=VALUE")
        found[name] = {"DataType": "String", "StringValue": value}
    return found

"""`callpark logs`: what a function, a flow or an API has logged, and what it logs from now on."""

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
import typer
from rich.markup import escape

from callpark.cli import durations, exits, options, remote
from callpark.cli.screen import remarks
from callpark.kernel.arn import Arn
from callpark.kernel.errors import ProjectError


def logs(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FUNCTION|API|GROUP", help="A function, an API, or a group such as /aws/connect/callpark."
        ),
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option(help="How far back: 30s, 10m, 2h, 1d.")] = "10m",
    pattern: Annotated[
        str, typer.Option("--filter", metavar="PATTERN", help="A CloudWatch filter pattern: 'ERROR -retry'.")
    ] = "",
    request_id: Annotated[str | None, typer.Option("--request-id", help="Only lines of this request.")] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Show the log lines that a running server keeps."""
    query = {"since": str(durations.seconds(since)), "filter": pattern}
    if request_id is not None:
        query["subject"] = request_id
    if follow:
        query["follow"] = "true"
    try:
        if follow:
            _expect(endpoint, name)
        query["group"] = name if name.startswith("/") else _own_group(endpoint, name)
        with remote.lines(endpoint, f"/_callpark/logs?{urlencode(query)}", endless=follow) as answer:
            if answer.status_code != 200:
                return _refused(answer.message, endpoint, answer.status_code)
            _print(answer.lines, output)
    except remote.Unreachable as error:
        return remote.explain(error)
    if follow:
        remarks.print("the server has stopped", style="dim")
        return exits.UNREACHABLE
    return exits.OK


def _own_group(endpoint: str, name: str) -> str:
    """The log group that a function's configuration names, or that of an API; the usual one of a function that is not
    there any more."""
    path = f"/2015-03-31/functions/{quote(name, safe='')}/configuration"
    answer = remote.request("GET", endpoint, path)
    if answer.status_code != 200:
        return _groups_of_apis(_health(endpoint)).get(name) or log_group(name)
    logging = orjson.loads(answer.content).get("LoggingConfig", {})
    return str(logging.get("LogGroup") or log_group(name))


def log_group(name: str) -> str:
    """The log group of a function's name or ARN; a group's own name stays."""
    if name.startswith("/"):
        return name
    arn = Arn.parse(name)
    if arn is not None and arn.service == "lambda" and arn.resource.startswith("function:"):
        name = arn.resource.split(":")[1]
    return f"/aws/lambda/{name.partition(':')[0]}"


def _expect(endpoint: str, name: str) -> None:
    """A follower of a function that is not there would wait for ever. Raises Unreachable and ProjectError."""
    if name.startswith("/"):
        return
    health = _health(endpoint)
    known = health.get("functions", [])
    if name in _groups_of_apis(health):
        return
    function = log_group(name).removeprefix("/aws/lambda/")
    if known and function not in known:
        raise ProjectError(f"there is no function {function}", f"the server has {', '.join(known)}")


def _health(endpoint: str) -> dict[str, Any]:
    answer = remote.request("GET", endpoint, "/_callpark/health")
    return orjson.loads(answer.content) if answer.status_code == 200 else {}


def _groups_of_apis(health: Mapping[str, Any]) -> dict[str, str]:
    """Log groups of GraphQL and Event APIs by their names and ids."""
    apis = [*health.get("apis", []), *health.get("event_apis", [])]
    return {key: f"/aws/appsync/apis/{api['id']}" for api in apis for key in (api["name"], api["id"])}


def _print(lines: Iterable[bytes], output: options.Output) -> None:
    write, flush = sys.stdout.write, sys.stdout.flush
    for raw in lines:
        line = orjson.loads(raw)
        if "missed" in line:
            remarks.print(f"[yellow]warning:[/] {line['missed']} lines came too fast to be shown")
            continue
        message = str(line["message"]).rstrip("\n")
        if output is options.Output.JSON:
            shown = {"timestamp": line["timestamp"], "stream": line["stream"], "requestId": line["subject"]}
            write(orjson.dumps({**shown, "message": message}).decode() + "\n")
        else:
            at = datetime.fromtimestamp(line["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
            write(f"{at.replace('+00:00', 'Z')}  {message}\n")
        flush()


def _refused(message: str, endpoint: str, status: int) -> int:
    if not message:
        return remote.explain_stranger(endpoint)
    remarks.print(f"[bold red]error:[/] {escape(message)}")
    remedy = "a function has a log once it has run; `callpark status` lists functions and APIs"
    remarks.print(f"       {remedy if status == 404 else '`callpark logs --help` shows how'}")
    return exits.USAGE

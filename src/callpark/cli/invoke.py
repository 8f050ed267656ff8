"""`callpark invoke`: run a function of a running server, or of a project without one."""

import asyncio
import base64
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import httpx
import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, options, remote
from callpark.cli.event_file import read_event
from callpark.cli.loop import run
from callpark.cli.screen import answers, remarks
from callpark.kernel.errors import ProjectError


def invoke(
    function: Annotated[str, typer.Argument(help="Name or ARN of the function.")],
    event: Annotated[
        str | None, typer.Option("--event", metavar="FILE|-", help="The event as JSON; - reads standard input.")
    ] = None,
    asynchronous: Annotated[
        bool, typer.Option("--async", help="Put the event on the function's queue and return its request id.")
    ] = False,
    project: Annotated[
        Path | None, typer.Option("--project", help="Run it from this project, without a running server.")
    ] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Invoke a function; prints its result on standard output and its log on standard error."""
    payload = b"{}" if event is None else read_event(event)
    if project is None:
        return _invoke(endpoint, function, payload, asynchronous, output)
    if asynchronous:
        raise ProjectError(
            "--async needs a running server: its queue has to outlive this command",
            "start one with `callpark start`, then leave out --project",
        )
    return run(_from_project(project, function, payload, output))


async def _from_project(project: Path, function: str, payload: bytes, output: options.Output) -> int:
    from callpark.cli import session
    from callpark.serving import served

    async with session.temporary() as settings, served(settings, project) as app:
        return await asyncio.to_thread(_invoke, app.base_url, function, payload, False, output)


def _invoke(endpoint: str, function: str, payload: bytes, asynchronous: bool, output: options.Output) -> int:
    headers = {"content-type": "application/json"}
    headers |= {"x-amz-invocation-type": "Event"} if asynchronous else {"x-amz-log-type": "Tail"}
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    try:
        with remarks.status(f"{escape(function)} runs"):
            response = remote.request("POST", endpoint, path, body=payload, headers=headers, timeout=920.0)
    except remote.Unreachable as error:
        return remote.explain(error)
    if "x-amzn-requestid" not in response.headers:
        return remote.explain_stranger(endpoint)
    if response.status_code >= 400:
        return _refused(response)
    failed = "x-amz-function-error" in response.headers
    request_id = response.headers.get("x-amzn-requestid", "")
    if output is options.Output.JSON:
        answer = {"requestId": request_id, "statusCode": response.status_code, "functionError": failed}
        if response.content:
            answer["payload"] = _json_or_text(response)
        answers.print_json(orjson.dumps(answer).decode())
    elif asynchronous:
        answers.print(f"accepted {request_id}", markup=False)
    else:
        log = base64.b64decode(response.headers.get("x-amz-log-result", ""))
        remarks.print(log.decode(errors="replace").rstrip(), markup=False, style="dim")
        answers.print(response.text, markup=False)
    return exits.FUNCTION_ERROR if failed else exits.OK


def _refused(response: httpx.Response) -> int:
    """An AWS error shape, `message` in either spelling."""
    body = _json_or_text(response)
    members = body if isinstance(body, dict) else {}
    message = members.get("message") or members.get("Message") or response.text
    error_type = response.headers.get("x-amzn-errortype", str(response.status_code))
    remarks.print(f"[bold red]error:[/] {escape(str(message))}")
    remedy = "; `callpark status` lists the functions" if error_type == "ResourceNotFoundException" else ""
    remarks.print(f"       AWS calls this {escape(error_type)}{remedy}")
    return exits.USAGE


def _json_or_text(response: httpx.Response) -> object:
    """A function behind a custom runtime may answer anything."""
    try:
        decoded: object = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return response.text
    return decoded

"""`callpark graphql QUERY` and `callpark graphql eval FILE`: a request to an API that is served, a resolver's code or
template evaluated without one."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import orjson
import typer
from rich.markup import escape
from typer.core import TyperGroup

from callpark.cli import exits, options, remote
from callpark.cli.screen import answers, remarks
from callpark.health import ApiHealth, Health
from callpark.kernel.errors import ProjectError

if TYPE_CHECKING:
    from typer._click import Context

_FILES = (".graphql", ".gql")


class QueryFirst(TyperGroup):
    """`callpark graphql QUERY`: what is no command of the group is a query."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["query", *args]
        return super().parse_args(ctx, args)


class Handler(StrEnum):
    """The exported functions of a resolver's code."""

    REQUEST = "request"
    RESPONSE = "response"


def query(
    document: Annotated[str, typer.Argument(metavar="QUERY|FILE|-", help="A document, a file of one, or -.")],
    api: Annotated[str | None, typer.Option(help="Name or id of the API, when several are served.")] = None,
    variables: Annotated[
        str | None, typer.Option("--variables", metavar="JSON|@FILE", help="The variables, a JSON object.")
    ] = None,
    operation: Annotated[
        str | None, typer.Option("--operation", help="Which operation of the document to run.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(help="Default: the API's first key.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME:VALUE", help="A header, such as authorization; repeatable.")
    ] = None,
    subscribe: Annotated[
        bool, typer.Option("--subscribe", help="The document is a subscription: print what it delivers until Ctrl-C.")
    ] = False,
    count: Annotated[int | None, typer.Option(min=1, help="With --subscribe: end after so many.")] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Send a query or mutation to an API, or listen to a subscription; `graphql eval` evaluates a resolver's code."""
    body: dict[str, object] = {"query": _document(document), "variables": _variables(variables)}
    if operation is not None:
        body["operationName"] = operation
    headers = _headers(header)
    try:
        health = remote.request("GET", endpoint, "/_callpark/health")
        try:
            chosen = _api(msgspec.json.decode(health.content, type=Health).apis, api)
        except msgspec.MsgspecError:
            return remote.explain_stranger(endpoint)
        key = api_key or (None if "authorization" in headers else chosen.api_key)
        headers |= {} if key is None else {"x-api-key": key}
        if subscribe:
            return _listen(endpoint, chosen.id, headers, body, count, output)
        response = remote.request(
            "POST", endpoint, f"/apis/{chosen.id}/graphql", body=orjson.dumps(body), headers=headers, timeout=60.0
        )
    except remote.Unreachable as error:
        return remote.explain(error)
    return _show_answer(response.content, response.status_code, output)


def eval_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="APPSYNC_JS code, or a mapping template.")],
    context: Annotated[
        str, typer.Option("--context", metavar="FILE|-", help="The context, a JSON object. Default: {}.")
    ] = "",
    function: Annotated[Handler, typer.Option(help="Which handler of the code.")] = Handler.REQUEST,
    limit: options.LimitAssignments = None,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Evaluate a resolver's code or mapping template, as AppSync's EvaluateCode does; no server is needed."""
    from callpark.cli.graphql_evaluation import Asked, evaluate_file

    source = _text(str(file), "the file")
    given = _text(context, "the context") if context else "{}"
    return evaluate_file(Asked(file, source, given, function.value, options.limits(limit)), output)


def _listen(
    endpoint: str,
    api_id: str,
    headers: dict[str, str],
    body: dict[str, object],
    count: int | None,
    output: options.Output,
) -> int:
    """Raises Unreachable."""
    from callpark.cli.subscription_client import Closed, Refused, payloads_of

    credentials = {name: value for name, value in headers.items() if name != "content-type"}
    try:
        return asyncio.run(_print_payloads(payloads_of(endpoint, api_id, credentials, body), count, output))
    except Refused as refused:
        _show_errors(refused.errors)
        return exits.USAGE
    except Closed as closed:
        remarks.print(f"the server closed the connection: {escape(str(closed))}", style="dim")
        return exits.UNREACHABLE
    except remote.Stranger:
        return remote.explain_stranger(endpoint)


async def _print_payloads(payloads: AsyncGenerator[bytes, None], count: int | None, output: options.Output) -> int:
    printed, failed = 0, False
    async with contextlib.aclosing(payloads):
        async for payload in payloads:
            if not payload:
                remarks.print("listening", style="dim")
                continue
            failed = _show_payload(payload, output) or failed
            printed += 1
            if printed == count:
                return exits.FUNCTION_ERROR if failed else exits.OK
    remarks.print("the subscription was ended by the API", style="dim")
    return exits.FUNCTION_ERROR if failed else exits.OK


def _show_payload(payload: bytes, output: options.Output) -> bool:
    """Whether it has errors."""
    read = orjson.loads(payload)
    errors = read.get("errors") or []
    if output is options.Output.JSON:
        answers.print(payload.decode(), markup=False, soft_wrap=True)
    else:
        answers.print(orjson.dumps(read.get("data")).decode(), markup=False, soft_wrap=True)
        _show_errors(errors)
    return bool(errors)


def _show_answer(content: bytes, status: int, output: options.Output) -> int:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise ProjectError(
            f"the API's answer is no JSON object: {content[:200].decode(errors='replace')}",
            "does callpark answer at --endpoint?",
        )
    errors = answer.get("errors") or []
    refused = status >= 400
    if output is options.Output.JSON:
        answers.print(content.decode(), markup=False)
    else:
        if not refused:
            answers.print(orjson.dumps(answer.get("data"), option=orjson.OPT_INDENT_2).decode(), markup=False)
        _show_errors(errors)
        if status == 401:
            remarks.print("       give --api-key, or --header 'authorization: …' (`callpark auth token` mints one)")
    if refused:
        return exits.USAGE
    return exits.FUNCTION_ERROR if errors else exits.OK


def _show_errors(errors: Sequence[dict[str, object]]) -> None:
    for error in errors:
        path, locations = error.get("path"), error.get("locations")
        where = "" if not isinstance(path, list) else f" at {'.'.join(map(str, path))}"
        if isinstance(locations, list) and locations:
            where += f" ({locations[0]['line']}:{locations[0]['column']})"
        kind = error.get("errorType")
        remarks.print(f"[bold red]error:[/]{escape(where)} {escape(str(error.get('message')))}")
        if kind:
            remarks.print(f"       AppSync calls this {escape(str(kind))}")


def _api(apis: Sequence[ApiHealth], named: str | None) -> ApiHealth:
    """Raises ProjectError when it is not clear which."""
    names = ", ".join(api.name for api in apis) or "none"
    if named is None:
        if len(apis) == 1:
            return apis[0]
        raise ProjectError(f"which API? The server has: {names}", "name one with --api NAME")
    found = [api for api in apis if named in (api.name, api.id)]
    if len(found) != 1:
        raise ProjectError(f"{len(found) or 'no'} API has the name or id {named}", f"the server has: {names}")
    return found[0]


def _document(given: str) -> str:
    return _text(given, "the document") if given == "-" or given.endswith(_FILES) else given


def _variables(given: str | None) -> dict[str, object]:
    if given is None:
        return {}
    text = _text(given[1:], "the variables") if given.startswith("@") else given
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProjectError(f"the variables are not JSON: {error}", "write --variables '{\"id\": 1}'") from error
    if not isinstance(read, dict):
        raise ProjectError("the variables are not a JSON object", "write --variables '{\"id\": 1}'")
    return read


def _headers(given: list[str] | None) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    for line in given or []:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ProjectError(f"not a header: {line!r}", "write --header 'authorization: VALUE'")
        headers[name.strip().lower()] = value.strip()
    return headers


def _text(name: str, what: str) -> str:
    """Of a file, or of standard input. Raises ProjectError."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode()
    except OSError as error:
        raise ProjectError(f"cannot read {what} {name}: {error.strerror}", "name a file, or -") from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"{what} {name} is not UTF-8", "save it as UTF-8") from error

"""`callpark channels publish|subscribe`: AppSync Events from the terminal."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

import msgspec
import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, options, remote
from callpark.cli.screen import answers, remarks
from callpark.health import EventApiHealth, Health
from callpark.kernel.errors import ProjectError

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as /default/room.")]
Api = Annotated[str | None, typer.Option(help="Name or id of the Event API, when several are served.")]
Key = Annotated[str | None, typer.Option(help="Default: the API's first key.")]
Authorization = Annotated[
    str | None, typer.Option(help="The authorization header instead, such as what `callpark auth token` prints.")
]


def publish(
    channel: Channel,
    events: Annotated[list[str], typer.Argument(metavar="EVENT...", help="JSON; what is none is sent as a text.")],
    api: Api = None,
    api_key: Key = None,
    authorization: Authorization = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Publish events to a channel, at most five."""
    body = {"channel": channel, "events": [_json(event) for event in events]}
    try:
        chosen = _chosen(endpoint, api)
        if isinstance(chosen, int):
            return chosen
        headers = {"content-type": "application/json", **_credentials(chosen, api_key, authorization)}
        path = f"/apis/{chosen.id}/event"
        response = remote.request("POST", endpoint, path, body=orjson.dumps(body), headers=headers, timeout=60.0)
    except remote.Unreachable as error:
        return remote.explain(error)
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return remote.explain_stranger(endpoint)
    if output is options.Output.JSON:
        answers.print(response.text, markup=False)
    if response.status_code >= 400:
        return _show_errors(answer.get("errors") or [])
    failed = answer["failed"]
    if output is options.Output.TEXT:
        answers.print(f"{len(answer['successful'])} published, {len(failed)} failed", markup=False)
    for each in failed:
        remarks.print(f"[bold red]error:[/] event {each['index']}: {escape(str(each.get('message')))}")
    return exits.FUNCTION_ERROR if failed else exits.OK


def subscribe(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as /default/room, or /default/*.")],
    count: Annotated[int | None, typer.Option(min=1, help="End after this many events.")] = None,
    api: Api = None,
    api_key: Key = None,
    authorization: Authorization = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
) -> int:
    """Print the events of a channel, one JSON text a line, until Ctrl-C."""
    from callpark.cli.channel_client import Refused, events_of

    try:
        chosen = _chosen(endpoint, api)
        if isinstance(chosen, int):
            return chosen
        credentials = _credentials(chosen, api_key, authorization)
        return asyncio.run(_print_events(events_of(endpoint, chosen.id, credentials, channel), channel, count))
    except remote.Unreachable as error:
        return remote.explain(error)
    except Refused as refused:
        return _show_errors(refused.errors)


async def _print_events(events: AsyncGenerator[str, None], channel: str, count: int | None) -> int:
    printed = 0
    async with contextlib.aclosing(events):
        async for event in events:
            if event == "":
                remarks.print(f"listening to {escape(channel)}", style="dim")
                continue
            answers.print(event, markup=False, soft_wrap=True)
            printed += 1
            if printed == count:
                break
    return exits.OK


def _chosen(endpoint: str, named: str | None) -> EventApiHealth | int:
    """The API, or an exit code. Raises Unreachable, and ProjectError when it is not clear which."""
    health = remote.request("GET", endpoint, "/_callpark/health")
    try:
        apis = msgspec.json.decode(health.content, type=Health).event_apis
    except msgspec.MsgspecError:
        return remote.explain_stranger(endpoint)
    names = ", ".join(each.name for each in apis) or "none"
    if named is None:
        if len(apis) == 1:
            return apis[0]
        raise ProjectError(f"which Event API? The server has: {names}", "name one with --api NAME")
    found = [each for each in apis if named in (each.name, each.id)]
    if len(found) != 1:
        raise ProjectError(f"{len(found) or 'no'} Event API has the name or id {named}", f"the server has: {names}")
    return found[0]


def _credentials(api: EventApiHealth, api_key: str | None, authorization: str | None) -> dict[str, str]:
    if authorization is not None:
        return {"authorization": authorization}
    key = api_key or api.api_key
    return {} if key is None else {"x-api-key": key}


def _json(event: str) -> str:
    try:
        orjson.loads(event)
    except orjson.JSONDecodeError:
        return orjson.dumps(event).decode()
    return event


def _show_errors(errors: Sequence[dict[str, object]]) -> int:
    for error in errors:
        remarks.print(f"[bold red]error:[/] {escape(str(error.get('message')))}")
        remarks.print(f"       AppSync calls this {escape(str(error.get('errorType')))}")
    return exits.USAGE

"""`callpark status`: what a running server serves, for people, shells and scripts."""

import shlex
from typing import Annotated

import msgspec
import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, options, remote
from callpark.cli.screen import answers
from callpark.health import Health


def status(
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: Annotated[
        options.StatusOutput,
        typer.Option("-o", "--output", help="text, env (lines for `eval`), or json."),
    ] = options.StatusOutput.TEXT,
) -> int:
    """Show the endpoints, keys and functions of a running server."""
    try:
        response = remote.request("GET", endpoint, "/_callpark/health")
    except remote.Unreachable as error:
        return remote.explain(error)
    try:
        health = msgspec.json.decode(response.content, type=Health)
    except msgspec.MsgspecError:
        return remote.explain_stranger(endpoint)
    match output:
        case options.StatusOutput.JSON:
            answers.print_json(orjson.dumps(msgspec.to_builtins(health)).decode())
        case options.StatusOutput.ENV:
            for line in export_lines(endpoint, health):
                answers.print(line, markup=False)
        case options.StatusOutput.TEXT:
            show(endpoint, health)
    return exits.OK


def show(endpoint: str, health: Health) -> None:
    """Every endpoint, key and export line."""
    answers.print(f"[bold green]ready[/] {escape(endpoint)}")
    show_resources(health)
    answers.print()
    for line in export_lines(endpoint, health):
        answers.print(line, markup=False)


def show_resources(health: Health) -> None:
    """A line for each thing that is served."""
    for name in health.functions:
        answers.print(f"  function  [bold]{escape(name)}[/]")
        for target, url in health.function_urls.items():
            if target.partition(":")[0] == name:
                answers.print(f"            url       {url}  {escape(target.partition(':')[2])}".rstrip())
    for api in health.apis:
        answers.print(f"  graphql   [bold]{escape(api.name)}[/]  {api.graphql_url}")
        answers.print(f"            realtime  {api.realtime_url}")
        if api.api_key:
            answers.print(f"            x-api-key {api.api_key}")
    for events in health.event_apis:
        answers.print(f"  events    [bold]{escape(events.name)}[/]  {events.event_url}")
        answers.print(f"            realtime  {events.realtime_url}")
        answers.print(f"            channels  {escape('  '.join(f'/{name}/…' for name in events.namespaces))}")
        if events.api_key:
            answers.print(f"            x-api-key {events.api_key}")
    for flow in health.flows:
        numbers = "  ".join(flow.numbers)
        answers.print(f"  flow      [bold]{escape(flow.name)}[/]  {numbers}".rstrip())
    for queue in health.queues:
        answers.print(f"  queue     [bold]{escape(queue)}[/]")
    for upstream in health.upstreams:
        name = "all others" if upstream.service == "all" else upstream.service
        answers.print(f"  upstream  [bold]{escape(name)}[/]  {escape(upstream.server)}")


def export_lines(endpoint: str, health: Health) -> list[str]:
    """Lines that point a shell's unmodified AWS clients, and our own commands, at the server."""
    values = {
        "CALLPARK_ENDPOINT": endpoint,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": health.region,
        "AWS_DEFAULT_REGION": health.region,
        "AWS_ACCESS_KEY_ID": "callpark",
        "AWS_SECRET_ACCESS_KEY": "callpark",
    }
    if len(health.apis) == 1:
        (api,) = health.apis
        values["GRAPHQL_URL"] = api.graphql_url
        if api.api_key:
            values["GRAPHQL_API_KEY"] = api.api_key
    if len(health.event_apis) == 1:
        (event_api,) = health.event_apis
        values["EVENTS_URL"] = event_api.event_url
        if event_api.api_key:
            values["EVENTS_API_KEY"] = event_api.api_key
    if health.certificate and len(health.apis) + len(health.event_apis):
        values["NODE_EXTRA_CA_CERTS"] = health.certificate
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]

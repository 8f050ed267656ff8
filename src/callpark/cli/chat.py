"""`callpark chat`: a chat with a flow in the terminal."""

from pathlib import Path
from typing import Annotated

import typer

from callpark.cli import options
from callpark.cli.loop import run
from callpark.kernel.errors import ProjectError


def chat(
    target: Annotated[str, typer.Argument(metavar="FLOW", help="A flow of the project, or a flow file.")],
    project: Annotated[
        Path | None, typer.Option("--project", help="The project that the flow belongs to. Default: this folder.")
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH:HANDLER",
            help="A function for a flow file, matched by the name in the flow's ARN; repeatable.",
        ),
    ] = None,
    say: Annotated[
        list[str] | None, typer.Option(help="What the customer says, each when the flow has fallen silent; repeatable.")
    ] = None,
    pause: Annotated[float, typer.Option(min=0, help="Seconds of silence before the next --say.")] = 1.0,
    stay: Annotated[float, typer.Option(min=0, help="Seconds of silence after the last --say, then leave.")] = 60.0,
    name: Annotated[str, typer.Option(help="The customer's name.")] = "Customer",
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A contact attribute; repeatable.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Chat with a running server (`callpark start` or `dev`).")
    ] = None,
    limit: options.LimitAssignments = None,
    parameter: options.Parameters = None,
    upstream: options.UpstreamAssignments = None,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Chat with a flow. Without --say the keyboard writes; an empty input ends the chat."""
    from callpark.cli.calling import source_of
    from callpark.cli.chatting import Customer, chat_here, chat_there

    customer = Customer(name, _attributes(attribute or []), None if say is None else tuple(say), pause, stay)
    if endpoint is not None:
        if Path(target).is_file() or project or function or limit or parameter or upstream:
            raise ProjectError(
                "a running server has its own project, functions, parameters and limits",
                "with --endpoint name one of its flows, nothing else",
            )
        return run(chat_there(endpoint, target, customer, output))
    limits, parameters = options.limits(limit), options.parameters(parameter)
    source, flow = source_of(target, project or Path(), function or [], limits)
    return run(chat_here(source, flow, customer, limits, parameters, output, options.upstreams(upstream)))


def _attributes(assignments: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise ProjectError(f"{assignment!r} is no attribute", "write --attribute NAME=VALUE")
        found[name] = value
    return found

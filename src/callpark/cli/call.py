"""`callpark call`: call a number of a project, or a flow, and hear it answer."""

from pathlib import Path
from typing import Annotated

import typer

from callpark.cli import options
from callpark.cli.loop import run
from callpark.kernel.errors import ProjectError


def call(
    target: Annotated[
        str, typer.Argument(metavar="NUMBER|FLOW", help="A number or flow of the project, or a flow file.")
    ],
    project: Annotated[
        Path | None, typer.Option("--project", help="The project that the number belongs to. Default: this folder.")
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH:HANDLER",
            help="A function for a flow file, matched by the name in the flow's ARN; repeatable.",
        ),
    ] = None,
    keys: Annotated[
        str | None, typer.Option(help="Keys the caller presses, e.g. '12#'; a comma waits for the next question.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Call a running server (`callpark start` or `dev`) instead of one of its own.")
    ] = None,
    caller: Annotated[str, typer.Option(help="The caller's number.")] = "+441632960001",
    coverage: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add the branches that the call takes to this file.")
    ] = None,
    strict: options.Strict = False,
    limit: options.LimitAssignments = None,
    parameter: options.Parameters = None,
    upstream: options.UpstreamAssignments = None,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Make a call. Without --keys the keyboard is the keypad."""
    if endpoint is not None:
        if Path(target).is_file() or project or function or limit or parameter or upstream or coverage or strict:
            raise ProjectError(
                "a running server has its own project, functions, parameters, limits and record",
                "with --endpoint name one of its numbers or flows, nothing else",
            )
        from callpark.cli.calling import Asked, call_there

        return run(call_there(endpoint, Asked(target, keys, caller, output)))
    from callpark.cli.calling import Asked, call_here, source_of
    from callpark.cli.session import temporary

    limits, parameters = options.limits(limit), options.parameters(parameter)
    source, number = source_of(target, project or Path(), function or [], limits)
    serving = temporary(limits, parameters, strict=strict, upstreams=options.upstreams(upstream))
    return run(call_here(source, Asked(number, keys, caller, output), serving, coverage))

"""`callpark call`: call a number of a project, or a flow, and hear it answer."""

from pathlib import Path
from typing import Annotated

import typer

from callpark.cli import options
from callpark.cli.loop import run


def call(
    target: Annotated[
        str, typer.Argument(metavar="NUMBER|FLOW", help="A number or flow of the project, or a flow file.")
    ],
    project: Annotated[Path, typer.Option("--project", help="The project that the number belongs to.")] = Path(),
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
    caller: Annotated[str, typer.Option(help="The caller's number.")] = "+441632960001",
    limit: options.LimitAssignments = None,
    parameter: options.Parameters = None,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Make a call. Without --keys the keyboard is the keypad."""
    from callpark.cli.calling import call_once, source_of

    limits, parameters = options.limits(limit), options.parameters(parameter)
    source, number = source_of(target, project, function or [], limits)
    return run(call_once(source, number, keys, caller, limits, parameters, output))

"""`callpark agent`: play an agent of a running server in the terminal."""

from typing import Annotated

import typer

from callpark.cli import options
from callpark.cli.loop import run


def agent(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An agent: a user's name, id or ARN.")],
    status: Annotated[str, typer.Option(help="The status to begin with.")] = "Available",
    auto_accept: Annotated[bool, typer.Option("--auto-accept", help="Accept whatever rings.")] = False,
    do: Annotated[
        list[str] | None,
        typer.Option(help="A command, as it would be typed; repeatable. Then standard input is not read."),
    ] = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds that `wait` waits at most.")] = 60.0,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Play an agent. Commands are typed, or read from a script: accept, reject, say TEXT, hold, resume, transfer TO,
    hangup, clear, status NAME (or available, away, offline), contacts, use NUMBER|ID, wait NOTE, quit."""
    from callpark.cli.agent_panel import Played, play

    return run(play(endpoint, Played(name, status, auto_accept, None if do is None else tuple(do), patience, output)))

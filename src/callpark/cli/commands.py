"""All commands in one place, and what becomes of their errors."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

import typer

from callpark.cli import call, demo, dev, exits, invoke, limits, start, status
from callpark.cli.screen import RemarksHandler, show_error
from callpark.kernel.errors import ProjectError

P = ParamSpec("P")

cli = typer.Typer(
    name="callpark",
    help="Asynchronous AWS Lambda the way Amazon Connect flows and AWS AppSync use it, on your machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _command(function: Callable[P, int]) -> None:
    """Register a command: what it returns is the exit code, a ProjectError is shown and is the user's."""

    @functools.wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            code = function(*arguments, **options)
        except ProjectError as error:
            show_error(error)
            code = exits.USAGE
        except KeyboardInterrupt:
            code = exits.INTERRUPTED
        raise typer.Exit(code)

    cli.command()(run)


for function in (start.start, dev.dev, call.call, invoke.invoke, status.status, limits.limits, demo.demo):
    _command(function)


def main() -> None:
    """The `callpark` script."""
    logging.basicConfig(handlers=[RemarksHandler()], level=logging.WARNING, format="%(message)s")
    cli()

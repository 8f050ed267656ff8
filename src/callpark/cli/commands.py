"""All commands in one place, and what becomes of their errors."""

import sys

import click
import typer

from callpark.cli import call, demo, dev, exits, invoke, limits, start, status
from callpark.cli.screen import show_error
from callpark.kernel.errors import ProjectError

cli = typer.Typer(
    name="callpark",
    help="Asynchronous AWS Lambda the way Amazon Connect flows and AWS AppSync use it, on your machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command()(start.start)
cli.command()(dev.dev)
cli.command()(call.call)
cli.command()(invoke.invoke)
cli.command()(status.status)
cli.command()(limits.limits)
cli.command()(demo.demo)


def main() -> None:
    try:
        code = cli(standalone_mode=False)
    except ProjectError as error:
        show_error(error)
        code = exits.USAGE
    except click.ClickException as error:
        error.show()
        code = exits.USAGE
    except (click.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code if isinstance(code, int) else exits.OK)

"""What people see: one console for answers, one for everything said about them.

Answers go to standard output, so that a script can read them; progress, warnings and errors go to standard error.
Colours only on a terminal, never with NO_COLOR.
"""

from rich.console import Console
from rich.markup import escape

from callpark.kernel.errors import ProjectError

answers = Console(highlight=False, soft_wrap=True)
remarks = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: ProjectError) -> None:
    """First line the cause, second the remedy."""
    remarks.print(f"[bold red]error:[/] {escape(error.cause)}")
    remarks.print(f"       {escape(error.remedy)}")


def show_warnings(warnings: list[str]) -> None:
    for warning in warnings:
        remarks.print(f"[yellow]warning:[/] {escape(warning)}")

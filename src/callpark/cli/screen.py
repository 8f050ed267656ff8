"""What people see: one console for answers, one for everything said about them.

Answers go to standard output, so that a script can read them; progress, warnings and errors go to standard error.
Colours only on a terminal, never with NO_COLOR.
"""

import logging
import traceback
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from callpark.kernel.errors import ProjectError

answers = Console(highlight=False, soft_wrap=True)
remarks = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: ProjectError) -> None:
    """First line the cause, second the remedy."""
    remarks.print(f"[bold red]error:[/] {escape(error.cause)}")
    remarks.print(f"       {escape(error.remedy)}")


def show_warnings(warnings: Iterable[str]) -> None:
    for warning in warnings:
        remarks.print(f"[yellow]warning:[/] {escape(warning)}")


class RemarksHandler(logging.Handler):
    """Log records as remarks. An error is a bug of ours and is shown whole."""

    def emit(self, record: logging.LogRecord) -> None:
        message = escape(record.getMessage())
        if record.levelno < logging.ERROR:
            remarks.print(f"[yellow]warning:[/] {message}")
            return
        remarks.print(f"[bold red]bug in callpark:[/] {message}")
        if record.exc_info is not None and record.exc_info[1] is not None:
            remarks.print("".join(traceback.format_exception(record.exc_info[1])), markup=False)

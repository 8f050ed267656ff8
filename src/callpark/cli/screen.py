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
    """A line each; the same sentence about several functions is one line that names them."""
    for warning in grouped(warnings):
        remarks.print(f"[yellow]warning:[/] {escape(warning)}")


def grouped(warnings: Iterable[str]) -> list[str]:
    """`function A: x`, `function B: x` become `functions A, B: x`; everything else stays, in order."""
    subjects: dict[tuple[str, str], list[str]] = {}
    for warning in warnings:
        subject, colon, sentence = warning.partition(": ")
        kind, space, name = subject.rpartition(" ")
        if colon and space and kind in ("function", "flow"):
            subjects.setdefault((kind, sentence), []).append(name)
        else:
            subjects.setdefault(("", warning), [])
    return [
        f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names)}: {sentence}" if kind else sentence
        for (kind, sentence), names in subjects.items()
    ]


_CODES = {"dim": "2", "cyan": "36", "red": "31"}


def paint(text: str, style: str) -> str:
    """A few styles for lines that come by the thousand; plain where there are no colours."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if remarks.color_system else text


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

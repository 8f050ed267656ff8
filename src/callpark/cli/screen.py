"""What people see: one console for answers, one for everything said about them.

Answers go to standard output, so that a script can read them; progress, warnings and errors go to standard error.
Colours only on a terminal, never with NO_COLOR.
"""

import logging
import re
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


_MOST_NAMES = 8
_SUBJECT = re.compile(
    r"((?:Event )?API [^:]+: )?(function|flow|resolver|namespace) ([^:]+): (?:(\d+:\d+): )?(.*)", re.DOTALL
)
"""Whose (`API Shop: `), what, its name, the place in its code, the sentence."""


def grouped(warnings: Iterable[str]) -> list[str]:
    """`function A: x`, `function B: x` become `functions A, B: x`, so do resolvers of one API; everything else stays,
    in order."""
    subjects: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for warning in warnings:
        match = _SUBJECT.fullmatch(warning)
        if match is None:
            subjects.setdefault((warning, "", ""), [])
            continue
        owner, kind, name, place, sentence = match.groups(default="")
        names = subjects.setdefault((owner, kind, sentence), [])
        if (name, place) not in names:
            names.append((name, place))
    return [f"{owner}{_about(kind, names)}{sentence}" for (owner, kind, sentence), names in subjects.items()]


def _about(kind: str, names: list[tuple[str, str]]) -> str:
    """`resolvers A, B: 3:5: `, `resolvers A (3:5), B (4:1): `, or nothing."""
    if not kind:
        return ""
    places = {place for _, place in names}
    if len(places) == 1:
        (place,) = places
        shown, tail = [name for name, _ in names], f"{place}: " if place else ""
    else:
        shown, tail = [f"{name} ({place})" for name, place in names], ""
    return f"{kind}{'s' if len(names) > 1 else ''} {_listed(shown)}: {tail}"


def _listed(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:_MOST_NAMES])} and {rest} more"


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

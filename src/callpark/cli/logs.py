"""The live log of `callpark dev` and `callpark start`: what functions print and what becomes of events and contacts.

One line per happening that people want to see; which ones and how is one match statement.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.markup import escape

from callpark.cli.screen import remarks
from callpark.flows import happenings as flow
from callpark.functions.environments.happenings import FunctionLog
from callpark.functions.events import happenings as event
from callpark.kernel.trace import Entry, Happening, Trace


@contextlib.contextmanager
def follow(trace: Trace) -> Iterator[None]:
    """Print the trace while the context is open."""
    stop = trace.listen(_print)
    try:
        yield
    finally:
        stop()


def _print(entry: Entry) -> None:
    line = describe(entry.happening)
    if line is not None:
        at = datetime.fromtimestamp(entry.at, UTC).strftime("%H:%M:%S.%f")[:-3]
        remarks.print(f"[dim]{at}[/] {line}")


def describe(happening: Happening) -> str | None:
    """A line of markup, or None for what is not worth one."""
    match happening:
        case FunctionLog(function=function, text=text):
            return f"[cyan]{escape(function)}[/] {escape(text.rstrip())}"
        case event.EventRetryScheduled(function=function, attempt=attempt, subject=request_id, at=at):
            when = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
            return f"[yellow]{escape(function)}[/] attempt {attempt} failed, next at {when} UTC  [dim]{request_id}[/]"
        case event.EventThrottled(function=function, reason=reason, subject=request_id):
            return f"[yellow]{escape(function)}[/] waits: {escape(reason)}  [dim]{request_id}[/]"
        case event.EventDiscarded(function=function, condition=condition, attempts=attempts, subject=request_id):
            return f"[red]{escape(function)}[/] gave up after {attempts} runs: {condition}  [dim]{request_id}[/]"
        case event.DestinationDelivered(kind=kind, function=function, target=target):
            return f"[green]{escape(function)}[/] {kind} → {escape(target)}"
        case event.DestinationFailed(kind=kind, function=function, target=target, reason=reason):
            return f"[red]{escape(function)}[/] {kind} → {escape(target)} failed: {escape(reason)}"
        case event.DeadLetterFailed(function=function, target=target, reason=reason):
            return f"[red]{escape(function)}[/] dead-letter queue {escape(target)}: {escape(reason)}"
        case flow.ContactStarted(flow=name, caller=caller):
            return f"[magenta]call[/] from {escape(caller or 'nobody')} to {escape(name)}"
        case flow.Spoken(text=text):
            return f"[magenta]call[/] “{escape(text)}”"
        case flow.KeyTaken(key=key):
            return f"[magenta]call[/] key {escape(key)}"
        case flow.FunctionStarted(function=function, asynchronous=asynchronous):
            return f"[magenta]call[/] starts {escape(function)}{' and goes on' if asynchronous else ''}"
        case flow.FunctionEnded(function=function, outcome=outcome):
            return f"[magenta]call[/] {escape(function)} {outcome}"
        case flow.FunctionRefused(function=function, reason=reason):
            return f"[red]call[/] {escape(function)} refused: {escape(reason)}"
        case flow.ActionFailed(action=action, error=error, reason=reason):
            return f"[yellow]call[/] {escape(action)} took its {error} branch: {escape(reason)}"
        case flow.ContactEnded(reason=reason, detail=detail):
            return f"[magenta]call[/] ended: {escape(reason)} {escape(detail)}".rstrip()
        case _:
            return None

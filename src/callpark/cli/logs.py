"""The live log of `callpark dev`: what functions and resolvers print, what becomes of events and contacts.

One line per happening that people want to see; which ones and how is one match statement. What functions print takes a
shorter way than the rest, so that one that floods its log does not slow the server down.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.markup import escape

from callpark.cli.screen import paint, remarks
from callpark.flows import happenings as flow
from callpark.functions.environments.happenings import AttemptEnded, FunctionLog
from callpark.functions.events import happenings as event
from callpark.functions.fault_injection import FaultInjected
from callpark.graphql.happenings import OperationExecuted, ResolverLogged
from callpark.kernel.trace import Entry, Happening, Trace

#: Lines of one run that are shown; `LogType=Tail` and the trace have more.
SHOWN_LINES = 500

#: The platform's own lines. AttemptEnded says the same in a form for people.
_PLATFORM = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", '{"time":"')


@contextlib.contextmanager
def follow(trace: Trace) -> Iterator[None]:
    """Print the trace while the context is open."""
    stop = trace.listen(LiveLog().show)
    try:
        yield
    finally:
        stop()


class LiveLog:
    """Counts each run's lines, so that the rest can be left out."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}

    def show(self, entry: Entry) -> None:
        happening = entry.happening
        if isinstance(happening, FunctionLog):
            self._function_log(entry.at, happening)
            return
        if isinstance(happening, ResolverLogged):
            _resolver_log(entry.at, happening)
            return
        if isinstance(happening, AttemptEnded):
            left_out = self._lines.pop(happening.request_id, 0) - SHOWN_LINES
            if left_out > 0:
                remarks.print(f"{_instant(entry.at)} {left_out:,} more lines of {happening.function} are not shown")
        line = describe(happening)
        if line is not None:
            remarks.print(f"[dim]{_instant(entry.at)}[/] {line}")

    def _function_log(self, at: float, log: FunctionLog) -> None:
        if log.text.startswith(_PLATFORM) and is_platform_line(log):
            return
        shown = self._lines[log.request_id] = self._lines.get(log.request_id, 0) + 1
        if shown > SHOWN_LINES:
            return
        first, *more = log.text.rstrip().splitlines() or [""]
        lead = f"{paint(_instant(at), 'dim')} {paint(log.function, 'cyan')} "
        remarks.file.write(lead + "\n    ".join([f"{first}  {paint(log.request_id[:8], 'dim')}", *more]) + "\n")


def _resolver_log(at: float, logged: ResolverLogged) -> None:
    field, run = f"{logged.type_name}.{logged.field_name}", paint(logged.request_id[:8], "dim")
    lines = [*logged.lines[:SHOWN_LINES]]
    if len(logged.lines) > SHOWN_LINES:
        lines.append(f"{len(logged.lines) - SHOWN_LINES:,} more lines are not shown")
    for line in lines:
        remarks.file.write(f"{paint(_instant(at), 'dim')} {paint(field, 'cyan')} {line}  {run}\n")


def is_platform_line(log: FunctionLog) -> bool:
    """Whether Lambda says this and not the function. A function may print the same words, with another id."""
    text = log.text
    if text.startswith("INIT_START Runtime Version: "):
        return True
    if text.startswith('{"time":"'):
        return '"type":"platform.' in text[:80]
    return text.partition("RequestId: ")[2].startswith(log.request_id)


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def describe(happening: Happening) -> str | None:
    """A line of markup, or None for what is not worth one."""
    match happening:
        case AttemptEnded():
            return _run_line(happening)
        case event.EventRetryScheduled(function=function, attempt=attempt, subject=request_id, at=at):
            when = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
            return f"[yellow]{escape(function)}[/] attempt {attempt} failed, next at {when} UTC  [dim]{request_id}[/]"
        case FaultInjected(function=function, kind=kind, subject=request_id):
            return f"[yellow]{escape(function)}[/] fault on purpose: {kind}  [dim]{request_id}[/]"
        case event.EventThrottled(function=function, reason=reason, subject=request_id):
            return f"[yellow]{escape(function)}[/] waits: {escape(reason)}  [dim]{request_id}[/]"
        case event.EventDiscarded(function=function, condition=condition, attempts=attempts, subject=request_id):
            return f"[red]{escape(function)}[/] gave up after {attempts} runs: {condition}  [dim]{request_id}[/]"
        case event.DestinationDelivered(kind=kind, function=function, target=target):
            return f"[green]{escape(function)}[/] {kind} → {escape(target)}"
        case event.DestinationFailed(kind=kind, function=function, target=target, reason=reason):
            return f"[red]{escape(function)}[/] {kind} → {escape(target)} failed: {escape(reason)}"
        case event.DeadLetterSent(function=function, target=target):
            return f"[yellow]{escape(function)}[/] event is in its dead-letter queue {escape(target)}"
        case event.DeadLetterFailed(function=function, target=target, reason=reason):
            return f"[red]{escape(function)}[/] dead-letter queue {escape(target)}: {escape(reason)}"
        case OperationExecuted(operation=operation, operation_name=name, errors=errors, subject=request_id) if errors:
            what = f"{operation} {name}" if name else operation
            return f"[yellow]{escape(what)}[/] has {errors} error{'s' if errors > 1 else ''}  [dim]{request_id[:8]}[/]"
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


def _run_line(run: AttemptEnded) -> str:
    init = "" if run.init_seconds is None else f", init {run.init_seconds * 1000:.0f} ms"
    figures = f"{run.duration_seconds * 1000:.0f} ms{init}, {run.peak_megabytes} MB  {run.request_id[:8]}"
    if run.status == "success":
        return f"[cyan]{escape(run.function)}[/] [dim]returned in {figures}[/]"
    what = "timed out" if run.status == "timeout" else f"failed: {run.error_type or 'an error'}"
    return f"[cyan]{escape(run.function)}[/] [red]{escape(what)}[/] [dim]in {figures}[/]"

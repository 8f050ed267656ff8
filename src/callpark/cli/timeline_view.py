"""A call's timeline as text: who heard what when, with the functions' bars and the silence between."""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from callpark.flows.timeline import FunctionRow, Timeline

#: At least so many columns are left to the texts.
TEXT_WIDTH = 46
BAR_WIDTHS = range(16, 41)

#: A shorter gap is the time between two prompts, not silence that a caller notices.
NOTICEABLE_SECONDS = 0.1

_OUTCOME_STYLES = {"succeeded": "green", "failed": "red", "timed_out": "red"}


def draw(call: Timeline, title: str, width: int = 80) -> Table:
    """Rows for prompts, inputs, silences and functions in order, bars on the call's time axis; `width` columns."""
    bar_width = min(max(width - TEXT_WIDTH - 10, BAR_WIDTHS[0]), BAR_WIDTHS[-1])
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1))
    table.add_column("s", justify="right", style="dim")
    table.add_column("", width=bar_width, no_wrap=True)
    table.add_column("", overflow="fold")
    for start, end, style, text in sorted(_rows(call), key=lambda row: row[0]):
        table.add_row(f"{start - call.start:.1f}", _bar(call, start, end, bar_width, style), text)
    table.add_row(f"{call.seconds:.1f}", "", f"[dim]ended: {escape(call.reason)} {escape(call.detail)}[/]".rstrip())
    return table


def _rows(call: Timeline) -> Iterator[tuple[float, float, str, str]]:
    for prompt in call.prompts:
        if prompt.words:
            cut = " [dim](cut off)[/]" if prompt.interrupted else ""
            yield prompt.start, prompt.end, "blue", f"“{escape(prompt.text)}”{cut}"
    for prompt in call.agent_prompts:
        yield prompt.start, prompt.end, "dim", f"[dim]the agent hears “{escape(prompt.text)}”[/]"
    for asked in call.inputs:
        yield asked.start, asked.end, "cyan", f"keys: [bold]{escape(asked.digits) or 'none'}[/]"
    for gap in call.silences:
        if gap.end - gap.start < NOTICEABLE_SECONDS:
            continue
        yield gap.start, gap.end, "yellow", f"[yellow]silence, {gap.end - gap.start:.1f} s[/]"
    for talk in call.conversations:
        yield talk.start, talk.end, "green", f"talking with {escape(talk.who)}"
    for function in call.functions:
        end = call.end if function.end is None else function.end
        yield function.start, end, _style(function), _function_text(function)


def _style(function: FunctionRow) -> str:
    return _OUTCOME_STYLES.get(function.outcome, "magenta")


def _function_text(function: FunctionRow) -> str:
    seconds = "" if function.end is None else f", {function.end - function.start:.1f} s"
    way = "in parallel" if function.asynchronous else "the caller waits"
    outcome = function.outcome.replace("_", " ") or "runs on"
    told = "" if outcome == "succeeded" else f": {outcome}"
    return f"[{_style(function)}]{escape(function.name)}[/]{seconds}, {way}{told}"


def _bar(call: Timeline, start: float, end: float, width: int, style: str) -> Text:
    scale = width / max(call.seconds, 0.001)
    first = min(width - 1, int((start - call.start) * scale))
    length = min(max(1, round((end - start) * scale)), width - first)
    return Text(" " * first) + Text("█" * length, style=style)

"""What `callpark demo` shows. Called by `demo.py`, which keeps these imports out of every other command."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

import callpark
from callpark.cli import exits, session
from callpark.cli.calling import CLEAN_ENDS
from callpark.cli.loop import run
from callpark.cli.screen import answers, remarks
from callpark.cli.story_client import Listener, tell_story
from callpark.cli.terminal_phone import Display, DisplayedPhone
from callpark.cli.timeline_view import draw
from callpark.flows.channels.phone import ScriptedPhone
from callpark.flows.timeline import Timeline, timeline
from callpark.kernel.errors import ProjectError
from callpark.serving import served

NUMBER = "+441632960000"
KEYS = "4242#"


def demonstrate() -> int:
    """Both stories, then both payment calls at once; the exit code."""
    examples = _examples()
    started = time.perf_counter()
    try:
        good = run(_demo(examples))
    except (OSError, TimeoutError) as error:
        remarks.print(f"[bold red]error:[/] the demo broke off: {escape(str(error) or type(error).__name__)}")
        remarks.print("       run `callpark dev` on the example to see its log")
        return exits.FUNCTION_ERROR
    answers.print(f"\n[dim]{time.perf_counter() - started:.0f} s in all; nothing is left running[/]")
    return exits.OK if good else exits.FUNCTION_ERROR


def _examples() -> Path:
    """The examples beside the sources, or those that the package carries."""
    package = Path(callpark.__file__).parent
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (folder / "payment-line").is_dir():
            return folder
    raise ProjectError("the examples are not installed", "run the demo from a checkout: make demo")


@dataclass(frozen=True, slots=True)
class _Told:
    """How a story was told. `parts` are the resources that its template deploys."""

    parts: int
    answered_milliseconds: float
    first_token_milliseconds: float
    good: bool


async def _demo(examples: Path) -> bool:
    told = await _stories(examples / "story-stream")
    paid = await _payment(examples / "payment-line")
    return told and paid


async def _stories(project: Path) -> bool:
    answers.rule("[bold]AppSync: a mutation that answers at once", align="left")
    answers.print("[yellow]before[/]: a function writes to a queue, the queue feeds a function\n")
    before = await _story(project / "before")
    answers.print("\n[green]after[/]: the resolver hands the work over, [bold]invocationType: 'Event'[/]\n")
    after = await _story(project)
    answers.print()
    for label, told in (("[yellow]before[/]", before), ("[green]after [/]", after)):
        answers.print(
            f"{label} [bold]{told.parts}[/] resources, answered in [bold]{told.answered_milliseconds:.0f} ms[/], "
            f"first token after [bold]{told.first_token_milliseconds:.0f} ms[/] (everything cold)"
        )
    return before.good and after.good


async def _story(project: Path) -> _Told:
    async with session.temporary() as settings, served(settings, project) as app:
        (api,) = app.health().apis
        listener = await Listener.open(api)
        asked = time.perf_counter()
        text, milliseconds = await tell_story(api, "a lighthouse")
        answers.print(f"the model behind it: [bold]{escape(app.models.summaries()[0].description)}[/]")
        answers.print(f"mutation tellStory answered in [bold]{milliseconds:.0f} ms[/]: {escape(text)}")
        first: float | None = None
        count = 0
        async for token in listener.tokens():
            count += 1
            if first is None:
                first = (time.perf_counter() - asked) * 1_000
                answers.print(f"first token after [bold]{first:.0f} ms[/], over the WebSocket as they arrive:\n")
            answers.print(token.text, end="", markup=False, style="green")
        answers.print(f"\n\n{count} tokens in {time.perf_counter() - asked:.1f} s")
        await listener.close()
        parts = len(app.deployment.project.resource_types) if app.deployment.project is not None else 0
    return _Told(parts, milliseconds, first or 0.0, text == '{"data":{"tellStory":"OK"}}' and count > 1)


async def _payment(project: Path) -> bool:
    answers.print()
    answers.rule("[bold]Connect: a caller who is not left in silence", align="left")
    answers.print(f"two calls to {NUMBER} at the same time, both press {KEYS}\n")
    before, after = await asyncio.gather(
        _call(project / "before", "[yellow]before[/]"), _call(project, "[green]after [/]")
    )
    answers.print()
    answers.print(draw(before, "before: blocking functions, polling", answers.width))
    answers.print()
    answers.print(draw(after, "after: functions in parallel while the caller is spoken to", answers.width))
    answers.print()
    answers.print(f"silence: before [bold]{before.seconds_of_silence:.1f} s[/] of {before.seconds:.1f} s", end="")
    answers.print(f", after [bold]{after.seconds_of_silence:.1f} s[/] of {after.seconds:.1f} s")
    return before.reason in CLEAN_ENDS and after.reason in CLEAN_ENDS


async def _call(project: Path, label: str) -> Timeline:
    async with session.temporary() as settings, served(settings, project) as app:
        phone = DisplayedPhone(ScriptedPhone(app.clock, KEYS), Display(app.clock, label), app.clock)
        call = app.flows.start_call(NUMBER, phone)
        await call.ended
        return timeline(app.trace.entries(call.contact_id))

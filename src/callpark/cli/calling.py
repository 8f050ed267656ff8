"""A call to a number or a flow, from start to end, as `callpark call` makes it."""

import asyncio
from pathlib import Path

import msgspec
import orjson

from callpark.app import App, Source, served
from callpark.cli import exits, options, session
from callpark.cli.screen import answers, remarks, show_warnings
from callpark.cli.terminal_phone import Display, DisplayedPhone, KeyboardPhone, keyboard
from callpark.cli.timeline_view import draw
from callpark.flows.channels.phone import ScriptedPhone
from callpark.flows.channels.voice import Phone
from callpark.flows.timeline import Timeline, timeline
from callpark.kernel.arn import Place
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.flow_file import load_flow_file


def source_of(target: str, project: Path, functions: list[str], limits: Limits) -> tuple[Source | Path, str]:
    """What to serve and whom to call in it."""
    path = Path(target)
    if path.is_file():
        base_url = options.DEFAULT_ENDPOINT
        return lambda: load_flow_file(path, functions=functions, place=Place(), base_url=base_url, limits=limits), (
            path.stem
        )
    if path.suffix == ".json":
        raise ProjectError(f"there is no flow file at {target}", "name a contact flow's JSON file, or a number")
    if functions:
        raise ProjectError("--function goes with a flow file only", "functions of a project are in its template")
    if not project.exists():
        raise ProjectError(f"there is no project at {project}", "name its folder with --project")
    return project, target


async def call_once(
    source: Source | Path,
    number: str,
    keys: str | None,
    caller: str,
    limits: Limits,
    parameters: dict[str, str],
    output: options.Output,
) -> int:
    async with session.temporary(limits, parameters) as settings, served(settings, source) as app:
        show_warnings(app.warnings)
        if keys is None:
            by_hand = KeyboardPhone()
            with keyboard(by_hand):
                made = await make(app, number, by_hand, caller, output)
        else:
            made = await make(app, number, ScriptedPhone(app.clock, keys), caller, output)
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(as_json(made)).decode())
    else:
        answers.print()
        answers.print(draw(made, f"{number}: {made.seconds_of_silence:.1f} s of silence in {made.seconds:.1f} s"))
    return exits.OK if made.reason in CLEAN_ENDS else exits.FUNCTION_ERROR


CLEAN_ENDS = frozenset({"CONTACT_FLOW_DISCONNECT", "CUSTOMER_DISCONNECT"})


async def make(app: App, number: str, phone: Phone, caller: str, output: options.Output) -> Timeline:
    """One call from start to end."""
    if output is options.Output.TEXT:
        phone = DisplayedPhone(phone, Display(app.clock), app.clock)
    call = app.flows.start_call(number, phone, caller)
    try:
        await call.ended
    except asyncio.CancelledError:
        remarks.print("hanging up", style="dim")
        raise
    return timeline(app.trace.entries(call.contact_id))


def as_json(call: Timeline) -> dict[str, object]:
    """The timeline with its sums, instants as epoch seconds."""
    members: dict[str, object] = msgspec.to_builtins(call)
    return {
        **members,
        "seconds": round(call.seconds, 3),
        "seconds_of_silence": round(call.seconds_of_silence, 3),
    }

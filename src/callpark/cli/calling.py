"""A call to a number or a flow, from start to end, as `callpark call` makes it."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import orjson

from callpark.app import App
from callpark.cli import exits, options
from callpark.cli.flow_coverage import add_recording, read_recording
from callpark.cli.remote import Unreachable, explain
from callpark.cli.remote_phone import make_remotely
from callpark.cli.screen import answers, remarks, show_warnings
from callpark.cli.terminal_phone import Display, DisplayedPhone, KeyboardPhone, Silence, keyboard
from callpark.cli.timeline_view import draw
from callpark.flows.channels.phone import ScriptedPhone
from callpark.flows.channels.voice import Phone
from callpark.flows.coverage_file import recorded
from callpark.flows.happenings import ActionEntered
from callpark.flows.placement import MODULE
from callpark.flows.timeline import Timeline, timeline
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock, SystemClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Entry
from callpark.projects.flow_file import load_flow_file, said_type
from callpark.projects.model import Project
from callpark.projects.template import read
from callpark.serving import served
from callpark.settings import Settings, Source


def _flow_alone(path: Path, functions: list[str], limits: Limits) -> Project:
    """Raises ProjectError, also for a module."""
    if path.suffix == ".json" and said_type(read(path, limits.project).document.values) == MODULE:
        raise ProjectError(
            f"{path.name} is a flow module: flows call it, callers cannot",
            "put it under `modules:` of connect.yaml (docs/connect-yaml.md) and call a flow that uses it",
        )
    return load_flow_file(path, functions=functions, place=Place(), limits=limits)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to call, from which number, which keys to press (None: the keyboard's), how to tell of it."""

    number: str
    keys: str | None
    caller: str
    output: options.Output


def source_of(target: str, project: Path, functions: list[str], limits: Limits) -> tuple[Source | Path, str]:
    """What to serve and whom to call in it."""
    path = Path(target)
    if path.is_file():
        return lambda: _flow_alone(path, functions, limits), path.stem
    if path.suffix == ".json":
        raise ProjectError(f"there is no flow file at {target}", "name a contact flow's JSON file, or a number")
    if path.is_dir():
        raise ProjectError(
            f"{target} is a folder",
            "name a flow's JSON file in it, or a number: `callpark call NUMBER --project FOLDER`",
        )
    if functions:
        raise ProjectError("--function goes with a flow file only", "functions of a project are in its template")
    if not project.exists():
        raise ProjectError(f"there is no project at {project}", "name its folder with --project")
    return project, target


async def call_here(
    source: Source | Path, asked: Asked, serving: AbstractAsyncContextManager[Settings], coverage: Path | None
) -> int:
    """Serve the project for this one call. `coverage`: the file to which the edges it takes are added."""
    async with serving as settings, served(settings, source) as app:
        show_warnings(app.deployment.warnings)
        with _phone(asked, app.clock) as (phone, display), _covering(app, coverage):
            made = await make(app, asked.number, phone, asked.caller, display)
    return _show(made, asked)


async def call_there(endpoint: str, asked: Asked) -> int:
    """Call a running server."""
    with _phone(asked, SystemClock()) as (phone, display):
        try:
            made = timeline(await make_remotely(endpoint, asked.number, phone, asked.caller, display.note))
        except Unreachable as error:
            return explain(error)
    return _show(made, asked)


@contextlib.contextmanager
def _covering(app: App, path: Path | None) -> Iterator[None]:
    """Note the edges that are taken, and add them to a file, which is looked at first: no call is made in vain."""
    if path is None:
        yield
        return
    read_recording(path)
    entered: list[object] = []

    def note(entry: Entry) -> None:
        if isinstance(entry.happening, ActionEntered):
            entered.append(entry.happening)

    stop = app.trace.listen(note)
    try:
        yield
    finally:
        stop()
        instance = app.flows.instance
        programs = {id(program): program for program in (*instance.programs.values(), *instance.modules.values())}
        add_recording(path, recorded([program.flow for program in programs.values()], entered))


CLEAN_ENDS = frozenset({"CONTACT_FLOW_DISCONNECT", "CUSTOMER_DISCONNECT", "AGENT_DISCONNECT"})


async def make(app: App, number: str, phone: Phone, caller: str, display: Display) -> Timeline:
    """One call from start to end."""
    call = app.flows.start_call(number, phone, caller)

    def note(entry: Entry) -> None:
        if entry.happening.subject == call.contact_id:
            display.note(entry)

    stop = app.trace.listen(note)
    try:
        await call.ended
    except asyncio.CancelledError:
        remarks.print("hanging up", style="dim")
        raise
    finally:
        stop()
    return timeline(app.trace.entries(call.contact_id))


@contextlib.contextmanager
def _phone(asked: Asked, clock: Clock) -> Iterator[tuple[Phone, Display]]:
    """The caller's phone, keyboard or script, and where the call is shown."""
    display = Display(clock) if asked.output is options.Output.TEXT else Silence(clock)
    if asked.keys is not None:
        yield DisplayedPhone(ScriptedPhone(clock, asked.keys), display, clock), display
        return
    by_hand = KeyboardPhone()
    with keyboard(by_hand):
        yield DisplayedPhone(by_hand, display, clock), display


def _show(made: Timeline, asked: Asked) -> int:
    if asked.output is options.Output.JSON:
        answers.print_json(orjson.dumps(as_json(made)).decode())
    else:
        answers.print()
        title = f"{asked.number}: {made.seconds_of_silence:.1f} s of silence in {made.seconds:.1f} s"
        answers.print(draw(made, title, answers.width))
    return exits.OK if made.reason in CLEAN_ENDS else exits.FUNCTION_ERROR


def as_json(call: Timeline) -> dict[str, object]:
    """The timeline with its sums, instants as epoch seconds."""
    members: dict[str, object] = msgspec.to_builtins(call)
    return {
        **members,
        "seconds": round(call.seconds, 3),
        "seconds_of_silence": round(call.seconds_of_silence, 3),
    }

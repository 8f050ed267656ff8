"""A telephone in the terminal: prompts are printed as they are spoken, keys come from the keyboard.

0-9, * and # are the keypad, `h` or Ctrl-D hangs up. Without a terminal the caller only listens.
"""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Iterator

from rich.markup import escape

from callpark.cli.screen import answers, remarks
from callpark.flows.channels.voice import KEYS, Line, Phone
from callpark.flows.happenings import (
    ActionFailed,
    FunctionEnded,
    FunctionRefused,
    FunctionStarted,
    StageEntered,
    ThirdPartyCalled,
)
from callpark.kernel.clock import Clock
from callpark.kernel.trace import Entry


class Display:
    """Prints what a call amounts to, with seconds since it was answered. `label` tells two calls apart."""

    def __init__(self, clock: Clock, label: str = "") -> None:
        self._clock = clock
        self._label = f"{label} " if label else ""
        self._since: float | None = None
        self._refused = ""

    def show(self, at: float, text: str) -> None:
        since = self._since = at if self._since is None else self._since
        answers.print(f"[dim]{at - since:6.1f} s[/]  {self._label}{text}")

    def note(self, entry: Entry) -> None:
        """What the caller does not hear but wants to know: functions, and why a flow took an error branch."""
        match entry.happening:
            case FunctionStarted(function=function, asynchronous=asynchronous):
                way = "starts, the flow goes on" if asynchronous else "runs, the caller waits"
                self.show(entry.at, f"[dim]function {escape(_short(function))} {way}[/]")
            case FunctionEnded(function=function, outcome=outcome, reason=reason):
                why = f": {escape(reason)}" if reason else ""
                self.show(entry.at, f"[dim]function {escape(_short(function))} {outcome.replace('_', ' ')}{why}[/]")
            case FunctionRefused(function=function, reason=reason):
                self._refused = reason
                self.show(entry.at, f"[yellow]function {escape(_short(function))} refused: {escape(reason)}[/]")
            case StageEntered(stage="queued", queue=queue):
                self.show(entry.at, f"[dim]in queue {escape(queue)}[/]")
            case StageEntered(stage="connected", agent=agent):
                self.show(entry.at, f"[dim]talking with agent {escape(agent)}[/]")
            case StageEntered(stage="customer_hold", agent=agent):
                self.show(entry.at, f"[dim]on hold by agent {escape(agent)}[/]")
            case ThirdPartyCalled(number=number, outcome=outcome):
                self.show(entry.at, f"[dim]third party {escape(number)} {outcome}[/]")
            case ActionFailed(action=action, error=error, reason=reason) if reason != self._refused:
                self.show(entry.at, f"[yellow]{escape(action)} took its {error} branch: {escape(reason)}[/]")


class Silence(Display):
    """Shows nothing: the answer is JSON."""

    def show(self, at: float, text: str) -> None:
        pass


def _short(function_arn: str) -> str:
    """The name in a function's ARN."""
    return function_arn.rpartition(":function:")[2] or function_arn


class DisplayedPhone:
    """Another phone, shown while it is used."""

    def __init__(self, phone: Phone, display: Display, clock: Clock) -> None:
        self._phone = phone
        self._display = display
        self._clock = clock

    def answered(self, line: Line) -> None:
        self._display.show(self._clock.now(), "[dim]connected[/]")
        self._phone.answered(line)

    def heard(self, text: str, at: float, seconds: float) -> None:
        if text:
            self._display.show(at, f"“{escape(text)}”")
        self._phone.heard(text, at, seconds)

    def interrupted(self, at: float) -> None:
        self._phone.interrupted(at)

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        self._phone.keys_wanted(maximum, terminator, at, seconds_of_prompt)

    def keys_ended(self, at: float) -> None:
        self._phone.keys_ended(at)

    def ended(self, reason: str, at: float) -> None:
        self._display.show(at, f"[dim]hung up: {escape(reason)}[/]")
        self._phone.ended(reason, at)


class KeyboardPhone:
    """Keys from the keyboard, as they are typed."""

    def __init__(self) -> None:
        self._line: Line | None = None

    def answered(self, line: Line) -> None:
        self._line = line

    def heard(self, text: str, at: float, seconds: float) -> None:
        pass

    def interrupted(self, at: float) -> None:
        pass

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        end = f", {terminator} ends" if terminator else ""
        remarks.print(f"          (keys: up to {maximum}{escape(end)}; h hangs up)", style="dim")

    def keys_ended(self, at: float) -> None:
        pass

    def ended(self, reason: str, at: float) -> None:
        self._line = None

    def typed(self, character: str) -> None:
        if self._line is None:
            return
        if character in KEYS:
            remarks.print(f"          [{character}]", style="cyan", markup=False)
            self._line.press(character)
        elif character in {"h", "\x04"}:
            self._line.hang_up()


@contextlib.contextmanager
def keyboard(phone: KeyboardPhone) -> Iterator[None]:
    """Read keys without waiting for Return while the context is open; nothing happens without a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)

    def read() -> None:
        typed = os.read(terminal, 1_024)  # past Python's buffer, which would keep what does not wake the loop again
        if not typed:
            loop.remove_reader(terminal)
        for character in typed.decode(errors="ignore"):
            phone.typed(character)

    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)

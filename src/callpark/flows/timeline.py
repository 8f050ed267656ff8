"""A contact as a timeline: which blocks it ran, who heard what when, which functions ran meanwhile, how long there was
silence. Pure.

Read from the trace by the command line, the demo and tests, from the story on disk for `callpark contacts`. Instants
are epoch seconds.
"""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from callpark.flows.blocks import BlockRow, Blocks
from callpark.flows.happenings import (
    AgentFlowLeft,
    AgentHeard,
    AgentSpeechStopped,
    ContactEnded,
    ContactStarted,
    FunctionEnded,
    FunctionStarted,
    KeysEnded,
    KeysWanted,
    KeyTaken,
    SpeechStopped,
    Spoken,
    StageEntered,
    ThirdPartyCalled,
    WaitEnded,
    WaitEntered,
)
from callpark.kernel.arn import function_name
from callpark.kernel.trace import Entry

#: How far the trace may lag behind the engine while a contact is being saved.
SAVING_SECONDS = 0.25


class PromptRow(msgspec.Struct, frozen=True):
    """Something to hear. `words` 0: a pause, which is silence."""

    start: float
    end: float
    text: str
    words: int
    interrupted: bool


class FunctionRow(msgspec.Struct, frozen=True):
    """A function's bar. `end` None and `outcome` "" while it runs."""

    invocation_id: str
    name: str
    asynchronous: bool
    start: float
    end: float | None = None
    outcome: str = ""


class KeyRow(msgspec.Struct, frozen=True):
    at: float
    key: str
    wanted: bool


class InputRow(msgspec.Struct, frozen=True):
    """The time in which keys counted."""

    start: float
    end: float
    digits: str
    outcome: str


class WaitRow(msgspec.Struct, frozen=True):
    start: float
    end: float
    branch: str


class ConversationRow(msgspec.Struct, frozen=True):
    """Somebody talks with the caller: an agent, or a third party by number."""

    start: float
    end: float
    who: str


class Timeline(msgspec.Struct, frozen=True):
    """One contact from start to end (`end`: of what is known so far, while `reason` is "")."""

    flow: str
    start: float
    end: float
    reason: str
    detail: str
    prompts: tuple[PromptRow, ...]
    functions: tuple[FunctionRow, ...]
    keys: tuple[KeyRow, ...]
    inputs: tuple[InputRow, ...]
    waits: tuple[WaitRow, ...]
    conversations: tuple[ConversationRow, ...] = ()
    blocks: tuple[BlockRow, ...] = ()
    agent_prompts: tuple[PromptRow, ...] = ()
    """What agents heard of whisper and hold flows, beside the caller."""

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def seconds_of_silence(self) -> float:
        """Time in which the caller hears nothing, talks with nobody, and is not asked for keys either."""
        return sum(gap.end - gap.start for gap in self.silences)

    @property
    def silences(self) -> tuple["Gap", ...]:
        """The silent stretches, in order."""
        busy = sorted(
            [Gap(row.start, row.end) for row in self.prompts if row.words]
            + [Gap(row.start, row.end) for row in self.inputs]
            + [Gap(row.start, row.end) for row in self.conversations]
        )
        gaps: list[Gap] = []
        heard_until = self.start
        for stretch in [*busy, Gap(self.end, self.end)]:
            if stretch.start > heard_until:
                gaps.append(Gap(heard_until, stretch.start))
            heard_until = max(heard_until, stretch.end)
        return tuple(gaps)


class Gap(NamedTuple):
    start: float
    end: float


def timeline(entries: Iterable[Entry]) -> Timeline:
    """The timeline of one contact from its trace entries, oldest first (`trace.entries(contact_id)`)."""
    drawing = _Drawing()
    for entry in entries:
        drawing.take(entry)
    return drawing.finish()


class _Drawing:
    """The rows while they are being read. What is still open at the last entry ends there."""

    def __init__(self) -> None:
        self.flow = self.reason = self.detail = ""
        self.start: float | None = None
        self.at = 0.0
        self.prompts: list[PromptRow] = []
        self.functions: dict[str, FunctionRow] = {}
        self.keys: list[KeyRow] = []
        self.inputs: list[InputRow] = []
        self.waits: list[WaitRow] = []
        self.input_since: float | None = None
        self.wait_since: float | None = None
        self.ended_at: float | None = None
        self.conversations: list[ConversationRow] = []
        self.talking: tuple[float, str] | None = None
        self.agent_prompts: list[PromptRow] = []
        self.blocks = Blocks()

    def take(self, entry: Entry) -> None:
        self.at = at = entry.at
        self.start = at if self.start is None else self.start
        self.blocks.take(at, entry.happening)
        match entry.happening:
            case ContactStarted() as started:
                self.flow = started.flow
            case Spoken() as spoken:
                self.prompts.append(PromptRow(at, at + spoken.seconds, spoken.text, spoken.words, False))
            case SpeechStopped() if self.prompts:
                self.prompts[-1] = msgspec.structs.replace(self.prompts[-1], end=at, interrupted=True)
            case AgentHeard() as told:
                self._hush_agent(at)
                words = len(told.text.split())
                self.agent_prompts.append(PromptRow(at, at + told.seconds, told.text, words, False))
            case AgentSpeechStopped() | AgentFlowLeft():
                self._hush_agent(at)
            case KeysWanted():
                self.input_since = at
            case KeysEnded() as ended:
                self._end_input(at, ended.digits, ended.outcome)
            case KeyTaken() as taken:
                self.keys.append(KeyRow(at, taken.key, taken.wanted))
            case FunctionStarted() as function:
                self.functions[function.invocation_id] = FunctionRow(
                    function.invocation_id,
                    function_name(function.function) or function.function,
                    function.asynchronous,
                    at,
                )
            case FunctionEnded() as function:
                self._end_function(at, function)
            case StageEntered() as stage:
                self._talk(at, stage.agent if stage.stage == "connected" else "")
            case ThirdPartyCalled() as called:
                self._talk(at, called.number if called.outcome == "connected" else "")
            case WaitEntered():
                self.wait_since = at
            case WaitEnded() as waited:
                self._end_wait(at, waited.branch)
            case ContactEnded() as contact:
                self.ended_at, self.reason, self.detail = at, contact.reason, contact.detail

    def finish(self) -> Timeline:
        end = self.at if self.ended_at is None else self.ended_at
        self._end_input(end, "", "")
        self._end_wait(end, "")
        self._talk(end, "")
        self._hush_agent(end)
        return Timeline(
            flow=self.flow,
            start=end if self.start is None else self.start,
            end=end,
            reason=self.reason,
            detail=self.detail,
            prompts=self._prompts(end),
            functions=tuple(self.functions.values()),
            keys=tuple(self.keys),
            inputs=tuple(self.inputs),
            waits=tuple(self.waits),
            conversations=tuple(self.conversations),
            blocks=self.blocks.rows(),
            agent_prompts=tuple(self.agent_prompts),
        )

    def _prompts(self, end: float) -> tuple[PromptRow, ...]:
        """A prompt is told to the trace when it is saved, a little after it began; its end is corrected by what came
        next, and only what is cut off by more than that counts as interrupted."""
        rows: list[PromptRow] = []
        for row, following in itertools.zip_longest(self.prompts, self.prompts[1:]):
            until = end if following is None else following.start
            if row.end <= until:
                rows.append(row)
                continue
            hung_up = following is None and self.ended_at is not None
            cut = row.interrupted or (hung_up and row.end - end > SAVING_SECONDS)
            rows.append(msgspec.structs.replace(row, end=until, interrupted=cut))
        return tuple(rows)

    def _end_input(self, at: float, digits: str, outcome: str) -> None:
        if self.input_since is not None:
            self.inputs.append(InputRow(self.input_since, at, digits, outcome))
            self.input_since = None

    def _hush_agent(self, at: float) -> None:
        """What the agent was hearing is over at `at`, if it was not before."""
        if self.agent_prompts and self.agent_prompts[-1].end > at:
            cut = self.agent_prompts[-1].end - at > SAVING_SECONDS
            self.agent_prompts[-1] = msgspec.structs.replace(self.agent_prompts[-1], end=at, interrupted=cut)

    def _talk(self, at: float, who: str) -> None:
        """Whoever was talking has stopped; `who` begins, "" nobody."""
        if self.talking is not None:
            self.conversations.append(ConversationRow(self.talking[0], at, self.talking[1]))
        self.talking = (at, who) if who else None

    def _end_wait(self, at: float, branch: str) -> None:
        if self.wait_since is not None:
            self.waits.append(WaitRow(self.wait_since, at, branch))
            self.wait_since = None

    def _end_function(self, at: float, ended: FunctionEnded) -> None:
        row = self.functions.get(ended.invocation_id)
        if row is not None and row.end is None:
            self.functions[ended.invocation_id] = msgspec.structs.replace(row, end=at, outcome=ended.outcome)

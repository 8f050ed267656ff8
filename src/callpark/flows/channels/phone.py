"""A scripted caller: keys are sent one by one when input is asked for. For tests, the demo and `call --keys '12#'`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callpark.flows.channels.conversation import Conversation
from callpark.flows.channels.voice import KEYS, Line
from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError
from callpark.kernel.timers import Timer


@dataclass(frozen=True, slots=True)
class Manner:
    """How a caller behaves, in seconds: `reaction` after the question until the first key, `between` two keys.
    `patience`: None hears the question out, a number starts that long after it began. `hang_up_after`: None stays."""

    reaction: float = 0.5
    between: float = 0.4
    patience: float | None = None
    hang_up_after: float | None = None


class ScriptedPhone:
    """Keys for all questions in a row; a comma waits for the next question. A terminator that comes right after a full
    input belongs to it and is swallowed, as callers press # without counting. `says` are for bots, one an utterance,
    `views` the answers to views. `transcript` keeps what was heard."""

    def __init__(
        self,
        clock: Clock,
        keys: str = "",
        manner: Manner | None = None,
        *,
        says: Sequence[str] = (),
        views: Sequence[tuple[str, Mapping[str, object]]] = (),
    ) -> None:
        wrong = sorted(set(keys) - KEYS - {","})
        if wrong:
            raise ProjectError(f"no phone has the key {wrong[0]!r}", "keys are 0-9, * and #; a comma waits")
        self._clock = clock
        self._keys = keys
        self._manner = manner or Manner()
        self._line: Line | None = None
        self._conversation: Conversation | None = None
        self._says = list(says)
        self._views = list(views)
        self._timer: Timer | None = None
        self._terminator = ""
        self._pressed = 0
        self.transcript: list[tuple[float, str]] = []
        self.end: str | None = None

    @property
    def heard_texts(self) -> list[str]:
        return [text for _, text in self.transcript]

    def answered(self, line: Line) -> None:
        self._line = line
        if self._manner.hang_up_after is not None:
            self._clock.timer(self._clock.now() + self._manner.hang_up_after, line.hang_up)

    def heard(self, text: str, at: float, seconds: float) -> None:
        self.transcript.append((at, text))

    def interrupted(self, at: float) -> None:
        pass

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        self._terminator = terminator
        self._pressed = 0
        self._press_after(self._wait(seconds_of_prompt))

    def keys_ended(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        terminator = self._terminator
        if self._keys.startswith(","):
            self._keys = self._keys[1:]
        elif self._pressed and terminator and self._keys.startswith(terminator):
            self._keys = self._keys.removeprefix(terminator)

    def joined(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def words_wanted(self, at: float, seconds_of_prompt: float) -> None:
        if not self._says:
            self.keys_wanted(0, "#", at, seconds_of_prompt)
            return
        self._timer = self._clock.timer(self._clock.now() + self._wait(seconds_of_prompt), self._say)

    def view_shown(self, view: str, data: Mapping[str, object], at: float) -> None:
        if self._views:
            self._clock.timer(self._clock.now() + self._manner.reaction, self._answer_view)

    def ended(self, reason: str, at: float) -> None:
        self._line = None
        self._conversation = None
        self.end = reason
        self.keys_ended(at)

    def _wait(self, seconds_of_prompt: float) -> float:
        patience = self._manner.patience
        return seconds_of_prompt + self._manner.reaction if patience is None else min(patience, seconds_of_prompt)

    def _say(self) -> None:
        self._timer = None
        if self._conversation is not None and self._says:
            self._conversation.say(self._says.pop(0))

    def _answer_view(self) -> None:
        if self._conversation is not None and self._views:
            self._conversation.answer_view(*self._views.pop(0))

    def _press_after(self, seconds: float) -> None:
        if self._keys and not self._keys.startswith(","):
            self._timer = self._clock.timer(self._clock.now() + seconds, self._press)

    def _press(self) -> None:
        self._timer = None
        if self._line is not None and self._keys:
            key, self._keys = self._keys[0], self._keys[1:]
            self._pressed += 1
            self._press_after(self._manner.between)
            self._line.press(key)

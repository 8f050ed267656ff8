"""A customer of a chat who follows a script, on the clock."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from callpark.flows.channels.conversation import Conversation
from callpark.flows.channels.voice import Line
from callpark.kernel.clock import Clock
from callpark.kernel.timers import Timer


class Written(NamedTuple):
    """One line of a chat: who wrote what when (epoch seconds)."""

    at: float
    role: Literal["SYSTEM", "CUSTOMER"]
    text: str


class ScriptedCustomer:
    """A customer who answers each question of a bot with the next text, `reaction` seconds later, and leaves after
    `leaves_after` seconds. Keeps the transcript."""

    def __init__(
        self,
        clock: Clock,
        says: Sequence[str] = (),
        *,
        views: Sequence[tuple[str, Mapping[str, object]]] = (),
        reaction: float = 2.0,
        leaves_after: float | None = None,
    ) -> None:
        self._clock = clock
        self._says = list(says)
        self._views = list(views)
        self._reaction = reaction
        self._leaves_after = leaves_after
        self._conversation: Conversation | None = None
        self._timer: Timer | None = None
        self.transcript: list[Written] = []
        self.end: str | None = None

    @property
    def read(self) -> list[str]:
        """What the flow has written."""
        return [line.text for line in self.transcript if line.role == "SYSTEM"]

    def write(self, text: str) -> None:
        """Say something now, asked or not."""
        if self._conversation is not None:
            self.transcript.append(Written(self._clock.now(), "CUSTOMER", text))
            self._conversation.say(text)

    def answered(self, line: Line) -> None:
        if self._leaves_after is not None:
            self._clock.timer(self._clock.now() + self._leaves_after, line.hang_up)

    def joined(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def heard(self, text: str, at: float, seconds: float) -> None:
        self.transcript.append(Written(at, "SYSTEM", text))

    def interrupted(self, at: float) -> None:
        pass

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        pass

    def keys_ended(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def words_wanted(self, at: float, seconds_of_prompt: float) -> None:
        if self._says:
            self._timer = self._clock.timer(self._clock.now() + self._reaction, self._answer)

    def view_shown(self, view: str, data: Mapping[str, object], at: float) -> None:
        if self._views:
            self._clock.timer(self._clock.now() + self._reaction, self._answer_view)

    def ended(self, reason: str, at: float) -> None:
        self._conversation = None
        self.end = reason
        self.keys_ended(at)

    def _answer(self) -> None:
        self._timer = None
        if self._says:
            self.write(self._says.pop(0))

    def _answer_view(self) -> None:
        if self._conversation is not None and self._views:
            self._conversation.answer_view(*self._views.pop(0))

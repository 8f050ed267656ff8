"""What a contact finds around it: all that the engine knows of the world outside, standing still during a turn.

`instance.py` implements it for real, tests for themselves; the actions read it through `Turn.world`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from callpark.flows.agents.routing import QueueMetrics
from callpark.flows.contact import Target
from callpark.flows.declared import Case, Profile
from callpark.flows.program import Program
from callpark.flows.prompts import Prompt
from callpark.flows.resources import Resources
from callpark.kernel.limits import ConnectLimits


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a function cannot be started, in the words of the flow log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a prompt amounts to for the ear: the text, how many words, how many seconds."""

    text: str
    words: int
    seconds: float


class Unmeasured(Exception):
    """The state of these queues is known at another node. Since a turn changes nothing until it is over, it can be
    taken again when that has been asked."""

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__(", ".join(target.name for target in targets))
        self.targets = tuple(targets)


class World(Protocol):
    """What a contact finds around it, standing still during a turn."""

    @property
    def limits(self) -> ConnectLimits: ...

    @property
    def resources(self) -> Resources: ...

    @property
    def profiles(self) -> Mapping[str, Profile] | None:
        """Customer profiles by id, None without a domain."""
        ...

    @property
    def cases(self) -> Mapping[str, Case] | None: ...

    @property
    def room(self) -> int:
        """How many more contacts may be opened."""
        ...

    def flow(self, reference: str) -> Program | None:
        """A flow by ARN or id, None when there is none."""
        ...

    def module(self, reference: str) -> Program | None:
        """A flow module by ARN or id."""
        ...

    def metrics(self, target: Target) -> QueueMetrics:
        """The state of a queue, or of an agent's own. Raises Unmeasured."""
        ...

    def function(self, arn: str) -> str | Refusal:
        """The ARN of the local function that answers to `arn`, or why it may not be called."""
        ...

    def bot_function(self, name: str) -> str | Refusal:
        """The local function behind a bot: its name or ARN. Connect's permission is not asked."""
        ...

    def transcripts(self, contact_id: str) -> tuple[str, ...] | None:
        """The contacts whose transcripts a chat shows first that goes on from this one; None when none can."""
        ...

    def hear(self, prompt: Prompt) -> Heard:
        """Raises BadPrompt."""
        ...

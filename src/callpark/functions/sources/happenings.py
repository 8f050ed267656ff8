"""What mappings do, for the trace. The subject is the mapping's UUID throughout."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchEnded:
    """A batch was given to the function. `deleted` of its `messages` are done; `error` says why others stay."""

    subject: str
    function: str
    messages: int
    deleted: int
    error: str | None


@dataclass(frozen=True, slots=True)
class MessagesFilteredOut:
    """These messages match no pattern; they are deleted."""

    subject: str
    function: str
    messages: int


@dataclass(frozen=True, slots=True)
class BatchThrottled:
    """The function has no room; the same batch is tried again at `at` (epoch seconds) while its messages are held."""

    subject: str
    function: str
    at: float

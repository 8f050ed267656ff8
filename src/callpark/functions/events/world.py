"""What the queues of all functions share, and what they ask of the service that owns the functions.

Built by `events/dispatcher.py`; used by `events/queue.py` and `events/endings.py`.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from callpark.functions.concurrency import Slots
from callpark.functions.environments.ports import Outcome
from callpark.functions.events.commits import Commits
from callpark.functions.events.crowd import Crowd
from callpark.functions.events.messages import MessageQueues
from callpark.functions.events.policy import EventRules
from callpark.functions.events.results import EventResults
from callpark.functions.events.state import EventState, decode
from callpark.kernel.clock import Clock
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace
from callpark.store.ports import Change, Store, WorkItem


class EventSubject(msgspec.Struct, frozen=True):
    """A function as one of its events sees it at this moment. `arn` carries the qualifier, `$LATEST` for none."""

    arn: str
    rules: EventRules
    on_success: str | None
    on_failure: str | None
    dead_letter_target: str | None


class EventFunctions(Protocol):
    """The owner of the functions, as the queues see it."""

    def version_for(self, function: str, qualifier: str | None) -> str | None:
        """The version that the next run is of, weighted where an alias says so; None when the function or qualifier is
        gone."""
        ...

    def subject(self, function: str, qualifier: str | None, version: str) -> EventSubject | None:
        """None when the function, qualifier or version is gone."""
        ...

    def invocations_in_chain(self, function: str, trace_header: str | None) -> int:
        """How often the function has been invoked in the chain of requests that this event belongs to."""
        ...

    def trace_onwards(self, function: str, request_id: str, trace_header: str | None) -> str:
        """The trace header that leaves the function when it was invoked with this one."""
        ...

    def function_named(self, arn: str) -> tuple[str, str | None]:
        """Name and qualifier of a function that exists. Raises CallerError."""
        ...

    def run_event(
        self, function: str, version: str, request_id: str, payload: bytes, state: EventState
    ) -> Awaitable[Outcome]:
        """Run a version as it is now. Raises Saturated, EnvironmentUnavailable, ProjectError."""
        ...


class Discarded(Protocol):
    """Where discarded events are kept (`events/discarded.py`)."""

    def keep(self, event: "LeasedEvent", condition: str) -> Sequence[Change]:
        """What belongs into the commit that ends the event."""
        ...


class EventWorld(msgspec.Struct, frozen=True):
    clock: Clock
    trace: Trace
    limits: LambdaLimits
    store: Store
    commits: Commits
    slots: Slots
    crowd: Crowd
    results: EventResults
    discarded: Discarded
    tasks: Tasks
    functions: EventFunctions
    queues: MessageQueues


class LeasedEvent:
    """An event in hand; `throttles` counts in vain attempts since the last run, `tried_at` is when the present attempt
    began and `next_at` when the next may, epoch seconds."""

    __slots__ = ("body", "function", "id", "next_at", "queue", "state", "throttles", "tried_at")

    def __init__(self, function: str, item: WorkItem) -> None:
        self.function = function
        self.queue = item.queue
        self.id = item.id
        self.body = item.body
        self.state = decode(item.state)
        self.throttles = 0
        self.tried_at = 0.0
        self.next_at = 0.0

    @property
    def resource(self) -> str:
        """As happenings name it: the function with the qualifier it was sent to, "" without one."""
        return "" if self.state.qualifier is None else f"{self.function}:{self.state.qualifier}"

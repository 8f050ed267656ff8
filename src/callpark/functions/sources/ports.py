"""Queues as event sources, as this slice asks for them: `app.py` hands over queues fitted to `MessageSource`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from callpark.functions.model import Function, Invocation, InvocationResult, Version


@dataclass(frozen=True, slots=True)
class SourceAttribute:
    """A message attribute: `text` or `binary`."""

    data_type: str
    text: str | None = None
    binary: bytes | None = None


@dataclass(frozen=True, slots=True)
class SourceMessage:
    """A message in the mapping's hands until `visible_at` (epoch seconds). `attributes` are the system's; `group` is
    a FIFO queue's message group."""

    message_id: str
    receipt_handle: str
    body: str
    body_digest: str
    visible_at: float
    attributes: Mapping[str, str] = field(default_factory=dict)
    message_attributes: Mapping[str, SourceAttribute] = field(default_factory=dict)
    attributes_digest: str | None = None
    group: str | None = None
    trace_header: str | None = None


@dataclass(frozen=True, slots=True)
class SourceQueue:
    """What a mapping has to know about its queue; seconds."""

    fifo: bool
    visibility_seconds: int


class MessageSource(Protocol):
    """Amazon SQS queues, by ARN."""

    def queue(self, queue_arn: str) -> SourceQueue | None:
        """None when there is no such queue."""
        ...

    async def receive(self, queue_arn: str, limit: int) -> Sequence[SourceMessage]:
        """What can be received now, at most `limit` messages, under the queue's own visibility timeout. Raises
        CallerError."""
        ...

    async def delete(self, queue_arn: str, receipt_handles: Sequence[str]) -> None:
        """In one commit. Raises CallerError when the disk refuses."""
        ...

    def watch(self, queue_arn: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when something may be received, and when the queue comes into being; again only after a `receive`.
        Returns what ends it."""
        ...


class SourceFunctions(Protocol):
    """The functions that mappings invoke; `functions/service.py` is one."""

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run a function and wait for its answer. Raises CallerError."""
        ...

    def function_named(self, arn: str) -> tuple[str, str | None]:
        """Name and qualifier of what a name or ARN invokes. Raises CallerError."""
        ...

    def version(self, function: str, qualifier: str | None = None) -> tuple[Function, Version]:
        """Raises CallerError."""
        ...

    def arn(self, name: str) -> str: ...


class NoSource:
    """Nobody serves queues: each one is unknown."""

    def queue(self, queue_arn: str) -> SourceQueue | None:
        return None

    async def receive(self, queue_arn: str, limit: int) -> Sequence[SourceMessage]:
        return ()

    async def delete(self, queue_arn: str, receipt_handles: Sequence[str]) -> None: ...

    def watch(self, queue_arn: str, callback: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

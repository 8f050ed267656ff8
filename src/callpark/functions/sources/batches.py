"""Which messages a function gets together, and which of them it has done. Pure; called by `poller.py`.

A standard queue's messages gather until the batch size, the window or 6 MB is reached; a FIFO queue's go by group.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from callpark.functions.sources.ports import SourceMessage

_ENVELOPE = len(b'{"Records":[]}')


@dataclass(frozen=True, slots=True)
class Gathered:
    """A message, and its record as the function is to see it."""

    message: SourceMessage
    record: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages for one invocation. `group`: of a FIFO queue."""

    messages: tuple[Gathered, ...]
    group: str | None = None

    def payload(self) -> bytes:
        return b'{"Records":[' + b",".join(one.record for one in self.messages) + b"]}"

    def visible_at(self) -> float:
        """When the first of its messages comes back."""
        return min(one.message.visible_at for one in self.messages)

    def trace_header(self) -> str | None:
        """An invocation has one; the first message that brings one gives it."""
        return next((one.message.trace_header for one in self.messages if one.message.trace_header), None)


@dataclass(frozen=True, slots=True)
class BatchRules:
    """Seconds and bytes; `margin_seconds` before its messages come back a batch goes out whatever its window says."""

    size: int
    window_seconds: int
    payload_bytes: int
    margin_seconds: float


@dataclass(frozen=True, slots=True)
class Gathering:
    """Messages that wait for their batch to be complete, the first since `opened_at` (epoch seconds)."""

    messages: tuple[Gathered, ...] = ()
    opened_at: float = 0.0

    def with_messages(self, added: Sequence[Gathered], now: float) -> "Gathering":
        """A message that comes again has been visible meanwhile: its new receipt replaces the old one."""
        again = {one.message.message_id for one in added}
        kept = tuple(one for one in self.messages if one.message.message_id not in again)
        return Gathering((*kept, *added), self.opened_at if self.messages else now)

    def due_at(self, rules: BatchRules) -> float | None:
        """When what has gathered goes out although it is not complete; None when there is nothing."""
        if not self.messages:
            return None
        comes_back = min(one.message.visible_at for one in self.messages)
        return min(self.opened_at + rules.window_seconds, comes_back - rules.margin_seconds)


def cut(gathering: Gathering, rules: BatchRules, now: float) -> tuple[Sequence[Batch], Gathering]:
    """The batches that go out now, and what gathers on."""
    batches = [Batch(messages) for messages in _parts(gathering.messages, rules)]
    due_at = gathering.due_at(rules)
    if not batches or (due_at is not None and due_at <= now):
        return batches, Gathering()
    last = batches[-1].messages
    if len(last) >= rules.size:
        return batches, Gathering()
    return batches[:-1], Gathering(last, gathering.opened_at if len(batches) == 1 else now)


def by_group(messages: Sequence[Gathered], rules: BatchRules) -> Sequence[Batch]:
    """One batch per message group, in order, several when one would be too large."""
    groups: dict[str, list[Gathered]] = {}
    for one in messages:
        groups.setdefault(one.message.group or "", []).append(one)
    return [Batch(part, group) for group, own in groups.items() for part in _parts(own, rules)]


def still_held(batch: Batch, now: float) -> Batch | None:
    """Without the messages whose visibility has ended, which are somebody else's by now. A group goes as a whole, or
    its order would be broken."""
    held = tuple(one for one in batch.messages if one.message.visible_at > now)
    if not held or (batch.group is not None and len(held) < len(batch.messages)):
        return None
    return Batch(held, batch.group)


def done(payload: bytes, batch: Batch, reports: bool) -> Sequence[SourceMessage] | None:
    """The messages to delete after the function has answered; None when the whole batch has failed.

    `reports`: the function says which have failed. An answer that cannot be understood, or names a message that is not
    in the batch, fails all of them.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    every = [one.message for one in batch.messages]
    if not reports:
        return every
    failed = _failed(payload)
    if failed is None or not failed <= {message.message_id for message in every}:
        return None
    return [message for message in every if message.message_id not in failed]


def _failed(payload: bytes) -> frozenset[str] | None:
    try:
        answer = orjson.loads(payload) if payload else None
    except orjson.JSONDecodeError:
        return None
    if answer is None:
        return frozenset()
    items = answer.get("batchItemFailures") if isinstance(answer, dict) else answer
    if items is None:
        return frozenset()
    if not isinstance(items, list) or not isinstance(answer, dict):
        return None
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(name, str) and name for name in named):
        return None
    return frozenset(str(name) for name in named)


def _parts(messages: Sequence[Gathered], rules: BatchRules) -> Sequence[tuple[Gathered, ...]]:
    """In order, each within the batch size and the payload's limit; a message that is too long alone goes alone."""
    parts: list[list[Gathered]] = []
    size = 0
    for one in messages:
        size += len(one.record) + 1
        if not parts or len(parts[-1]) >= rules.size or size > rules.payload_bytes:
            parts.append([])
            size = _ENVELOPE + len(one.record)
        parts[-1].append(one)
    return [tuple(part) for part in parts]

"""The queues that invocation records and discarded events are sent to, as this slice asks for them.

`app.py` hands over the queues slice fitted to `MessageQueues`; `destinations.py` and `dead_letter.py` use it.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from callpark.functions import refusals
from callpark.store.ports import Change


class MessageQueues(Protocol):
    """Amazon SQS standard queues."""

    def message(
        self, queue_arn: str, body: str, attributes: Mapping[str, tuple[str, str]], trace_header: str | None
    ) -> tuple[str, Sequence[Change]]:
        """The message's id, and what a commit has to contain for it to be sent. `attributes`: name → (data type, text).
        Raises CallerError: no such queue, a FIFO queue, too long."""
        ...


class NoQueues:
    """Nobody serves queues: each one is unknown."""

    def message(
        self, queue_arn: str, body: str, attributes: Mapping[str, tuple[str, str]], trace_header: str | None
    ) -> tuple[str, Sequence[Change]]:
        raise refusals.not_found(f"no queues are served here: {queue_arn}")

"""States on the way: functions that are being created, updated or published, and until when.

Kept in memory by the control plane: after a restart everything is active. Without `lambda.activation_seconds` a change
is over as soon as it is durable, and only the answer that made it shows it; an upload that is still being unpacked is
an update in progress in any case.
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

import contextlib
from collections.abc import Iterator
from typing import Literal, TypeAlias

from callpark.functions import refusals
from callpark.functions.names import LATEST
from callpark.kernel.clock import Clock

Phase: TypeAlias = Literal["created", "updated", "current"]


class Transitions:
    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._until: dict[tuple[str, str], tuple[Phase, float]] = {}
        self._uploading: set[str] = set()

    def begin(self, name: str, version: str, phase: Phase) -> None:
        """A change has become durable; it takes effect for others after `lambda.activation_seconds`."""
        if self._seconds:
            self._until[name, version] = phase, self._clock.now() + self._seconds

    def forget(self, name: str) -> None:
        for key in [key for key in self._until if key[0] == name]:
            del self._until[key]

    def phase(self, name: str, version: str = LATEST) -> Phase:
        if version == LATEST and name in self._uploading:
            return "updated"
        phase, until = self._until.get((name, version), ("current", 0.0))
        if phase != "current" and until <= self._clock.now():
            del self._until[name, version]
            return "current"
        return phase

    def active_at(self, name: str, version: str) -> float | None:
        """When a version that is Pending may run; None when it may already."""
        if not self._until or self.phase(name, version) != "created":
            return None
        return self._until[name, version][1]

    def refuse_change(self, name: str, arn: str) -> None:
        """Raises CallerError while another change of `$LATEST` is under way."""
        phase = self.phase(name)
        if phase == "created":
            raise refusals.conflict(
                "The operation cannot be performed at this time. "
                "The function is currently in the following state: Pending"
            )
        if phase == "updated":
            raise refusals.conflict(
                f"The operation cannot be performed at this time. An update is in progress for resource: {arn}"
            )

    @contextlib.contextmanager
    def uploading(self, name: str) -> Iterator[None]:
        """While new code of a function is checked and unpacked."""
        self._uploading.add(name)
        try:
            yield
        finally:
            self._uploading.discard(name)

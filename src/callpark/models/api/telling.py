"""What is told of a request: how long it took and what came of it to the trace, once, and what was passed over to the
log, once each.

Used by the operations of this room.
"""

import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from callpark.kernel.asgi import ClientGone
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call
from callpark.kernel.trace import Trace
from callpark.models.happenings import GenerationAbandoned, ModelInvoked
from callpark.models.model import Usage

_log = logging.getLogger("callpark")

_NAMED = 200


class Account:
    """One request to a model: a block that ends when the request does. What is raised in it goes on."""

    def __init__(self, clock: Clock, trace: Trace, call: Call, model_id: str) -> None:
        self._clock = clock
        self._trace = trace
        self._call = call
        self._model_id = model_id
        self._began = clock.now()
        self._first: float | None = None
        self.usage = Usage(0, 0)

    @property
    def seconds(self) -> float:
        """Since the request began."""
        return self._clock.now() - self._began

    @property
    def first_token_seconds(self) -> float:
        return self.seconds if self._first is None else self._first

    def spoken(self) -> None:
        """The model has said something of a stream."""
        if self._first is None:
            self._first = self.seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, ClientGone) or (kind is not None and not issubclass(kind, Exception)):
            call = self._call
            self._trace.emit(GenerationAbandoned(self._model_id, call.request_id, call.operation, self.seconds))
        elif error is None or isinstance(error, CallerError):
            self._trace.emit(self._invoked(error))

    def _invoked(self, error: CallerError | None) -> ModelInvoked:
        return ModelInvoked(
            subject=self._model_id,
            request_id=self._call.request_id,
            operation=self._call.operation,
            seconds=self.seconds,
            input_tokens=self.usage.input_tokens,
            output_tokens=self.usage.output_tokens,
            first_token_seconds=self._first,
            error=None if error is None else error.code,
            status=200 if error is None else error.status,
        )


class Ignored:
    """Names what requests ask for in vain, each once."""

    def __init__(self) -> None:
        self._named: set[str] = set()

    def tell(self, operation: str, phrases: Iterable[str]) -> None:
        for phrase in phrases:
            if phrase not in self._named and len(self._named) < _NAMED:
                self._named.add(phrase)
                _log.warning("%s: %s has no effect here; it is ignored", operation, phrase)

"""The slice's face: ask a model by its Bedrock id.

Used by `api/` for Bedrock's operations and, through `adapters.py`, by AppSync's data source. Which backend answers for
an id is in the catalogue that `making.py` makes of models.yaml.
"""

import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from callpark.kernel.clock import Clock
from callpark.kernel.limits import ModelLimits
from callpark.kernel.tasks import Tasks
from callpark.models import refusals
from callpark.models.admission import Desk
from callpark.models.backends.port import Backend
from callpark.models.identifiers import meant
from callpark.models.model import EmbeddingRequest, GenerationRequest, ModelSummary, Part, Stop, Vectors

_log = logging.getLogger("callpark")


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers for an id: a backend by its name, and that backend's own name of the model, empty for its only one or
    for the id itself. `embeds`: it makes embeddings, as far as is known."""

    backend: str
    model: str = ""
    embeds: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Backends by name, and which ids each answers for: ids, inference profiles, ARNs, patterns with `*`.

    `assumed`: nobody wrote this; what is said once when a model is first asked. `warnings`: what is not as written."""

    backends: Mapping[str, Backend] = field(default_factory=dict)
    answerers: Mapping[str, Answerer] = field(default_factory=dict)
    assumed: str = ""
    warnings: tuple[str, ...] = ()


class Generation:
    """A model's answer under way: an asynchronous iterator of parts. Whoever does not read it to its Stop closes it,
    which ends the work within a token; `async with` does."""

    def __init__(self, first: Part, parts: AsyncIterator[Part], leave: Callable[[], None]) -> None:
        self._first: Part | None = first
        self._parts = parts
        self._leave = leave
        if isinstance(first, Stop):
            leave()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        """Raises CallerError when the model fails on its way."""
        first, self._first = self._first, None
        if first is not None:
            return first
        try:
            part = await anext(self._parts)
        except BaseException:
            self._leave()
            raise
        if isinstance(part, Stop):
            self._leave()
        return part

    async def aclose(self) -> None:
        try:
            await self._parts.aclose()  # type: ignore[attr-defined]
        finally:
            self._leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Models:
    """Every model that can be asked. `caller` in its operations says who asks, for fairness: whatever tells clients
    apart. `backends`, by the id each answers for, serve until a catalogue does."""

    def __init__(
        self, clock: Clock, backends: Mapping[str, Backend] | None = None, limits: ModelLimits | None = None
    ) -> None:
        self._clock = clock
        self._limits = limits or ModelLimits()
        self._desks: dict[str, Desk] = {}
        self._retiring = Tasks("models")
        self._retired: set[Desk] = set()
        self._said: set[str] = set()
        backends = backends or {}
        self._catalogue = Catalogue()
        self.serve(Catalogue(backends, {name: Answerer(name) for name in backends}))

    def serve(self, catalogue: Catalogue) -> list[str]:
        """Serve another catalogue. Backends that are the same object go on; others end with their last request.
        Returns the warnings."""
        before, self._desks = self._desks, {}
        for name, backend in catalogue.backends.items():
            desk = before.pop(name, None)
            if desk is not None and desk.backend is backend:
                self._desks[name] = desk
                continue
            if desk is not None:
                before[name] = desk
            self._desks[name] = Desk(backend, self._limits.queued)
        for name, desk in before.items():
            self._retired.add(desk)
            self._retiring.spawn(self._retire(desk), f"end of {name}")
        self._catalogue = catalogue
        return list(catalogue.warnings)

    async def generate(self, model_id: str, request: GenerationRequest, caller: str = "") -> Generation:
        """Returns with the first part; what fails before it is raised here. Raises CallerError."""
        answerer, desk = self._asked(model_id)
        request = dataclasses.replace(request, model=answerer.model or model_id)
        ticket = await desk.enter(caller)
        try:
            parts = desk.backend.stream(request)
            return Generation(await anext(parts), parts, lambda: desk.leave(ticket))
        except BaseException:
            desk.leave(ticket)
            raise

    async def count_tokens(self, model_id: str, request: GenerationRequest) -> int:
        """Raises CallerError."""
        answerer, desk = self._asked(model_id)
        return await desk.backend.count_tokens(dataclasses.replace(request, model=answerer.model or model_id))

    async def embed(self, model_id: str, request: EmbeddingRequest, caller: str = "") -> Vectors:
        """Raises CallerError."""
        answerer, desk = self._asked(model_id)
        ticket = await desk.enter(caller)
        try:
            return await desk.backend.embed(dataclasses.replace(request, model=answerer.model or model_id))
        finally:
            desk.leave(ticket)

    def check(self, model_id: str) -> None:
        """Raises CallerError when nobody answers for that id."""
        self._find(model_id)

    def summary(self, model_id: str) -> ModelSummary:
        """Who answers for an id. Raises CallerError."""
        answerer, desk = self._find(model_id)
        return ModelSummary(model_id, answerer.backend, desk.backend.description, answerer.embeds)

    def summaries(self) -> list[ModelSummary]:
        """One for each line of the catalogue, patterns too."""
        return [
            ModelSummary(line, answerer.backend, self._desks[answerer.backend].backend.description, answerer.embeds)
            for line, answerer in self._catalogue.answerers.items()
        ]

    async def close(self) -> None:
        await self._retiring.aclose()
        for desk in (*self._desks.values(), *self._retired):
            await desk.backend.close()

    def _asked(self, model_id: str) -> tuple[Answerer, Desk]:
        answerer, desk = self._find(model_id)
        if self._catalogue.assumed and answerer.backend not in self._said:
            self._said.add(answerer.backend)
            _log.warning("%s is answered by %s: %s", model_id, desk.backend.description, self._catalogue.assumed)
        return answerer, desk

    def _find(self, model_id: str) -> tuple[Answerer, Desk]:
        line = meant(model_id, self._catalogue.answerers)
        if line is None:
            raise refusals.validation(f"The provided model identifier is invalid. {self._remedy(model_id)}")
        answerer = self._catalogue.answerers[line]
        return answerer, self._desks[answerer.backend]

    def _remedy(self, model_id: str) -> str:
        known = ", ".join(self._desks)
        write = f"`{model_id}: <backend>` under `models:`" if known else "a backend and the id under `models:`"
        there_are = f"; the backends are: {known}" if known else ""
        return f"(callpark: models.yaml does not say who answers for {model_id}; write {write}{there_are})"

    async def _retire(self, desk: Desk) -> None:
        await desk.idle()
        self._retired.discard(desk)
        await desk.backend.close()

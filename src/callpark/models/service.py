"""The slice's face: ask a model by its Bedrock id.

Used by `api/` for Bedrock's operations and, through `adapters.py`, by AppSync's data source.
"""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

from callpark.kernel.clock import Clock
from callpark.models import refusals
from callpark.models.backends.port import Backend
from callpark.models.model import EmbeddingRequest, GenerationRequest, ModelSummary, Part, Vectors


class Generation:
    """A model's answer under way: an asynchronous iterator of parts. Whoever does not read it to its Stop closes it,
    which ends the work within a token; `async with` does."""

    def __init__(self, first: Part, parts: AsyncIterator[Part]) -> None:
        self._first: Part | None = first
        self._parts = parts

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        """Raises CallerError when the model fails on its way."""
        first, self._first = self._first, None
        return await anext(self._parts) if first is None else first

    async def aclose(self) -> None:
        await self._parts.aclose()  # type: ignore[attr-defined]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Models:
    """Every model that can be asked. `caller` in its operations says who asks, for fairness: whatever tells clients
    apart."""

    def __init__(self, clock: Clock, backends: Mapping[str, Backend]) -> None:
        self._clock = clock
        self._backends = dict(backends)

    async def generate(self, model_id: str, request: GenerationRequest, caller: str = "") -> Generation:
        """Returns with the first part; what fails before it is raised here. Raises CallerError."""
        parts = self._backend(model_id).stream(request)
        return Generation(await anext(parts), parts)

    async def count_tokens(self, model_id: str, request: GenerationRequest) -> int:
        """Raises CallerError."""
        return await self._backend(model_id).count_tokens(request)

    async def embed(self, model_id: str, request: EmbeddingRequest, caller: str = "") -> Vectors:
        """Raises CallerError."""
        return await self._backend(model_id).embed(request)

    def check(self, model_id: str) -> None:
        """Raises CallerError when nobody answers for that id."""
        self._backend(model_id)

    def summaries(self) -> list[ModelSummary]:
        return [ModelSummary(name, name, backend.description) for name, backend in self._backends.items()]

    async def close(self) -> None:
        for backend in self._backends.values():
            await backend.close()

    def _backend(self, model_id: str) -> Backend:
        found = self._backends.get(model_id) or self._backends.get("*")
        if found is None:
            raise refusals.validation("The provided model identifier is invalid.")
        return found

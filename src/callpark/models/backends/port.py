"""What a backend is to the service: the one port that every kind of model stands behind.

Implemented by `scripted`, `local`, `openai_compatible` and `real_bedrock`; tests/models/backends/conformance.py says
what each must do. Refusals are Bedrock's (`refusals.py`), as CallerError.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from callpark.models.model import EmbeddingRequest, GenerationRequest, Part, Vectors


class Backend(Protocol):
    """One model. `at_once`: how many requests it works on at the same time; more wait in `scheduling.py`."""

    @property
    def at_once(self) -> int: ...

    @property
    def description(self) -> str:
        """What answers, for people: `SmolLM2-135M-Instruct.Q4_1.gguf, in a process of its own`."""
        ...

    def stream(self, request: GenerationRequest) -> AsyncIterator[Part]:
        """Parts as they are sampled, the last of them a Stop. An asynchronous generator: closing or cancelling it ends
        the work within a token. Raises CallerError."""
        ...

    async def count_tokens(self, request: GenerationRequest) -> int:
        """The request's input tokens. Raises CallerError."""
        ...

    async def embed(self, request: EmbeddingRequest) -> Vectors:
        """Raises CallerError, also when this model does not embed."""
        ...

    async def close(self) -> None:
        """Ends the work in hand and what the backend holds: processes, connections."""
        ...

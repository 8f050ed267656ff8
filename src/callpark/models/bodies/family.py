"""What a family of models is to `api/`: its body read, its answer and its stream written. One module
each implements it. A family without tools or blocks writes the text alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from callpark.models.asked import Asked, EmbeddingAsked
from callpark.models.completion import Completion, Step
from callpark.models.documents import Document
from callpark.models.model import Vectors


@dataclass(frozen=True, slots=True)
class Naming:
    """What answers call themselves: `identity` is 24 hexadecimal digits, `created` epoch seconds."""

    model_id: str
    identity: str
    created: int


Chunks: TypeAlias = Callable[[Step], Sequence[Document]]
"""Fed each step of one answer, it gives the chunks that go out for it."""


class TextFamily(Protocol):
    """`read` raises CallerError (ValidationException)."""

    def read(self, body: bytes) -> Asked: ...

    def answer(self, completion: Completion, naming: Naming) -> Document: ...

    def chunks(self, naming: Naming) -> Chunks:
        """For one stream: it may count."""
        ...


class EmbeddingFamily(Protocol):
    """`read` raises CallerError (ValidationException)."""

    def read(self, body: bytes) -> EmbeddingAsked: ...

    def answer(self, asked: EmbeddingAsked, vectors: Vectors, naming: Naming) -> Document: ...

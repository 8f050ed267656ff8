"""Cohere Embed's native body.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
"""

from collections.abc import Callable, Mapping, Sequence

from callpark.models.asked import EmbeddingAsked
from callpark.models.bodies.family import Naming
from callpark.models.bodies.schema import integer, items, members, one_of, read, text
from callpark.models.bodies.vectors import packed, whole
from callpark.models.documents import Document, integer_of, string_of, texts_of
from callpark.models.model import EmbeddingRequest, Vectors

_MOST_TEXTS = 96
_FORMS: Mapping[str, Callable[[Sequence[float]], Sequence[float]]] = {
    "float": tuple,
    "int8": lambda vector: whole(vector, signed=True),
    "uint8": lambda vector: whole(vector, signed=False),
    "binary": lambda vector: packed(vector, signed=True),
    "ubinary": lambda vector: packed(vector, signed=False),
}

SCHEMA = members(
    {
        "texts": items(text(at_least=1), least=1, most=_MOST_TEXTS),
        "input_type": one_of("search_document", "search_query", "classification", "clustering"),
        "truncate": one_of("NONE", "START", "END", "LEFT", "RIGHT"),
        "embedding_types": items(one_of(*_FORMS)),
        "output_dimension": integer(1, 1536),
    },
    required=("texts", "input_type"),
)


class CohereEmbed:
    """`usual`: how many numbers the version answers unless it is told."""

    def __init__(self, usual: int = 1024) -> None:
        self._usual = usual

    def read(self, body: bytes) -> EmbeddingAsked:
        given = read(body, SCHEMA)
        ignored = tuple(name for name in ("truncate",) if string_of(given, name) not in (None, "NONE"))
        request = EmbeddingRequest(texts_of(given, "texts"), integer_of(given, "output_dimension") or self._usual)
        return EmbeddingAsked(request, texts_of(given, "embedding_types"), ignored)

    def answer(self, asked: EmbeddingAsked, vectors: Vectors, naming: Naming) -> Document:
        if not asked.types:
            kind, found = "embeddings_floats", [list(vector) for vector in vectors.vectors]
            return _answer(kind, found, asked, naming)
        by_type = {name: [list(_FORMS[name](vector)) for vector in vectors.vectors] for name in asked.types}
        return _answer("embeddings_by_type", by_type, asked, naming)


def _answer(kind: str, embeddings: object, asked: EmbeddingAsked, naming: Naming) -> Document:
    return {
        "id": naming.identity,
        "texts": asked.request.texts,
        "response_type": kind,
        "embeddings": embeddings,
    }

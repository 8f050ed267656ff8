"""Amazon Titan Text Embeddings' native body, of its first and its second version.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
"""

from callpark.models.asked import EmbeddingAsked
from callpark.models.bodies.family import Naming
from callpark.models.bodies.schema import Schema, boolean, items, malformed, members, one_of, read, text
from callpark.models.bodies.vectors import bits
from callpark.models.documents import Document, integer_of, string_of, texts_of
from callpark.models.model import EmbeddingRequest, Vectors

_DIMENSIONS = (1024, 512, 256)
_FORMS = ("float", "binary")


def _dimensions(value: object, at: str) -> "list[str]":
    return [] if value in _DIMENSIONS and not isinstance(value, bool) else [f"{at}: {value} is not a valid enum value"]


_FIRST = members({"inputText": text(at_least=1)}, required=("inputText",))
_SECOND = members(
    {
        "inputText": text(at_least=1),
        "dimensions": lambda value, at: iter(_dimensions(value, at)),
        "normalize": boolean,
        "embeddingTypes": items(one_of(*_FORMS), least=1),
    },
    required=("inputText",),
)


class TitanEmbeddings:
    """`first`: of version 1, which answers 1,536 numbers and takes the text only."""

    def __init__(self, first: bool = False) -> None:
        self._schema: Schema = _FIRST if first else _SECOND
        self._usual = 1536 if first else _DIMENSIONS[0]

    def read(self, body: bytes) -> EmbeddingAsked:
        given = read(body, self._schema)
        asked = string_of(given, "inputText") or ""
        if not asked.strip():
            raise malformed("#/inputText: expected minLength: 1, actual: 0")
        request = EmbeddingRequest(
            (asked,), integer_of(given, "dimensions") or self._usual, given.get("normalize") is not False
        )
        return EmbeddingAsked(request, texts_of(given, "embeddingTypes"))

    def answer(self, asked: EmbeddingAsked, vectors: Vectors, naming: Naming) -> Document:
        (vector,) = vectors.vectors
        answer: dict[str, object] = {"embedding": vector, "inputTextTokenCount": vectors.input_tokens}
        if asked.types:
            forms = {"float": vector, "binary": bits(vector)}
            if "float" not in asked.types:
                del answer["embedding"]
            answer["embeddingsByType"] = {name: forms[name] for name in asked.types}
        return answer

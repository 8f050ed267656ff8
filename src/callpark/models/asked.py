"""A request that has been read, from any of Bedrock's wires, and what of it callpark does not act on.

Made by `converse/reading.py` and `bodies/`; `api/` asks the service with it and names once what is ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from callpark.models.documents import Document
from callpark.models.model import EmbeddingRequest, GenerationRequest
from callpark.models.refusals import validation

#: What a model that runs here could ever be asked for; more would only be a number that some backend cannot hold.
MOST_TOKENS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """`ignored`: what has no effect here, one phrase each, for the log."""

    request: GenerationRequest
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddingAsked:
    """`types`: the forms in which the vectors are wanted, as the family calls them."""

    request: EmbeddingRequest
    types: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def spelled(value: object, at: str) -> str:
    """A JSON value as text. Raises CallerError for what is nested deeper than any backend can pass on."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise validation(f"The value at {at} is nested too deeply.") from None


def named(members: Document, known: Sequence[str], within: str) -> tuple[str, ...]:
    """The members that nobody here acts on, as `within.name`."""
    return tuple(f"{within}.{name}" for name in members if name not in known)

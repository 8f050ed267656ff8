"""Members of JSON objects whose types have been checked, by a schema or by the gateway: a null is as good as nothing.

Used by `bodies/` and `converse/`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Document: TypeAlias = Mapping[str, object]


def string_of(document: Document, name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def number_of(document: Document, name: str) -> float | None:
    value = document.get(name)
    return float(value) if isinstance(value, int | float) else None


def integer_of(document: Document, name: str) -> int | None:
    value = document.get(name)
    return int(value) if isinstance(value, int | float) else None


def list_of(document: Document, name: str) -> Sequence[object]:
    value = document.get(name)
    return value if isinstance(value, list) else ()


def texts_of(document: Document, name: str) -> tuple[str, ...]:
    return tuple(item for item in list_of(document, name) if isinstance(item, str))


def object_of(document: Document, name: str) -> Document:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def objects_of(document: Document, name: str) -> Sequence[Document]:
    return [item for item in list_of(document, name) if isinstance(item, dict)]

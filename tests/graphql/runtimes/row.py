"""One call of a `util` function, and its answer. Used by the tables of this folder."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    arguments: tuple[Any, ...]
    expected: Any
    text_of_json: bool = False

    def __str__(self) -> str:
        return f"{self.name}{self.arguments}"[:70]

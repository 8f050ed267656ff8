"""How one limit is written: its default, its unit and where the number comes from."""

from dataclasses import field
from typing import TypeVar

Number = TypeVar("Number", int, float)


def limit(default: Number, unit: str, source: str) -> Number:
    """A field of a family of limits. `source` names the page, or says "our rule" or "recorded"."""
    value: Number = field(default=default, metadata={"unit": unit, "source": source})
    return value

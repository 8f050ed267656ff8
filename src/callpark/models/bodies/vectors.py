"""Vectors in the forms that embedding families offer. Pure.

Used by `titan_embeddings.py` and `cohere.py`.
"""

import math
from collections.abc import Sequence


def fitted(vector: Sequence[float], dimensions: int | None, *, normalize: bool) -> tuple[float, ...]:
    """The vector with as many numbers as the client's index has been made for. Zeros at the end change neither lengths
    nor angles; where numbers have to go, the rest is brought back to its length when a normal vector was asked for."""
    if dimensions is None or len(vector) == dimensions:
        return tuple(vector)
    if len(vector) < dimensions:
        return (*vector, *(0.0,) * (dimensions - len(vector)))
    kept = tuple(vector[:dimensions])
    length = math.sqrt(sum(value * value for value in kept))
    return tuple(value / length for value in kept) if normalize and length else kept


def bits(vector: Sequence[float]) -> tuple[int, ...]:
    """One bit for each number: is it positive?"""
    return tuple(int(value > 0) for value in vector)


def packed(vector: Sequence[float], *, signed: bool) -> tuple[int, ...]:
    """The same bits, eight to a number, the first one highest; `signed` from -128 to 127."""
    found = bits(vector)
    eights = [found[at : at + 8] for at in range(0, len(found), 8)]
    numbers = [sum(bit << (7 - place) for place, bit in enumerate(eight)) for eight in eights]
    return tuple(value - 128 if signed else value for value in numbers)


def whole(vector: Sequence[float], *, signed: bool) -> tuple[int, ...]:
    """Numbers between -1 and 1 as bytes: -128 to 127, or 0 to 255."""
    numbers = [max(-128, min(127, round(value * 127))) for value in vector]
    return tuple(value if signed else value + 128 for value in numbers)

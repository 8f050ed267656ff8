"""The one source of ids and randomness. `SystemIds` for real runs, `SeededIds` for runs that must repeat."""

import os
import random
import uuid
from typing import Protocol

_SYSTEM = random.SystemRandom()
_POOLED = 128
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Ids(Protocol):
    def uuid(self) -> str:
        """A UUID of version 4, lower case, 8-4-4-4-12, with at least 88 random bits."""
        ...

    def hex(self, length: int) -> str:
        """`length` lower-case hexadecimal digits."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...


class SystemIds:
    """UUIDs count up in their first eight digits, from a random start: ids that are stored in the order in which they
    were made then meet in few pages of an index (random ones dirty a page each), and 90 random bits remain."""

    def __init__(self) -> None:
        self._count = int.from_bytes(os.urandom(4))
        self._digits = ""
        self._taken = 0

    def uuid(self) -> str:
        start = self._taken
        if start == len(self._digits):
            self._digits, start = os.urandom(12 * _POOLED).hex(), 0
        self._taken = start + 24
        self._count = count = (self._count + 1) & 0xFFFFFFFF
        digits = self._digits[start : start + 24]
        return f"{count:08x}-{digits[:4]}-4{digits[4:7]}-{_VARIANT[digits[7]]}{digits[8:11]}-{digits[11:23]}"

    def hex(self, length: int) -> str:
        return f"{_SYSTEM.getrandbits(4 * length):0{length}x}"

    def fraction(self) -> float:
        return _SYSTEM.random()


class SeededIds:
    """The same ids in the same order for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def hex(self, length: int) -> str:
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def fraction(self) -> float:
        return self._random.random()


_LETTERS_AND_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"


def spelled(number: int, length: int = 26) -> str:
    """`length` lower-case letters and digits that a number stands for, as in AppSync's ids and keys."""
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(_LETTERS_AND_DIGITS))
        letters.append(_LETTERS_AND_DIGITS[index])
    return "".join(letters)

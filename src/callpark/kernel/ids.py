"""The one source of ids and randomness. `SystemIds` for real runs, `SeededIds` for runs that must repeat."""

import random
import uuid
from typing import Protocol

_SYSTEM = random.SystemRandom()


class Ids(Protocol):
    def uuid(self) -> str:
        """A random UUID, lower case, 8-4-4-4-12."""
        ...

    def hex(self, length: int) -> str:
        """`length` lower-case hexadecimal digits."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...


class SystemIds:
    def uuid(self) -> str:
        return str(uuid.uuid4())

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

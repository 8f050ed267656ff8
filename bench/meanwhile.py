"""What the machine itself was like while something was measured: how long a flush of the disk took, and how late a
sleeper was woken. What is late in a row here is not callpark's.
"""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_EVERY_SECONDS = 0.05
_WRITE_BYTES = 4_096


@dataclass(slots=True)
class Meanwhile:
    """Milliseconds: of each flush, and by which each sleeper came late."""

    flushes: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


@contextlib.contextmanager
def meanwhile() -> Iterator[Meanwhile]:
    """Looks twenty times a second, in a thread, until the block ends."""
    seen, over = Meanwhile(), threading.Event()
    looking = threading.Thread(target=_look, args=(seen, over), name="meanwhile")
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _look(seen: Meanwhile, over: threading.Event) -> None:
    with tempfile.TemporaryFile() as file:
        descriptor = file.fileno()
        while not over.is_set():
            asleep = time.perf_counter()
            time.sleep(_EVERY_SECONDS)
            awake = time.perf_counter()
            os.pwrite(descriptor, bytes(_WRITE_BYTES), 0)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            seen.flushes.append((time.perf_counter() - began) * 1_000)
            seen.late.append((awake - asleep - _EVERY_SECONDS) * 1_000)

"""What the disk allows: how long one flush of a small write takes. Every durable acknowledgement waits for one."""

import os
import tempfile
import time

from bench.figures import percentile

_FILE_BYTES = 4_194_304
_WRITE_BYTES = 16_384


def flush_milliseconds(rounds: int = 300) -> tuple[float, float]:
    """The median and the 99th percentile of `fdatasync` after a write into a file that does not grow."""
    times = []
    with tempfile.TemporaryFile() as file:
        descriptor = file.fileno()
        os.pwrite(descriptor, bytes(_FILE_BYTES), 0)
        os.fsync(descriptor)
        for number in range(rounds):
            os.pwrite(descriptor, os.urandom(_WRITE_BYTES), number * _WRITE_BYTES % _FILE_BYTES)
            started = time.perf_counter()
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - started) * 1_000)
    return percentile(times, 0.5), percentile(times, 0.99)

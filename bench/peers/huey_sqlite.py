"""huey on SQLite: a well-kept task queue on the same kind of file, in process. Durable to the same degree only with
fsync, which huey offers as a setting; both ways are measured."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONSUMER = """
import sys
from bench.peers.huey_sqlite import queue
huey, count = queue(sys.argv[1], fsync=False), int(sys.argv[2])
ran = 0
while ran < count:
    task = huey.dequeue()
    if task is not None:
        huey.execute(task)
        ran += 1
"""


def queue(path: str, *, fsync: bool):  # type: ignore[no-untyped-def]  # huey is untyped
    """A huey queue in the file, with its one no-op task registered as `huey.noop`."""
    from huey import SqliteHuey

    huey = SqliteHuey(filename=path, results=False, fsync=fsync)

    @huey.task()  # type: ignore[untyped-decorator]
    def noop(event: str) -> None:
        return None

    huey.noop = noop
    return huey


def enqueues_per_second(count: int, *, fsync: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        huey = queue(str(Path(folder) / "huey.db"), fsync=fsync)
        started = time.perf_counter()
        for _ in range(count):
            huey.noop('{"message": "hi"}')
        return count / (time.perf_counter() - started)


def runs_per_second(count: int) -> float:
    """Enqueue, then run in one consumer process: enqueueing and running counted together."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "huey.db")
        huey = queue(path, fsync=False)
        started = time.perf_counter()
        for _ in range(count):
            huey.noop('{"message": "hi"}')
        subprocess.run([sys.executable, "-c", CONSUMER, path, str(count)], check=True, timeout=120)
        return count / (time.perf_counter() - started)

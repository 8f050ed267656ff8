"""dramatiq on Redis, when a redis-server is on the machine: started here on a loopback port, stopped here."""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

WORKER_MODULE = "bench.peers.dramatiq_redis_actor"


def present() -> bool:
    return shutil.which("redis-server") is not None


@contextlib.contextmanager
def _redis() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.perf_counter() + 10
            while time.perf_counter() < deadline:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
            yield port
        finally:
            server.terminate()
            server.wait(10)


def figures(count: int) -> tuple[float, float]:
    """(enqueues per second, enqueue-and-run per second) of a task that increments a key."""
    import os

    import redis

    with _redis() as port:
        os.environ["BENCH_REDIS_PORT"] = str(port)
        from bench.peers.dramatiq_redis_actor import increment

        started = time.perf_counter()
        for _ in range(count):
            increment.send()
        enqueued = time.perf_counter() - started
        workers = subprocess.Popen(
            [sys.executable, "-m", "dramatiq", WORKER_MODULE, "--processes", "2", "--threads", "4"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            client = redis.Redis(port=port)
            deadline = time.perf_counter() + 60
            while int(client.get("ran") or 0) < count and time.perf_counter() < deadline:
                time.sleep(0.01)
            return count / enqueued, count / (time.perf_counter() - started)
        finally:
            workers.terminate()
            workers.wait(10)

"""A real NATS server for tests: started on a free port, stopped, paused and killed by its own process id."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

BINARY = Path(sys.executable).with_name("nats-server")


class Server:
    """One server with its own folder. `start` after a `kill` finds what was stored."""

    def __init__(self, folder: Path, *options: str, jetstream: str = "") -> None:
        self.port, self.cluster_port = free_port(), free_port()
        self._folder = folder
        self._options = options
        self._configuration = f'listen: "127.0.0.1:{self.port}"\nmax_payload: 1MB'
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(jetstream or f'jetstream {{ store_dir: "{folder}/js", sync_interval: always }}')
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, *more: str) -> None:
        """Add to what the server is told."""
        self._configuration = "\n".join([self._configuration, *more])
        (self._folder / "nats.conf").write_text(self._configuration)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> "Server":
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(BINARY), "-c", str(self._folder / "nats.conf"), *self._options], stdout=log, stderr=log
            )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                if json.loads(connection.recv(4096).partition(b"INFO ")[2].split(b"\r\n")[0]):
                    return self
            time.sleep(0.02)
        raise RuntimeError((self._folder / "log").read_text())

    def send(self, signal_number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal_number)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.process.wait(20)
            self.process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def cluster(folder: Path, count: int = 3) -> Iterator[list[Server]]:
    """Servers that are one cluster, all started."""
    servers = clustered(folder, count)
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.remove()


def clustered(folder: Path, count: int = 3) -> list[Server]:
    """Servers that would be one cluster, none started."""
    servers = [Server(folder / f"s{number}") for number in range(count)]
    routes = ", ".join(f'"nats://127.0.0.1:{server.cluster_port}"' for server in servers)
    for number, server in enumerate(servers):
        server.configure(
            f'server_name: "s{number}"\n'
            f'cluster {{ name: "test", listen: "127.0.0.1:{server.cluster_port}", routes: [{routes}] }}'
        )
    return servers


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextlib.contextmanager
def running(folder: Path, *options: str, jetstream: str = "") -> Iterator[Server]:
    server = Server(folder, *options, jetstream=jetstream)
    try:
        yield server.start()
    finally:
        server.remove()

"""One process per data directory. Called when the store is opened and closed."""

import fcntl
import os
from pathlib import Path

from callpark.kernel.errors import ProjectError


class DirectoryLock:
    """Held from `take` to `release`, or until the process dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, directory: Path) -> "DirectoryLock":
        """Raises ProjectError when the directory cannot be used or another process uses it."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(directory / "callpark.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ProjectError(
                f"the data directory {directory} cannot be used: {error.strerror}",
                "choose another one with --data, or make this one writable",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise ProjectError(
                f"the data directory {directory} is in use by process {owner}",
                "stop that process, or choose another directory with --data",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return cls(descriptor)

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

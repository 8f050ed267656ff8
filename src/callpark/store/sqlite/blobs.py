"""Blobs as files, `blobs/ab/abcdef…`, named by their SHA-256. Called on the store's file thread."""

import contextlib
import hashlib
import os
import re
import tempfile
from pathlib import Path

from callpark.store.sqlite.directory import sync_directory
from callpark.store.sqlite.faults import FaultHook, pass_by

_DIGEST = re.compile(r"[0-9a-f]{64}")


def write(root: Path, data: bytes, fault: FaultHook | None = None) -> str:
    """Keep `data` durably and whole, or not at all; returns its digest. Raises OSError."""
    digest = hashlib.sha256(data).hexdigest()
    path = root / digest[:2] / digest
    if path.exists():
        sync_directory(path.parent)
        return digest
    if not path.parent.exists():
        path.parent.mkdir()
        sync_directory(root)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix="incoming-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        pass_by(fault, "before_blob_rename")
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_directory(path.parent)
    pass_by(fault, "after_blob_rename")
    return digest


def read(root: Path, digest: str) -> bytes | None:
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        return (root / digest[:2] / digest).read_bytes()
    except FileNotFoundError:
        return None


def delete(root: Path, digest: str) -> None:
    """Raises OSError."""
    if _DIGEST.fullmatch(digest):
        (root / digest[:2] / digest).unlink(missing_ok=True)


def prepare(root: Path) -> None:
    """Make the folder, and remove what a dead process left half written. Only while the directory lock is held."""
    root.mkdir(exist_ok=True)
    for leftover in root.glob("*/incoming-*"):
        leftover.unlink(missing_ok=True)

"""Directories that are run where they lie: what they are known by.

Called by `code/packages.py`, on a thread, when a project is loaded or loaded again. The identity covers names, sizes
and modification times of all files, so it changes when the code does and costs no reading; byte code and version
control are left out. Between two loads an edit is not looked for: environments that run keep the code they imported.
"""

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from callpark.functions import refusals
from callpark.functions.model import CodeIdentity
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import LambdaLimits

_LEFT_OUT = frozenset({"__pycache__", ".git", ".hg", ".svn", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_MAXIMUM_FILES = 200_000


def identify(root: Path) -> CodeIdentity:
    """Raises ProjectError when the directory cannot be read."""
    if not root.is_dir():
        raise ProjectError(f"the code directory {root} does not exist", "correct CodeUri or Code in the template")
    digest, size = hashlib.sha256(), 0
    for path, status in _files(root):
        size += status.st_size
        relative = os.path.relpath(path, root)
        digest.update(f"{relative}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return CodeIdentity(base64.b64encode(digest.digest()).decode(), size)


def packed(root: Path, limits: LambdaLimits) -> bytes:
    """The directory as a zip. Raises CallerError when it is larger than a package may be, ProjectError when it is no
    directory."""
    if not root.is_dir():
        raise ProjectError(f"the code directory {root} does not exist", "correct CodeUri or Code in the template")
    buffer, size = io.BytesIO(), 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path, status in _files(root):
            size += status.st_size
            if size > limits.unzipped_bytes:
                raise refusals.invalid_parameter(f"Unzipped size must be smaller than {limits.unzipped_bytes} bytes")
            archive.write(path, os.path.relpath(path, root))
    return buffer.getvalue()


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """All files that are code, by path. Raises ProjectError for too many."""
    files = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        files += len(names)
        if files > _MAXIMUM_FILES:
            raise ProjectError(
                f"the code directory {root} holds more than {_MAXIMUM_FILES} files",
                "point CodeUri at the function's own directory",
            )
        for name in sorted(names):
            if name.endswith(".pyc"):
                continue
            path = os.path.join(folder, name)
            try:
                yield path, os.stat(path)
            except OSError:
                continue  # a dangling link or a file that has just gone

"""Directories that are run where they lie: what they are known by.

Called by `code/packages.py`, on a thread, when a project is loaded or loaded again. The identity covers names, sizes
and modification times of all files, so it changes when the code does and costs no reading; byte code and version
control are left out. Between two loads an edit is not looked for: environments that run keep the code they imported.
"""

import base64
import hashlib
import os
from pathlib import Path

from callpark.functions.model import CodeIdentity
from callpark.kernel.errors import ProjectError

_LEFT_OUT = frozenset({"__pycache__", ".git", ".hg", ".svn", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_MAXIMUM_FILES = 200_000


def identify(root: Path) -> CodeIdentity:
    """Raises ProjectError when the directory cannot be read."""
    if not root.is_dir():
        raise ProjectError(f"the code directory {root} does not exist", "correct CodeUri or Code in the template")
    digest, size, files = hashlib.sha256(), 0, 0
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
                status = os.stat(path)
            except OSError:
                continue  # a dangling link or a file that has just gone
            size += status.st_size
            relative = os.path.relpath(path, root)
            digest.update(f"{relative}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return CodeIdentity(base64.b64encode(digest.digest()).decode(), size)

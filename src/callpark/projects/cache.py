"""The user's cache folder: what can always be made again, by digest. Used by `transform.py` and `resources/code.py`.

Whatever goes wrong with a cached translation, it is translated anew; whatever goes wrong with unpacked code is an
error, because functions run from there.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from callpark.projects.document import Value

_KEPT = 64


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/callpark`, or `~/.cache/callpark`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "callpark"


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[Path]:
    """A folder to fill that appears at `folder` complete or not at all. Raises OSError."""
    work = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, mode=0o700)
    try:
        yield work
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process may have been faster, with the same bytes
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def recall(kind: str, digest: str) -> dict[str, Value] | None:
    """The mapping kept under a digest, or None."""
    try:
        found = json.loads((cache_folder() / kind / f"{digest}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def keep(kind: str, digest: str, values: dict[str, Value]) -> None:
    """Keep a mapping; the oldest are dropped. A folder that cannot be written to keeps nothing."""
    folder = cache_folder() / kind
    work = folder / f"{digest}.{os.getpid()}"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        work.write_text(json.dumps(values), encoding="utf-8")
        work.replace(folder / f"{digest}.json")
        kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[_KEPT:]:
            path.unlink()

"""How full an environment's TMPDIR is. Used by `environment.py`, which has it measured in a thread while a run is on.

There is no quota that a server without privileges could set, so the limit works in two steps: no file can become
larger than EphemeralStorage (RLIMIT_FSIZE), and once all together are, the limit of the running processes drops to
nothing until there is room again. A write then fails with EFBIG, "File too large", where AWS says ENOSPC.
"""

import os
from pathlib import Path


class TemporarySpace:
    """The folder `directory` and the megabytes it may hold."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        self.directory = directory
        self.limit_bytes = megabytes * 1024 * 1024

    def used_bytes(self) -> int:
        """What its files occupy. What vanishes meanwhile is not counted."""
        return _occupied(str(self.directory))


def _occupied(directory: str) -> int:
    total = 0
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += _occupied(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return total
    return total

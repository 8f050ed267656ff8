"""Small files that all nodes have alike, e.g. the key of the local user pool: the first node's, kept in the store.

Called by `app.py` while it is this node's turn to start.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from callpark.cluster.node import TABLE
from callpark.store.ports import SetRow, Store


async def share(store: Store, path: Path, make: Callable[[], object]) -> None:
    """The file at `path` is the cluster's from now on; `make` makes it when there is none anywhere."""
    key = f"file/{path.name}"
    row = await store.get(TABLE, key)
    if row is not None:
        await asyncio.to_thread(_write, path, row.value)
        return
    if not await asyncio.to_thread(path.exists):
        await asyncio.to_thread(make)
    await store.commit((SetRow(TABLE, key, await asyncio.to_thread(path.read_bytes), revision=0),))


def _write(path: Path, data: bytes) -> None:
    """Readable by its owner only; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)

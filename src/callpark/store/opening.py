"""Opens the store that a server is told to use. Called by `serving.py` and by commands that look into a store."""

from pathlib import Path

from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import StoreLimits
from callpark.store.ports import Store
from callpark.store.sqlite.store import SqliteStore


async def open_store(
    address: str, data: Path, clock: Clock, ids: Ids, limits: StoreLimits, *, node: str, replicas: int | None = None
) -> Store:
    """`address` empty: SQLite in the folder `data`; `nats://…`: the one that nodes share, joined as `node`.

    Raises ProjectError.
    """
    if not address:
        return SqliteStore.open(data, clock)
    try:
        from callpark.store.nats import NatsStore
        from callpark.store.nats.connection import parse_address
    except ModuleNotFoundError as missing:
        raise ProjectError(
            f"--store {address} needs the package {missing.name}", "install callpark with its extra: callpark[cluster]"
        ) from None
    return await NatsStore.open(parse_address(address), clock, ids, limits, node=node, replicas=replicas)

"""The durable store of a single node. `SqliteStore.open(directory, clock)` is its whole face."""

from callpark.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]

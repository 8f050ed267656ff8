"""The store of several nodes: one JetStream stream that all of them follow. `NatsStore.open(…)` is its whole face."""

from callpark.store.nats.store import NatsStore

__all__ = ["NatsStore"]

"""The task that dramatiq's workers import."""

import os

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

port = int(os.environ["BENCH_REDIS_PORT"])
dramatiq.set_broker(RedisBroker(host="127.0.0.1", port=port))  # type: ignore[no-untyped-call]
client = redis.Redis(host="127.0.0.1", port=port)


@dramatiq.actor
def increment() -> None:
    client.incr("ran")

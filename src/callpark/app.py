"""The composition root: builds each service once and wires them. The only place that knows all of them.

`served()` is what commands and tests use: a bound port, every service open, the project loaded, the server answering;
everything closed in the opposite order at the end.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock, SystemClock
from callpark.kernel.ids import Ids, SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and how to serve. Port 0 takes a free one."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 4566
    place: Place = field(default_factory=Place)
    limits: Limits = field(default_factory=Limits)
    parameters: Mapping[str, str] = field(default_factory=dict)


class ApiHealth(msgspec.Struct, frozen=True):
    name: str
    id: str
    graphql_url: str
    realtime_url: str
    api_key: str | None


class FlowHealth(msgspec.Struct, frozen=True):
    name: str
    arn: str
    numbers: list[str]


class Health(msgspec.Struct, frozen=True):
    """The answer of `GET /_callpark/health`."""

    status: str
    region: str
    account: str
    functions: list[str]
    apis: list[ApiHealth]
    flows: list[FlowHealth]
    queues: list[str]

"""What a server is told at its start: where and how to serve, and where its project comes from.

Made by commands and tests, read by `app.py` and `serving.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callpark.kernel.arn import Place
from callpark.kernel.limits import Limits
from callpark.projects.model import Project
from callpark.upstreams.assignments import Assignments


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and how to serve. Port 0 takes a free one."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 4566
    place: Place = field(default_factory=Place)
    limits: Limits = field(default_factory=Limits)
    parameters: Mapping[str, str] = field(default_factory=dict)
    upstreams: Assignments = field(default_factory=Assignments)
    databases: Mapping[str, str] = field(default_factory=dict)
    access_keys: Mapping[str, str] = field(default_factory=dict)
    """Secrets by access key id; with any, requests signed by others are refused."""
    key_sources: Mapping[str, str] = field(default_factory=dict)
    """Token issuer → JWKS file, JWKS URL or `unverified`."""
    store: str = ""
    """`nats://…`: the store that several nodes share; empty: SQLite in `data`."""
    store_replicas: int | None = None
    """How many servers of the shared store keep everything; None: three, or as many as there are."""
    node: str = ""
    """This node's name among those that share a store; empty: the machine's, and the port."""
    advertise: str = ""
    """Where the other nodes reach this one; empty: where it listens."""
    strict: bool = False
    """Refuse flows that Amazon Connect would refuse to publish."""


Source = Callable[[], Project]
"""Reads the project from disk, again at each reload. Raises ProjectError."""

"""The databases that stand for clusters: each name a URL, each URL a few threads with a connection each.

Built by `app.py` from `--database`; implements `Databases`. A statement that nobody waits for any more runs to its end
in its thread, or to the database's statement timeout.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from callpark.graphql.datasources.databases.sqlite import SqliteConnection
from callpark.graphql.datasources.port import Database, StatementResult
from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import AppSyncLimits


class Connection(Protocol):
    """Blocking; used by one thread at a time."""

    def execute(self, statement: str, variables: Mapping[str, object], hints: Mapping[str, str]) -> StatementResult: ...
    @property
    def usable(self) -> bool: ...
    def close(self) -> None: ...


class NamedDatabases:
    """`urls`: a cluster's name or ARN → `postgresql://…` or `sqlite:///path`; `name/database` names one database of a
    cluster. Raises ProjectError for a URL that is neither."""

    def __init__(self, urls: Mapping[str, str], clock: Clock, limits: AppSyncLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._urls = dict(urls)
        self._pools: dict[str, _Pool] = {}
        for name, url in urls.items():
            _connector(name, url, None, limits.request_seconds)

    def find(self, cluster: str, database: str | None) -> Database | None:
        short = cluster.rpartition(":")[2]
        named = (f"{cluster}/{database}", f"{short}/{database}") if database else ()
        for name in named:
            if name in self._urls:
                return self._pool(name, None)
        for name in (cluster, short):
            if name in self._urls:
                return self._pool(name, database)
        return None

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _pool(self, name: str, database: str | None) -> "_Pool":
        key = f"{name}\n{database}"
        if key not in self._pools:
            connect = _connector(name, self._urls[name], database, self._limits.request_seconds)
            threads = 1 if ":memory:" in self._urls[name] else self._limits.database_connections
            self._pools[key] = _Pool(name, connect, threads, self._clock)
        return self._pools[key]


def _connector(name: str, url: str, database: str | None, seconds: float) -> Callable[[], Connection]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        # sqlite:///relative, sqlite:////absolute, as everybody writes them
        return lambda: SqliteConnection(path[1:] or ":memory:")
    if parts.scheme not in ("postgresql", "postgres"):
        raise ProjectError(
            f"the database {name} has the URL {url}", "write postgresql://user:password@host/database or sqlite:///path"
        )
    try:
        from callpark.graphql.datasources.databases.postgres import PostgresConnection
    except ImportError as error:
        raise ProjectError(f"the database {name} needs a PostgreSQL driver", "install callpark[postgres]") from error
    if database and parts.path in ("", "/"):
        url = urlunsplit(parts._replace(path=f"/{database}"))
    return lambda: PostgresConnection(url, seconds)


class _Pool:
    """One database. Connections are made when they are needed and made anew when they break."""

    def __init__(self, name: str, connect: Callable[[], Connection], threads: int, clock: Clock) -> None:
        self._name = name
        self._connect = connect
        self._clock = clock
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"callpark-database-{name}")
        self._mine = threading.local()
        self._all: list[Connection] = []

    async def execute(
        self, statement: str, variables: Mapping[str, object], hints: Mapping[str, str]
    ) -> StatementResult:
        loop = asyncio.get_running_loop()
        with self._clock.hold(f"database {self._name}"):
            return await loop.run_in_executor(self._threads, self._execute, statement, variables, hints)

    def _execute(self, statement: str, variables: Mapping[str, object], hints: Mapping[str, str]) -> StatementResult:
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is not None and not connection.usable:
            self._drop(connection)
            connection = None
        if connection is None:
            connection = self._mine.connection = self._connect()
            self._all.append(connection)
        return connection.execute(statement, variables, hints)

    def _drop(self, connection: Connection) -> None:
        self._all.remove(connection)
        with contextlib.suppress(Exception):  # it is broken already, and a driver may say so in any words
            connection.close()

    def close(self) -> None:
        """Wait for no statement: what still runs ends with its connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for connection in list(self._all):
            with contextlib.suppress(Exception):
                connection.close()

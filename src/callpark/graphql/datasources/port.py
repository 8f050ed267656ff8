"""What a data source is to resolvers, and what data sources need of the world. Implemented by one file each beside this
one; `app.py` hands the world over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from callpark.kernel.arn import Place


@dataclass(frozen=True, slots=True)
class SourceError:
    """Becomes `ctx.error`. `function_type` is the class name a function's own error carried, for direct resolvers."""

    message: str
    type: str
    function_type: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the data source gave: `ctx.result` and `ctx.error`."""

    result: object = None
    error: SourceError | None = None


class DataSource(Protocol):
    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        """Do what a request handler asked. `deadline` in epoch seconds. Raises FieldFailure for a request that this
        kind of data source does not understand."""
        ...


class Upstreams(Protocol):
    """AWS services that callpark does not serve itself, whoever does."""

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """`service` and `operation` by botocore's names, parameters and result as boto3's client takes and gives them.
        Raises CallerError with the service's own code; `ServiceUnavailable` when nobody serves it."""
        ...

    def address(self, service: str) -> str | None:
        """The URL that answers for a service of the user's choice, or None."""
        ...


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it goes out. `url` is absolute."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """`headers` by the names the server wrote; repeated ones are joined by commas."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class HttpFailure(Exception):
    """No answer came. `kind` names why, in one word."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class HttpSender(Protocol):
    async def send(self, request: HttpRequest, most_bytes: int) -> HttpReply:
        """Send and read the whole answer, following no redirect. Raises HttpFailure."""
        ...


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What one SQL statement did: members by the RDS Data API's names."""

    records: tuple[tuple[Mapping[str, object], ...], ...] = ()
    columns: tuple[Mapping[str, object], ...] = ()
    updated: int = 0
    generated: tuple[Mapping[str, object], ...] = ()


class DatabaseFailure(Exception):
    """The database refused a statement, or cannot be reached."""


class Database(Protocol):
    async def execute(
        self, statement: str, variables: Mapping[str, object], hints: Mapping[str, str]
    ) -> StatementResult:
        """Run one statement and make it durable. Variables and hints by name, without the colon. Raises
        DatabaseFailure."""
        ...


class Databases(Protocol):
    def find(self, cluster: str, database: str | None) -> Database | None:
        """The database that stands for a cluster (an ARN or a name), or None."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What data sources reach beside functions."""

    upstreams: Upstreams
    http: HttpSender
    databases: Databases
    base_url: str = "http://127.0.0.1:4566"
    place: Place = field(default_factory=Place)

"""Options that several commands share, and what they turn into."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits

if TYPE_CHECKING:
    from callpark.upstreams.assignments import Assignments

DEFAULT_ENDPOINT = "http://127.0.0.1:4566"


class Output(StrEnum):
    """Formats of commands that answer once."""

    TEXT = "text"
    JSON = "json"


class CheckOutput(StrEnum):
    """`flow check` also speaks the format of code scanners."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class StatusOutput(StrEnum):
    """`status` can also print lines for a shell's `eval`."""

    TEXT = "text"
    ENV = "env"
    JSON = "json"


Project = Annotated[
    Path, typer.Argument(help="Folder with template.yaml (or .json, or cdk.out/), or a template or flow file.")
]
Host = Annotated[str, typer.Option(help="Address to listen on. Keep the default unless you know who can reach it.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65_535)]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder for the durable state. Default: .callpark in the project.")
]
Store = Annotated[
    str,
    typer.Option(
        envvar="CALLPARK_STORE",
        metavar="URL",
        help="The store that several nodes share: nats://a:4222,b:4222,c:4222/NAME. Default: SQLite in --data.",
    ),
]
StoreReplicas = Annotated[
    int | None,
    typer.Option(
        "--store-replicas", help="Servers that keep everything; default: 3, or as many as there are.", min=1, max=5
    ),
]
NodeName = Annotated[
    str,
    typer.Option(
        envvar="CALLPARK_NODE",
        help="This node's name among those that share a store. Default: the machine's, and the port.",
        show_default=False,
    ),
]
Advertise = Annotated[
    str,
    typer.Option(
        envvar="CALLPARK_ADVERTISE",
        metavar="URL",
        help="Where the other nodes reach this one, e.g. http://10.0.0.7:4566. Default: where it listens.",
        show_default=False,
    ),
]
LimitAssignments = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME=VALUE", help="Override a limit (see `callpark limits`); repeatable."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter of the template; repeatable."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse flows that Amazon Connect would refuse to publish.", show_default=False)
]
UpstreamAssignments = Annotated[
    list[str] | None,
    typer.Option(
        "--upstream",
        metavar="SERVICE=URL",
        help="Who serves what callpark does not: SERVICE=URL, SERVICE=aws, SERVICE=none, all=…; repeatable.",
    ),
]
DatabaseAssignments = Annotated[
    list[str] | None,
    typer.Option(
        "--database",
        metavar="CLUSTER=URL",
        help="What stands for a database cluster of AppSync's: postgresql://… or sqlite:///path; repeatable.",
    ),
]
KeySources = Annotated[
    list[str] | None,
    typer.Option(
        "--jwks",
        metavar="ISSUER=FILE|URL",
        help="The keys of a token issuer; ISSUER=unverified trusts its tokens unseen; repeatable.",
    ),
]
Endpoint = Annotated[
    str, typer.Option(envvar="CALLPARK_ENDPOINT", help="A running callpark server (`callpark start` or `dev`).")
]
OutputFormat = Annotated[Output, typer.Option("-o", "--output", help="text for people, json for scripts.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What `start` and `dev` were asked, as it was written."""

    project: Path
    host: str
    port: int
    data: Path | None
    limit: list[str] | None
    parameter: list[str] | None
    upstream: list[str] | None
    database: list[str] | None
    jwks: list[str] | None
    strict: bool
    store: str = ""
    store_replicas: int | None = None
    node_name: str = ""
    advertise: str = ""


def limits(assignments: list[str] | None) -> Limits:
    """The limits after `CALLPARK_LIMITS` and then `--limit`. Raises ProjectError."""
    inherited = [item for item in os.environ.get("CALLPARK_LIMITS", "").split(",") if item.strip()]
    return Limits().override([*inherited, *(assignments or [])])


def upstreams(assignments: list[str] | None) -> "Assignments":
    """Who serves foreign services, after `CALLPARK_UPSTREAMS` and then `--upstream`. Raises ProjectError."""
    from callpark.upstreams.assignments import Assignments, parse
    from callpark.upstreams.models import service_names

    inherited = [item for item in os.environ.get("CALLPARK_UPSTREAMS", "").split(",") if item.strip()]
    said = [*inherited, *(assignments or [])]
    return parse(said, service_names()) if said else Assignments()


def databases(assignments: list[str] | None) -> dict[str, str]:
    """Cluster (name or ARN) → URL, after `CALLPARK_DATABASES` and then `--database`. Raises ProjectError."""
    inherited = [item for item in os.environ.get("CALLPARK_DATABASES", "").split(",") if item.strip()]
    found: dict[str, str] = {}
    for assignment in [*inherited, *(assignments or [])]:
        cluster, equals, url = assignment.strip().partition("=")
        if not equals or not cluster:
            raise ProjectError(
                f"not a database: {assignment!r}", "write --database CLUSTER=postgresql://user@host/name"
            )
        found[cluster] = url
    return found


def parameters(assignments: list[str] | None) -> dict[str, str]:
    """`NAME=VALUE` pairs. Raises ProjectError."""
    found: dict[str, str] = {}
    for assignment in assignments or []:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise ProjectError(f"not a parameter: {assignment!r}", "write --parameter NAME=VALUE")
        found[name] = value
    return found


def access_keys() -> dict[str, str]:
    """Secrets by access key id, from `CALLPARK_CREDENTIALS=ID:SECRET,…`. Raises ProjectError."""
    found: dict[str, str] = {}
    for pair in os.environ.get("CALLPARK_CREDENTIALS", "").split(","):
        key, colon, secret = pair.strip().partition(":")
        if key and not (colon and secret):
            raise ProjectError("CALLPARK_CREDENTIALS holds a key without a secret", "write ID:SECRET,ID:SECRET")
        if key:
            found[key] = secret
    return found


def key_sources(assignments: list[str] | None) -> dict[str, str]:
    """Token issuer → JWKS file, URL or `unverified`, after `CALLPARK_JWKS` and then `--jwks`. Raises ProjectError."""
    found: dict[str, str] = {}
    inherited = [item for item in os.environ.get("CALLPARK_JWKS", "").split(",") if item.strip()]
    for assignment in [*inherited, *(assignments or [])]:
        issuer, equals, source = assignment.strip().partition("=")
        if not equals or not issuer.startswith(("http://", "https://")) or not source:
            raise ProjectError(f"not the keys of an issuer: {assignment!r}", "write --jwks https://issuer=FILE_OR_URL")
        if source != "unverified" and not source.startswith(("http://", "https://")) and not Path(source).is_file():
            raise ProjectError(f"there is no file {source}", "name a JWKS file, a URL, or write unverified")
        found[issuer] = source
    return found

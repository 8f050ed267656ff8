"""Who serves what we do not: the user's assignments, and the choice for one service. Pure.

Made from `--upstream` and `CALLPARK_UPSTREAMS` by the commands, asked by `calls.py` and `passing.py`.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import msgspec

from callpark.kernel.errors import ProjectError

ALL = "all"
"""`--upstream all=…` names who serves every service that has no assignment of its own."""

_MODELS = "say in models.yaml who answers, Amazon Bedrock itself or any other: docs/models.md"
_INSTEAD = {"bedrock": _MODELS, "bedrock-runtime": _MODELS}
"""What to do instead of naming an upstream for a service of ours."""

_WRITE = "write --upstream SERVICE=URL, e.g. --upstream dynamodb=http://127.0.0.1:8000; or SERVICE=aws, or all=URL"


@dataclass(frozen=True, slots=True)
class Emulator:
    """Another emulator at `url` (no path at its end). With keys requests are signed anew, otherwise they pass as they
    are."""

    url: str
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


class RealAws(msgspec.Struct, frozen=True):
    """AWS itself, with the user's own credentials."""


class Fallback(msgspec.Struct, frozen=True):
    """moto, in a process of ours."""


class Nobody(msgspec.Struct, frozen=True):
    """No one; what the user can do about it."""

    remedy: str


Server: TypeAlias = Emulator | RealAws | Fallback | Nobody


Assigned: TypeAlias = Emulator | RealAws | Nobody


class Assignments(msgspec.Struct, frozen=True):
    """Service (botocore's name) → who serves it; `default` stands for all others."""

    by_service: Mapping[str, Assigned] = {}
    default: Assigned | None = None

    def server(self, service: str, *, fallback: bool) -> Server:
        """Who serves a service that is not ours. `fallback`: moto is installed and wanted."""
        assigned = self.by_service.get(service, self.default)
        if assigned is not None:
            return assigned
        if fallback:
            return Fallback()
        return Nobody(
            f"install callpark[aws], or name who serves it: --upstream {service}=http://host:port, "
            f"or --upstream {service}=aws for AWS itself"
        )

    def reaches_aws(self) -> bool:
        """Whether requests go to AWS itself, with the user's credentials."""
        return any(isinstance(server, RealAws) for server in (*self.by_service.values(), self.default))

    def check(self, ours: Collection[str], base_url: str) -> None:
        """Raises ProjectError for a service that callpark serves itself, and for callpark as its own upstream."""
        for service, server in (*self.by_service.items(), (ALL, self.default)):
            if service in ours:
                remedy = _INSTEAD.get(service, f"leave out --upstream {service}=…")
                raise ProjectError(f"{service} is served by callpark itself", remedy)
            if isinstance(server, Emulator) and server.url == base_url:
                raise ProjectError(f"--upstream {service}={base_url} is callpark itself", _WRITE)


def parse(assignments: Iterable[str], services: Collection[str]) -> Assignments:
    """`SERVICE=URL`, `SERVICE=aws`, `SERVICE=none`, `all=…`; the last one of a service counts. `services` are the names
    there are. Raises ProjectError."""
    by_service: dict[str, Assigned] = {}
    default: Assigned | None = None
    for assignment in assignments:
        service, equals, target = assignment.strip().partition("=")
        if not equals or not service or not target:
            raise ProjectError(f"not an upstream: {assignment!r}", _WRITE)
        server = _assigned(assignment, target)
        if service == ALL:
            default = server
            continue
        if service not in services:
            raise ProjectError(f"there is no AWS service named {service!r}", _suggestion(service, services))
        by_service[service] = server
    return Assignments(by_service, default)


def _assigned(assignment: str, target: str) -> Assigned:
    match target:
        case "aws":
            return RealAws()
        case "none":
            return Nobody(f"leave out --upstream {assignment.strip()}")
        case _:
            return _emulator(target)


def _emulator(text: str) -> Emulator:
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
        url = urlsplit("")
    if url.scheme not in ("http", "https") or not host:
        raise ProjectError(f"not the address of an upstream: {text!r}", _WRITE)
    if url.path not in ("", "/") or url.query or url.fragment:
        raise ProjectError(f"the address of an upstream ends after its port: {text!r}", _WRITE)
    shown = f"[{host}]" if ":" in host else host
    base = f"{url.scheme}://{shown}" + (f":{port}" if port is not None else "")
    if url.username is None:
        return Emulator(base)
    if not url.username or not url.password:
        raise ProjectError(f"keys of an upstream at {base} need both parts", "write http://ACCESS_KEY:SECRET_KEY@host")
    return Emulator(base, unquote(url.username), unquote(url.password))


def _suggestion(service: str, services: Collection[str]) -> str:
    near = difflib.get_close_matches(service, services, n=3)
    return f"did you mean {' or '.join(near)}?" if near else "use the service's name as boto3 and the AWS CLI have it"

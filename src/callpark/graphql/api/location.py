"""Which API a request is for, by path and host. Pure.

`/apis/<id>/graphql` names the API, and so does a host `<id>.appsync-api.<anything>`; on a bare `/graphql` the caller's
key decides, or there is only one API. Real-time clients come to `/graphql/realtime`, `/realtime` or `/graphql`,
depending on which of AWS's URL rules they follow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from callpark.graphql.auth import api_key
from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.auth.guarded import Guarded
from callpark.graphql.model import ApiDefinition

_PATH = re.compile(r"(?:/apis/(?P<api_id>[^/]+))?(?P<endpoint>/graphql/realtime|/graphql|/realtime)/?")
_HOST = re.compile(r"(?P<api_id>[A-Za-z0-9_-]+)\.appsync(?:-realtime)?-api\.")


_Api = TypeVar("_Api", bound=Guarded)


@dataclass(frozen=True, slots=True)
class Location:
    """`api_id` is None when neither path nor host names an API."""

    api_id: str | None
    endpoint: str


def locate(path: str, host: str) -> Location | None:
    """None when the path is none of ours."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    named = found["api_id"] or host_api_id(host)
    return Location(named, found["endpoint"])


def host_api_id(host: str) -> str | None:
    """The id in AppSync's own kind of host name."""
    found = _HOST.match(host)
    return found["api_id"] if found else None


def choose(apis: Sequence[_Api], location: Location, credentials: Credentials) -> _Api | None:
    """The API meant, or None when there is no such or no single one."""
    if location.api_id is not None:
        return next((api for api in apis if api.api_id == location.api_id), None)
    owners = [api for api in apis if api_key.owns(api, credentials)]
    candidates = owners or list(apis)
    return candidates[0] if len(candidates) == 1 else None


def not_found(apis: Sequence[ApiDefinition], location: Location) -> str:
    """What to tell somebody whose API was not found."""
    if location.api_id is not None:
        return f"GraphQL API {location.api_id} not found."
    if not apis:
        return "There is no GraphQL API."
    paths = ", ".join(f"/apis/{api.api_id}/graphql" for api in apis)
    return f"Several GraphQL APIs are served and none is named; use one of {paths}."

"""Which Event API a request is for, by path and host. Pure.

`/apis/<id>/event` names the API, and so does a host `<id>.appsync-api.<anything>`; on a bare `/event` the caller's key
decides, or there is only one API. Websockets come to `…/event/realtime`.
"""

import re
from collections.abc import Sequence

from callpark.graphql.api.location import Location, host_api_id
from callpark.graphql.channels.model import EventApiDefinition

ENDPOINT = "/event"
REALTIME = "/event/realtime"

_PATH = re.compile(rf"(?:/apis/(?P<api_id>[^/]+))?(?P<endpoint>{REALTIME}|{ENDPOINT})/?")


def locate(path: str, host: str) -> Location | None:
    """None when the path is none of ours."""
    found = _PATH.fullmatch(path)
    return None if found is None else Location(found["api_id"] or host_api_id(host), found["endpoint"])


def not_found(apis: Sequence[EventApiDefinition], location: Location) -> str:
    """What to tell somebody whose API was not found."""
    if location.api_id is not None:
        return f"Event API {location.api_id} not found."
    if not apis:
        return "There is no Event API."
    paths = ", ".join(f"/apis/{api.api_id}{ENDPOINT}" for api in apis)
    return f"Several Event APIs are served and none is named; use one of {paths}."

"""The opening of an Event API's websocket: which API, which subprotocol, which credentials. Pure.

Called by `websocket.py` with what the HTTP upgrade carries.
https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callpark.graphql.api.location import Location, choose, host_api_id
from callpark.graphql.auth.credentials import Credentials, is_present, of_websocket
from callpark.graphql.channels.api.location import not_found
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.realtime.protocol import Rejected

SUBPROTOCOL = "aws-appsync-event-ws"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whom the API's authorization has to judge."""

    api: EventApiDefinition
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Handshake:
    """A candidate, or why there is none. `subprotocol` is what the upgrade selects."""

    outcome: Candidate | Rejected
    subprotocol: str | None


def shake(
    apis: Sequence[EventApiDefinition],
    location: Location,
    headers: Sequence[tuple[bytes, bytes]],
    query: bytes,
    subprotocols: Sequence[str],
) -> Handshake:
    """Clients read the reason of a refusal from a frame, so every websocket is accepted first."""
    if not subprotocols:
        return Handshake(Rejected("NoProtocolError", 400), None)
    if SUBPROTOCOL not in subprotocols:
        return Handshake(Rejected("SubProtocolNotSupportedError", 400), None)
    credentials = of_websocket(headers, query, subprotocols)
    if credentials is None or not is_present(credentials):
        return Handshake(Rejected("Required headers are missing.", 400, "BadRequestException"), SUBPROTOCOL)
    if location.api_id is None:
        # The header object names the HTTP host even when the socket was opened on another.
        location = replace(location, api_id=host_api_id(credentials.get("host", "")))
    api = choose(apis, location, credentials)
    if api is None:
        return Handshake(Rejected(not_found(apis, location), 400, "BadRequestException"), SUBPROTOCOL)
    return Handshake(Candidate(api, credentials), SUBPROTOCOL)

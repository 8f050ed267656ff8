"""The opening of a websocket: which API, which subprotocol, which credentials. Pure.

Called by `websocket.py` with what the HTTP upgrade carries, which then has the credentials judged; the verdict is the
first event of the protocol. Messages and codes of refusals are recorded from the live service.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callpark.graphql.api.location import Location, choose, host_api_id, not_found
from callpark.graphql.auth.credentials import Credentials, is_present, of_websocket
from callpark.graphql.auth.verdict import Authorized, Refusal
from callpark.graphql.model import ApiDefinition
from callpark.graphql.realtime.protocol import Opened, Rejected

SUBPROTOCOL = "graphql-ws"

_UNAUTHORIZED = "com.amazonaws.deepdish.graphql.auth#UnauthorizedException"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whom the API's authorization has to judge."""

    api: ApiDefinition
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Handshake:
    """A candidate, or why there is none. `subprotocol` is what the upgrade selects."""

    outcome: Candidate | Rejected
    subprotocol: str | None


def shake(
    apis: Sequence[ApiDefinition],
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
        return Handshake(Rejected("Required headers are missing.", 400), SUBPROTOCOL)
    if location.api_id is None:
        # The header object names the GraphQL host even when the socket was opened on another.
        location = replace(location, api_id=host_api_id(credentials.get("host", "")))
    api = choose(apis, location, credentials)
    if api is None:
        return Handshake(Rejected(not_found(apis, location), 400, "BadRequestException"), SUBPROTOCOL)
    return Handshake(Candidate(api, credentials), SUBPROTOCOL)


def opening(verdict: Authorized | Refusal) -> Opened | Rejected:
    """The protocol's first event."""
    return Rejected(verdict.message, 400, _UNAUTHORIZED) if isinstance(verdict, Refusal) else Opened()

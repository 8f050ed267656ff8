"""The opening of a websocket: which API, which subprotocol, are the credentials good. Pure.

Called by `websocket.py` with what the HTTP upgrade carries; the verdict is the first event of the protocol. Messages
and codes of refusals are recorded from the live service.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callpark.graphql.api.location import Location, choose, host_api_id, not_found
from callpark.graphql.auth.authentication import authenticate
from callpark.graphql.auth.credentials import is_present, of_websocket
from callpark.graphql.auth.verdict import Refusal
from callpark.graphql.model import ApiDefinition
from callpark.graphql.realtime.protocol import Opened, Rejected

SUBPROTOCOL = "graphql-ws"

_UNAUTHORIZED = "com.amazonaws.deepdish.graphql.auth#UnauthorizedException"


@dataclass(frozen=True, slots=True)
class Handshake:
    """`api_id` and `Opened`, or why not. `subprotocol` is what the upgrade selects."""

    event: Opened | Rejected
    subprotocol: str | None
    api_id: str = ""


def shake(
    apis: Sequence[ApiDefinition],
    location: Location,
    headers: Sequence[tuple[bytes, bytes]],
    query: bytes,
    subprotocols: Sequence[str],
    now: float,
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
    verdict = authenticate(api, credentials, now)
    if isinstance(verdict, Refusal):
        return Handshake(Rejected(verdict.message, 400, _UNAUTHORIZED), SUBPROTOCOL)
    return Handshake(Opened(), SUBPROTOCOL, api.api_id)

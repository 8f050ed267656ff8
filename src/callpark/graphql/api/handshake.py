"""The opening of a websocket: which API, which subprotocol, which credentials. Pure.

Called by `websocket.py`, here and in `channels/api`, with what the HTTP upgrade carries, which then has the credentials
judged; the verdict is the first event of the protocol. `TERMS` are those of GraphQL APIs; messages and codes of
refusals are recorded from the live service.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from callpark.graphql.api.location import Location, choose, host_api_id, not_found
from callpark.graphql.auth.credentials import Credentials, is_present, of_websocket
from callpark.graphql.auth.guarded import Guarded
from callpark.graphql.auth.verdict import Authorized, Refusal
from callpark.graphql.model import ApiDefinition
from callpark.graphql.realtime.lifecycle import Opened, Rejected

_UNAUTHORIZED = "com.amazonaws.deepdish.graphql.auth#UnauthorizedException"

_Api = TypeVar("_Api", bound=Guarded)


@dataclass(frozen=True, slots=True)
class Terms(Generic[_Api]):
    """What one kind of API asks of an upgrade. `not_found` is what to tell somebody whose API was not found."""

    subprotocol: str
    credentials_missing: Rejected
    not_found: Callable[[Sequence[_Api], Location], str]


@dataclass(frozen=True, slots=True)
class Candidate(Generic[_Api]):
    """Whom the API's authorization has to judge."""

    api: _Api
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Handshake(Generic[_Api]):
    """A candidate, or why there is none. `subprotocol` is what the upgrade selects."""

    outcome: Candidate[_Api] | Rejected
    subprotocol: str | None


TERMS: Terms[ApiDefinition] = Terms("graphql-ws", Rejected("Required headers are missing.", 400), not_found)


def shake(
    terms: Terms[_Api],
    apis: Sequence[_Api],
    location: Location,
    headers: Sequence[tuple[bytes, bytes]],
    query: bytes,
    subprotocols: Sequence[str],
) -> Handshake[_Api]:
    """Clients read the reason of a refusal from a frame, so every websocket is accepted first."""
    if not subprotocols:
        return Handshake(Rejected("NoProtocolError", 400), None)
    selected = terms.subprotocol
    if selected not in subprotocols:
        return Handshake(Rejected("SubProtocolNotSupportedError", 400), None)
    credentials = of_websocket(headers, query, subprotocols)
    if credentials is None or not is_present(credentials):
        return Handshake(terms.credentials_missing, selected)
    if location.api_id is None:
        # The header object names the HTTP host even when the socket was opened on another.
        location = replace(location, api_id=host_api_id(credentials.get("host", "")))
    api = choose(apis, location, credentials)
    if api is None:
        return Handshake(Rejected(terms.not_found(apis, location), 400, "BadRequestException"), selected)
    return Handshake(Candidate(api, credentials), selected)


def opening(verdict: Authorized | Refusal) -> Opened | Rejected:
    """The protocol's first event."""
    return Rejected(verdict.message, 400, _UNAUTHORIZED) if isinstance(verdict, Refusal) else Opened()

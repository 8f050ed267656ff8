"""What an AWS operation looks like to the slice that implements it.

The `api/` room of a slice offers a table of operations; the gateway parses the wire into a `Call`, finds the operation
and serialises what it returns. AWS's own parameter and member names are used on both sides; refusals are `CallerError`.
Both values are made for every request, so they are msgspec structs: frozen, and a microsecond cheaper each.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec

from callpark.kernel.arn import Place


class Call(msgspec.Struct, frozen=True):
    """One AWS API request: `parameters` by AWS's member names, blobs as bytes, `headers` lower-case.

    `client_gone`, for operations that wait long, returns once the client has left without waiting for the answer.
    """

    service: str
    operation: str
    parameters: Mapping[str, object]
    request_id: str
    place: Place
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    client_gone: Callable[[], Awaitable[None]] | None = None


class Answer(msgspec.Struct, frozen=True):
    """What an operation returns when members alone do not say it: `request_id` replaces the generated one, `stream`
    holds the events of an event-stream member as (event name, members), `headers` what the service's model is silent
    about. A `constant` one is returned again and again, and serialised once."""

    members: Mapping[str, object] = msgspec.field(default_factory=dict)
    request_id: str | None = None
    stream: AsyncIterator[tuple[str, Mapping[str, object]]] | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    constant: bool = False


Operation: TypeAlias = Callable[[Call], Awaitable[Mapping[str, object] | Answer]]
"""Members by AWS's names, an empty mapping for an empty answer, or an Answer."""

OperationTable: TypeAlias = Mapping[tuple[str, str], Operation]
"""(service, operation) → what to call, e.g. ("lambda", "CreateFunction")."""

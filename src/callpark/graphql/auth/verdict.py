"""What an authorization mode says of a caller. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Authorized:
    """Let in by `mode`; `identity` is what resolvers see as `ctx.identity`. `denied_fields` ("Type.field") are closed
    to this caller whatever the schema says."""

    mode: str
    identity: Mapping[str, object] | None
    denied_fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Kept out; the message is for the client."""

    message: str


NOT_AUTHORIZED = Refusal("You are not authorized to make this call.")
MISSING = Refusal("Missing authorization header")
UNREADABLE_TOKEN = Refusal("Unable to parse JWT token.")
EXPIRED_TOKEN = Refusal("Token has expired.")

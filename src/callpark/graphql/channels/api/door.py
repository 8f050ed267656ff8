"""Who may connect, publish and subscribe: the modes that count, and what authorization is told. Pure but for the
authenticator that `admit` asks.

https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html
"""

from dataclasses import dataclass

from callpark.graphql.api.door import query_text, raw_path, source_ips
from callpark.graphql.auth.approach import Approach, ChannelAsked, Signed
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.auth.verdict import MISSING, Authorized, Refusal
from callpark.graphql.channels.api.location import ENDPOINT
from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.messages import ChannelRefused
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.model import ApiKey, AuthenticationProvider
from callpark.kernel import asgi


@dataclass(frozen=True, slots=True)
class Entrance:
    """An API as one operation's callers find it: only the ways in that are open to them."""

    api_id: str
    name: str
    authentication: tuple[AuthenticationProvider, ...]
    api_keys: tuple[ApiKey, ...]


def to_connect(api: EventApiDefinition) -> Entrance:
    return _entrance(api, api.connection_modes)


def to_publish(api: EventApiDefinition, channel: Channel) -> Entrance:
    """The namespace's own modes, where it has some."""
    namespace = api.namespace(channel.namespace)
    own = None if namespace is None else namespace.publish_modes
    return _entrance(api, api.publish_modes if own is None else own)


def to_subscribe(api: EventApiDefinition, channel: Channel) -> Entrance:
    namespace = api.namespace(channel.namespace)
    own = None if namespace is None else namespace.subscribe_modes
    return _entrance(api, api.subscribe_modes if own is None else own)


def of_request(
    scope: asgi.Scope, credentials: Credentials, request_id: str, body: bytes, channel: Channel | None
) -> Approach:
    """A publication over HTTP."""
    signed = Signed((raw_path(scope),), query_text(scope), body)
    return Approach(credentials, request_id, source_ips(scope), signed, channel=_asked("EVENT_PUBLISH", channel))


def of_upgrade(scope: asgi.Scope, credentials: Credentials, connection_id: str) -> Approach:
    signed = Signed(_endpoints(scope), "", b"{}")
    return Approach(credentials, connection_id, source_ips(scope), signed, channel=ChannelAsked("EVENT_CONNECT"))


def of_frame(
    scope: asgi.Scope, credentials: Credentials, request_id: str, body: bytes, operation: str, channel: Channel
) -> Approach:
    """A `publish` or `subscribe` frame, whose signature covers `body`."""
    signed = Signed(_endpoints(scope), "", body)
    return Approach(credentials, request_id, source_ips(scope), signed, channel=_asked(operation, channel))


async def admit(authenticator: Authenticator, entrance: Entrance, approach: Approach) -> Authorized:
    """Raises ChannelRefused."""
    verdict = await authenticator.authenticate(entrance, approach)
    if isinstance(verdict, Refusal):
        message = "Valid authorization header not provided." if verdict is MISSING else verdict.message
        raise ChannelRefused("UnauthorizedException", message, 401)
    return verdict


def _entrance(api: EventApiDefinition, modes: tuple[str, ...]) -> Entrance:
    return Entrance(api.api_id, api.name, api.providers(modes), api.api_keys)


def _asked(operation: str, channel: Channel | None) -> ChannelAsked:
    return ChannelAsked(operation) if channel is None else ChannelAsked(operation, channel.namespace, channel.path)


def _endpoints(scope: asgi.Scope) -> tuple[str, ...]:
    """The HTTP paths a client may mean that came to this websocket path."""
    path = raw_path(scope).rstrip("/").removesuffix("/realtime")
    return tuple(dict.fromkeys((path, ENDPOINT)))

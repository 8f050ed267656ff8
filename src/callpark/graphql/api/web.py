"""GraphQL on the gateway's port: one ASGI application for requests and websockets.

The gateway mounts it: `matches(scope)` says whether a scope is ours, calling it serves the scope. Routes: POST
`/apis/<id>/graphql` (also `/graphql`, and by Host `<id>.appsync-api.*`), websockets there and on `…/realtime`.
"""

from callpark.graphql.api.connections import OpenConnections
from callpark.graphql.api.http import GraphqlHttp
from callpark.graphql.api.location import locate
from callpark.graphql.api.ports import Apis
from callpark.graphql.api.websocket import Surroundings, WebsocketConnection
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.pacing import Pacer
from callpark.graphql.realtime.hub import Hub
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace


class GraphqlWeb:
    """Takes over the service's publications: what mutations publish goes to the websockets served here."""

    def __init__(
        self, service: Apis, authenticator: Authenticator, clock: Clock, ids: Ids, trace: Trace, limits: Limits
    ) -> None:
        self.hub = Hub(trace, limits.appsync)
        service.on_publish(self.hub.publish)
        service.on_invalidate(self.hub.invalidate)
        service.on_change(self._apis_changed)
        self._ids = ids
        self._http = GraphqlHttp(service, authenticator, clock, ids, limits.appsync, trace)
        self._around = Surroundings(
            service, authenticator, self.hub, clock, limits.appsync, Pacer(limits.appsync.turn_seconds)
        )
        self._connections = OpenConnections[WebsocketConnection]()

    def matches(self, scope: asgi.Scope) -> bool:
        """Whether a scope of type http or websocket is for us."""
        if scope["type"] not in ("http", "websocket"):
            return False
        return locate(asgi.path(scope), asgi.host(scope)) is not None

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._connections.carry(WebsocketConnection(self._around, self._ids.uuid(), scope, receive, send))

    async def aclose(self) -> None:
        """Say goodbye to every websocket; each ends within `appsync.close_seconds`."""
        await self._connections.aclose()

    async def idle(self) -> None:
        """Until no websocket is open."""
        await self._connections.idle()

    def _apis_changed(self) -> None:
        for connection in self._connections:
            connection.apis_changed()

    def __len__(self) -> int:
        """Open websockets."""
        return len(self._connections)

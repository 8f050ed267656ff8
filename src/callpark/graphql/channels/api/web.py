"""Event APIs on the gateway's port: one ASGI application for publications and websockets.

The gateway mounts it: `matches(scope)` says whether a scope is ours, calling it serves the scope. Routes: POST
`/apis/<id>/event` (also `/event`, and by Host `<id>.appsync-api.*`), websockets on `…/event/realtime`.
"""

from callpark.graphql.api.connections import OpenConnections
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.channels.api.http import ChannelsHttp
from callpark.graphql.channels.api.location import locate
from callpark.graphql.channels.api.websocket import ChannelConnection, Surroundings
from callpark.graphql.channels.service import EventApis
from callpark.graphql.pacing import Pacer
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace


class ChannelsWeb:
    def __init__(
        self, service: EventApis, authenticator: Authenticator, clock: Clock, ids: Ids, trace: Trace, limits: Limits
    ) -> None:
        service.on_removed(self._api_removed)
        self._ids = ids
        self._publishing = Tasks("publications over websockets")
        self._http = ChannelsHttp(service, authenticator, clock, ids, limits.appsync, trace)
        pacer = Pacer(limits.appsync.turn_seconds)
        self._around = Surroundings(service, authenticator, clock, ids, trace, limits.appsync, pacer, self._publishing)
        self._connections = OpenConnections[ChannelConnection]()

    def matches(self, scope: asgi.Scope) -> bool:
        """Whether a scope of type http or websocket is for us."""
        if scope["type"] not in ("http", "websocket"):
            return False
        return locate(asgi.path(scope), asgi.host(scope)) is not None

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._connections.carry(ChannelConnection(self._around, self._ids.uuid(), scope, receive, send))

    async def aclose(self) -> None:
        """Say goodbye to every websocket; each ends within `appsync.close_seconds`."""
        await self._connections.aclose()
        await self._publishing.aclose()

    async def idle(self) -> None:
        """Until no websocket is open."""
        await self._connections.idle()

    def _api_removed(self, api_id: str) -> None:
        for connection in self._connections:
            connection.api_removed(api_id)

    def __len__(self) -> int:
        """Open websockets."""
        return len(self._connections)

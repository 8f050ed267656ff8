"""A service with one made-up API, for tests of HTTP and websockets alone: no schema, tests set the answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from callpark.graphql.messages import GraphqlRequest, GraphqlResponse, Invalidation, Publication
from callpark.graphql.model import ApiDefinition, ApiKey, AuthenticationProvider
from callpark.graphql.subscriptions import PreparedSubscription, SubscriptionRefused

KEY = "da2-abcdefghijklmnopqrstuvwxyz"
OTHER_KEY = "da2-other"
NEVER = 4_000_000_000.0


def api(
    api_id: str = "story",
    keys: Sequence[ApiKey] = (ApiKey(KEY, NEVER),),
    *providers: AuthenticationProvider,
) -> ApiDefinition:
    authentication = providers or (AuthenticationProvider("API_KEY"),)
    return ApiDefinition(api_id, api_id.title(), authentication, "", api_keys=tuple(keys))


async def data(request: GraphqlRequest) -> GraphqlResponse:
    return GraphqlResponse({"query": request.query})


@dataclass
class ToyService:
    """Every subscription is `onSay`, fed by the mutation `say`; its variables are its arguments. The query `refuse` is
    refused, `revocable` ends with any invalidation, `hang` never becomes a subscription, `bug` raises.
    `once_subscribed` is published after each start."""

    served: list[ApiDefinition] = field(default_factory=lambda: [api()])
    requests: list[GraphqlRequest] = field(default_factory=list)
    on_execute: Callable[[GraphqlRequest], Awaitable[GraphqlResponse]] = data
    publishers: list[Callable[[Publication], None]] = field(default_factory=list)
    invalidators: list[Callable[[Invalidation], None]] = field(default_factory=list)
    listeners: list[Callable[[], None]] = field(default_factory=list)
    once_subscribed: list[object] = field(default_factory=list)
    projected: int = 0

    def apis(self) -> Sequence[ApiDefinition]:
        return self.served

    def api(self, api_id: str) -> ApiDefinition | None:
        return next((served for served in self.served if served.api_id == api_id), None)

    async def execute(self, api_id: str, request: GraphqlRequest) -> GraphqlResponse:
        self.requests.append(request)
        return await self.on_execute(request)

    async def subscribe(self, api_id: str, request: GraphqlRequest) -> PreparedSubscription:
        self.requests.append(request)
        if request.query == "refuse":
            raise SubscriptionRefused(({"message": "Validation error of type FieldUndefined"},))
        if request.query == "hang":
            await asyncio.get_running_loop().create_future()
        if request.query == "bug":
            raise ZeroDivisionError
        for value in self.once_subscribed:
            asyncio.get_running_loop().call_soon(self.publish, value)
        revocable: dict[str, object] | None = (
            {"filterGroup": [{"filters": []}]} if request.query == "revocable" else None
        )
        return PreparedSubscription(
            "onSay", request.variables, ("say",), request.query, self._project, invalidation_filter=revocable
        )

    def on_publish(self, publisher: Callable[[Publication], None]) -> None:
        self.publishers.append(publisher)

    def on_invalidate(self, invalidator: Callable[[Invalidation], None]) -> None:
        self.invalidators.append(invalidator)

    def on_change(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)

    def publish(self, value: object, api_id: str = "story") -> None:
        for publisher in self.publishers:
            publisher(Publication(api_id, "say", value))

    def invalidate(self) -> None:
        for invalidator in self.invalidators:
            invalidator(Invalidation("story", "onSay", {}))

    def remove(self) -> None:
        """No API is served any longer."""
        self.served = []
        for listener in self.listeners:
            listener()

    def _project(self, value: object) -> dict[str, object]:
        self.projected += 1
        return {"data": {"onSay": value}}

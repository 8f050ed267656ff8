"""What this room needs from the slice's service; `GraphqlService` is one."""

from collections.abc import Callable, Sequence
from typing import Protocol

from callpark.graphql.messages import GraphqlRequest, GraphqlResponse, Invalidation, Publication
from callpark.graphql.model import ApiDefinition
from callpark.graphql.subscriptions import PreparedSubscription


class Apis(Protocol):
    """See `GraphqlService`, whose promises these are."""

    def apis(self) -> Sequence[ApiDefinition]: ...

    def api(self, api_id: str) -> ApiDefinition | None: ...

    async def execute(self, api_id: str, request: GraphqlRequest) -> GraphqlResponse: ...

    async def subscribe(self, api_id: str, request: GraphqlRequest) -> PreparedSubscription: ...

    def on_publish(self, publisher: Callable[[Publication], None]) -> None: ...

    def on_invalidate(self, invalidator: Callable[[Invalidation], None]) -> None: ...

    def on_change(self, listener: Callable[[], None]) -> None: ...

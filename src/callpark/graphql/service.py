"""The face of AWS AppSync's slice: APIs are applied, requests executed, subscriptions prepared."""

from collections.abc import Callable, Sequence

from callpark.graphql.datasources.lambda_ import FunctionInvoker
from callpark.graphql.messages import GraphqlRequest, GraphqlResponse, Publication
from callpark.graphql.model import ApiDefinition
from callpark.graphql.subscriptions import PreparedSubscription
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace

Publisher = Callable[[Publication], None]
"""Takes a publication and returns at once; called after the mutation's field completed, before its answer is sent."""


class GraphqlService:
    """Every API of the project, compiled."""

    def __init__(self, clock: Clock, ids: Ids, trace: Trace, limits: Limits, functions: FunctionInvoker) -> None:
        raise NotImplementedError

    def apply(self, apis: Sequence[ApiDefinition]) -> list[str]:
        """Compile all, then replace what was served; returns warnings. Raises ProjectError and changes nothing."""
        raise NotImplementedError

    def apis(self) -> Sequence[ApiDefinition]:
        """What is served now, as declared."""
        raise NotImplementedError

    def api(self, api_id: str) -> ApiDefinition | None:
        """The API of that id, or None."""
        raise NotImplementedError

    async def execute(self, api_id: str, request: GraphqlRequest) -> GraphqlResponse:
        """Run a query or mutation. Validation, resolver and 30 s timeout errors are in the response; raises CallerError
        with AppSync's body (`{"errors": [{"errorType", "message"}]}`) for 400, 404 and 502 cases."""
        raise NotImplementedError

    async def subscribe(self, api_id: str, request: GraphqlRequest) -> PreparedSubscription:
        """Validate a subscription operation and run its field's own resolver, if there is one. Raises
        SubscriptionRefused with the errors of the `error` frame, CallerError when there is no such API."""
        raise NotImplementedError

    def on_publish(self, publisher: Publisher) -> None:
        """Set who hears of mutations. Called only for fields that some `@aws_subscribe` names."""
        raise NotImplementedError

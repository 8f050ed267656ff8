"""A caller at the door: what is shown, where it came from and what is asked. Values only.

Made by `api/` for a request, a websocket and a `start`; judged by `authenticator.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.request_body import RequestBody

CONNECT_OPERATION = "DeepDish:Connect"
"""What a Lambda authorizer is told as `operationName` when a websocket opens. (recorded)"""


@dataclass(frozen=True, slots=True)
class Signed:
    """What an IAM signature covers. `paths` as sent: those that AWS's clients sign for this endpoint, any will do."""

    paths: tuple[str, ...] = ()
    query: str = ""
    body: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class ChannelAsked:
    """What is asked of an Event API: EVENT_CONNECT, EVENT_PUBLISH or EVENT_SUBSCRIBE, the last two of a channel."""

    operation: str
    namespace: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Approach:
    """`credentials` are header values by lower-case name; `asked` is None for a request that cannot be read. `channel`
    is there when an Event API is asked."""

    credentials: Credentials
    request_id: str = ""
    source_ips: tuple[str, ...] = ()
    signed: Signed = field(default_factory=Signed)
    asked: RequestBody | None = None
    operation_name: str | None = None
    channel: ChannelAsked | None = None

    @property
    def context_member(self) -> str:
        """Where a Lambda authorizer's answer has what handlers see of the caller."""
        return "resolverContext" if self.channel is None else "handlerContext"

    @property
    def authorization(self) -> str | None:
        return self.credentials.get("authorization")

    def request_context(self, api_id: str, account: str) -> Mapping[str, object]:
        """`requestContext` of a Lambda authorizer's event."""
        if self.channel is not None:
            return {
                "apiId": api_id,
                "accountId": account,
                "requestId": self.request_id,
                "operation": self.channel.operation,
                "channelNamespaceName": self.channel.namespace,
                "channel": self.channel.channel,
            }
        asked = self.asked
        return {
            "apiId": api_id,
            "accountId": account,
            "requestId": self.request_id,
            "queryString": asked.query if asked else "",
            "operationName": self.operation_name or (asked.operation_name if asked else None),
            "variables": dict(asked.variables) if asked else {},
        }

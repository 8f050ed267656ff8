"""What is asked of an Event API and what comes of it. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callpark.graphql.channels.channel import Channel
from callpark.graphql.messages import ErrorEntry


@dataclass(frozen=True, slots=True)
class Asker:
    """Who publishes or subscribes, as handlers see them. `auth_mode` is AppSync's type; `headers` by lower-case
    name."""

    request_id: str
    auth_mode: str
    identity: Mapping[str, object] | None
    headers: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PublishAsked:
    """Each event is one JSON text."""

    channel: Channel
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """The answer to a publication, member by member as on the wire."""

    successful: Sequence[Mapping[str, object]]
    failed: Sequence[Mapping[str, object]]

    def members(self) -> dict[str, object]:
        return {"successful": list(self.successful), "failed": list(self.failed)}


class ChannelRefused(Exception):
    """A publication or subscription that is not carried out. `status` is HTTP's."""

    def __init__(self, error_type: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.status = status

    @property
    def entries(self) -> tuple[ErrorEntry, ...]:
        return ({"errorType": self.error_type, "message": self.message},)

"""What this slice tells the trace. Read by logs and the CLI."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResolverLogged:
    """Lines of `console.log`, as AppSync writes them: `INFO - code.js:13:5: "text"`."""

    request_id: str
    api_id: str
    type_name: str
    field_name: str
    lines: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.request_id


@dataclass(frozen=True, slots=True)
class RequestLogged:
    """What an API with a LogConfig writes of one request."""

    request_id: str
    api_id: str
    lines: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.request_id


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The API `subject` answered an HTTP request with `status`; `seconds` are the clock's."""

    subject: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OperationExecuted:
    """A query or mutation was answered; `seconds` are the clock's."""

    request_id: str
    api_id: str
    operation: str
    operation_name: str | None
    seconds: float
    errors: int

    @property
    def subject(self) -> str:
        return self.request_id


@dataclass(frozen=True, slots=True)
class Published:
    """A mutation field of the API `subject` was handed to `subscribers` subscriptions; `too_large` more did not get it,
    for its size."""

    subject: str
    field_name: str
    subscribers: int
    too_large: int


@dataclass(frozen=True, slots=True)
class Invalidated:
    """A mutation of the API `subject` ended `subscriptions` subscriptions to `field_name`."""

    subject: str
    field_name: str
    subscriptions: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription to `field_name` of the API `subject` is live: its start_ack is on the way."""

    subject: str
    field_name: str


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """A subscription to `field_name` of the API `subject` has ended, whoever ended it."""

    subject: str
    field_name: str

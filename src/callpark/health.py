"""What a server says about itself at `GET /_callpark/health`.

Made by `app.py`, read by commands; imports next to nothing, so that asking is quick.
"""

import msgspec


class ApiHealth(msgspec.Struct, frozen=True):
    name: str
    id: str
    graphql_url: str
    realtime_url: str
    api_key: str | None


class EventApiHealth(msgspec.Struct, frozen=True):
    """An Event API of AppSync."""

    name: str
    id: str
    event_url: str
    realtime_url: str
    api_key: str | None
    namespaces: list[str]


class FlowHealth(msgspec.Struct, frozen=True):
    name: str
    arn: str
    numbers: list[str]


class UpstreamHealth(msgspec.Struct, frozen=True):
    """Who serves a service that is not callpark's own; `all` stands for those that are not named."""

    service: str
    server: str


class Health(msgspec.Struct, frozen=True):
    """The answer of `GET /_callpark/health`. `certificate` is the file that clients of https:// and wss:// trust,
    `function_urls` has the address of `Name` or `Name:alias`."""

    status: str
    region: str
    account: str
    functions: list[str]
    apis: list[ApiHealth]
    flows: list[FlowHealth]
    queues: list[str]
    upstreams: list[UpstreamHealth] = []
    certificate: str | None = None
    event_apis: list[EventApiHealth] = []
    function_urls: dict[str, str] = {}

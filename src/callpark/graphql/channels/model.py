"""AWS AppSync Events' values as projects declare them: Event APIs and their channel namespaces.

Frozen; made by `projects/` from templates and by `control/`, compiled and kept by `service.py`. Data sources, keys and
ways in are those of GraphQL APIs.
https://docs.aws.amazon.com/appsync/latest/eventapi/what-is-appsync-events.html
"""

from dataclasses import dataclass
from typing import Literal

from callpark.graphql.model import (
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    DataSourceDefinition,
    LogDefinition,
)


@dataclass(frozen=True, slots=True)
class Integration:
    """One of a namespace's handler configurations. DIRECT: the function is the handler; CODE: the namespace's code
    makes requests to the data source. `invoke_type` counts for DIRECT."""

    behavior: Literal["CODE", "DIRECT"]
    data_source: str
    invoke_type: Literal["REQUEST_RESPONSE", "EVENT"] = "REQUEST_RESPONSE"


@dataclass(frozen=True, slots=True)
class NamespaceDefinition:
    """`publish_modes` and `subscribe_modes` replace the API's default ones; None leaves them."""

    name: str
    code: CodeDefinition | None = None
    on_publish: Integration | None = None
    on_subscribe: Integration | None = None
    publish_modes: tuple[str, ...] | None = None
    subscribe_modes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class EventApiDefinition:
    """One Event API. Modes are AppSync's types (API_KEY, …), each of which has a provider in `authentication`."""

    api_id: str
    name: str
    authentication: tuple[AuthenticationProvider, ...]
    connection_modes: tuple[str, ...]
    publish_modes: tuple[str, ...]
    subscribe_modes: tuple[str, ...]
    namespaces: tuple[NamespaceDefinition, ...] = ()
    data_sources: tuple[DataSourceDefinition, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    logs: LogDefinition | None = None

    def namespace(self, name: str) -> NamespaceDefinition | None:
        return next((each for each in self.namespaces if each.name == name), None)

    def providers(self, modes: tuple[str, ...]) -> tuple[AuthenticationProvider, ...]:
        return tuple(each for each in self.authentication if each.type in modes)

"""All operations of AppSync that are about Event APIs, for the gateway. Called by `app.py`.

Keys, data sources and tags have the same operations as those of GraphQL APIs: the API's id says whose they are.
"""

from collections.abc import Awaitable, Callable, Mapping

from callpark.graphql.channels.api.apis import EventApiOperations, api_id_of
from callpark.graphql.channels.api.keys_and_sources import EventApiKeyOperations, EventSourceOperations
from callpark.graphql.channels.api.namespaces import NamespaceOperations
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.kernel.operations import Answer, Call, Operation, OperationTable


def operations(plane: EventControlPlane, of_graphql_apis: OperationTable) -> OperationTable:
    """`of_graphql_apis` gets what is about APIs that are not the plane's."""
    own: dict[tuple[str, str], Operation] = {
        **EventApiOperations(plane).table(),
        **NamespaceOperations(plane).table(),
        **EventApiKeyOperations(plane).table(),
        **EventSourceOperations(plane).table(),
    }
    for name, operation in own.items():
        if name in of_graphql_apis:
            own[name] = _by_api(plane.owns, operation, of_graphql_apis[name])
    return {**of_graphql_apis, **own}


def _by_api(owns: Callable[[str], bool], own: Operation, others: Operation) -> Operation:
    def called(call: Call) -> Awaitable[Mapping[str, object] | Answer]:
        return own(call) if owns(api_id_of(call)) else others(call)

    return called

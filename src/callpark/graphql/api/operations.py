"""All operations of AWS AppSync that callpark serves, for the gateway. Called by `app.py`.

Domain names, merged APIs and the introspection of databases are not among them: the gateway answers those by name.
"""

from callpark.graphql.api.data_sources import DataSourceOperations
from callpark.graphql.api.evaluation import EvaluationOperations
from callpark.graphql.api.functions import FunctionOperations
from callpark.graphql.api.graphql_apis import GraphqlApiOperations
from callpark.graphql.api.keys_and_caches import ApiCacheOperations, ApiKeyOperations
from callpark.graphql.api.resolvers import ResolverOperations
from callpark.graphql.api.schemas import SchemaOperations
from callpark.graphql.control.plane import ControlPlane
from callpark.kernel.operations import OperationTable


def operations(plane: ControlPlane) -> OperationTable:
    return {
        **GraphqlApiOperations(plane).table(),
        **SchemaOperations(plane).table(),
        **DataSourceOperations(plane).table(),
        **FunctionOperations(plane).table(),
        **ResolverOperations(plane).table(),
        **ApiKeyOperations(plane).table(),
        **ApiCacheOperations(plane).table(),
        **EvaluationOperations(plane).table(),
    }

"""Which resource types are served, and what `Ref` and `Fn::GetAtt` give for each. Called by `load.py`.

A new resource type starts here.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from callpark.projects.identity import uuid_of
from callpark.projects.intrinsics import Identity
from callpark.projects.resources import (
    appsync,
    appsync_events,
    cognito,
    connect,
    connect_resources,
    foreign,
    lambda_,
    lambda_sources,
    lambda_versions,
    layers,
    logs,
    rds,
    sqs,
)
from callpark.projects.resources.stack import Resource, Stack

Identify: TypeAlias = Callable[[Resource, Stack], Identity]


def _without_attributes(resource: Resource, stack: Stack) -> Identity:
    return Identity(uuid_of(stack.project, resource.type, resource.logical_id))


SERVED: Final[Mapping[str, Identify]] = {
    lambda_.FUNCTION: lambda_.function_identity,
    lambda_versions.VERSION: lambda_versions.version_identity,
    lambda_versions.ALIAS: lambda_versions.alias_identity,
    lambda_versions.URL: lambda_versions.url_identity,
    layers.LAYER_VERSION: layers.layer_identity,
    layers.LAYER_VERSION_PERMISSION: _without_attributes,
    lambda_.EVENT_INVOKE_CONFIG: _without_attributes,
    lambda_versions.PERMISSION: _without_attributes,
    lambda_sources.SOURCE: lambda_sources.source_identity,
    appsync.API: appsync.api_identity,
    appsync.SCHEMA: appsync.schema_identity,
    appsync.DATA_SOURCE: appsync.data_source_identity,
    appsync.RESOLVER: appsync.resolver_identity,
    appsync.FUNCTION: appsync.function_identity,
    appsync.API_KEY: appsync.api_key_identity,
    appsync.API_CACHE: appsync.api_cache_identity,
    appsync.EVENT_API: appsync_events.event_api_identity,
    appsync_events.NAMESPACE: appsync_events.namespace_identity,
    cognito.USER_POOL: cognito.user_pool_identity,
    cognito.USER_POOL_CLIENT: cognito.user_pool_client_identity,
    connect.INSTANCE: connect.instance_identity,
    connect.FLOW: connect.flow_identity,
    connect.NUMBER: connect.number_identity,
    connect.ASSOCIATION: connect.association_identity,
    **dict.fromkeys(connect_resources.TYPES, connect.resource_identity),
    sqs.QUEUE: sqs.queue_identity,
    rds.CLUSTER: rds.cluster_identity,
    rds.INSTANCE: rds.instance_identity,
    logs.GROUP: logs.group_identity,
    **foreign.IDENTITIES,
}

_SERVED_BY_TRANSFORM = frozenset(
    {
        "AWS::Serverless::Function",
        "AWS::Serverless::GraphQLApi",
        "AWS::Serverless::LayerVersion",
        "AWS::Serverless::SimpleTable",
    }
)


def is_served(kind: str) -> bool:
    """Whether anything here acts on resources of this type, as written or after the SAM transform."""
    return kind in SERVED or kind in _SERVED_BY_TRANSFORM

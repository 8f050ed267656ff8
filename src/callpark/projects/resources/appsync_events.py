"""AWS::AppSync::Api and AWS::AppSync::ChannelNamespace → Event APIs.

`registry.py` asks for identities, `load.py` for the APIs. Data sources and keys are the resources that GraphQL APIs
have too; what belongs to an API says so with the API's id.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-appsync-api.html
"""

from collections.abc import Sequence
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from callpark.graphql.channels.model import EventApiDefinition, Integration, NamespaceDefinition
from callpark.graphql.channels.urls import event_realtime_url, event_url
from callpark.graphql.model import CodeDefinition, LogDefinition, LogLevel
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.appsync import (
    API_KEY,
    DATA_SOURCE,
    EVENT_API,
    api_key,
    event_api_id,
    largest_source,
    not_an_api,
    owner,
    source_of,
)
from callpark.projects.resources.appsync_authentication import auth_mode, event_authentication
from callpark.projects.resources.appsync_sources import data_source
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

NAMESPACE = "AWS::AppSync::ChannelNamespace"

_LEVELS = get_args(LogLevel)


def event_api_identity(resource: Resource, stack: Stack) -> Identity:
    api_id = event_api_id(resource, stack)
    arn = stack.home.arn("appsync", f"apis/{api_id}")
    attributes = {
        "ApiId": api_id,
        "ApiArn": arn,
        "Dns.Http": urlsplit(event_url(stack.base_url, api_id)).netloc,
        "Dns.Realtime": urlsplit(event_realtime_url(stack.base_url, api_id)).netloc,
    }
    return Identity(arn, attributes)


def namespace_identity(resource: Resource, stack: Stack) -> Identity:
    name = resource.properties.required("Name")
    arn = stack.home.arn("appsync", f"apis/{owner(resource)}/channelNamespace/{name}")
    return Identity(arn, {"ChannelNamespaceArn": arn})


def event_apis(resources: Sequence[Resource], stack: Stack) -> tuple[EventApiDefinition, ...]:
    """Every Event API with all that names its id. Raises ProjectError for a namespace of an API that the template
    lacks."""
    declared = {event_api_id(each, stack): each for each in resources if each.type == EVENT_API}
    parts: dict[str, list[Resource]] = {api_id: [] for api_id in declared}
    for resource in resources:
        if resource.type in (NAMESPACE, DATA_SOURCE, API_KEY):
            api_id = owner(resource)
            if api_id in parts:
                parts[api_id].append(resource)
            elif resource.type == NAMESPACE:
                raise not_an_api(resource, api_id)
    return tuple(_event_api(api_id, each, parts[api_id], stack) for api_id, each in declared.items())


def _event_api(api_id: str, resource: Resource, parts: Sequence[Resource], stack: Stack) -> EventApiDefinition:
    properties = resource.properties
    properties.without_effect("Tags", "OwnerContact")
    config = properties.mapping("EventConfig")
    if config is None:
        raise stack.blame(properties.place, "EventConfig is missing", "say in it how callers are authorized")
    return EventApiDefinition(
        api_id=api_id,
        name=properties.required("Name"),
        authentication=tuple(event_authentication(each, stack) for each in config.mappings("AuthProviders")),
        connection_modes=_modes(config, "ConnectionAuthModes"),
        publish_modes=_modes(config, "DefaultPublishAuthModes"),
        subscribe_modes=_modes(config, "DefaultSubscribeAuthModes"),
        namespaces=tuple(_namespace(part, stack) for part in parts if part.type == NAMESPACE),
        data_sources=tuple(data_source(part, stack) for part in parts if part.type == DATA_SOURCE),
        api_keys=tuple(api_key(part, stack) for part in parts if part.type == API_KEY),
        logs=_logs(config),
    )


def _modes(properties: Properties, name: str) -> tuple[str, ...]:
    return tuple(auth_mode(each) for each in properties.mappings(name))


def _namespace(part: Resource, stack: Stack) -> NamespaceDefinition:
    properties = part.properties
    properties.without_effect("Tags")
    configs = properties.mapping("HandlerConfigs")
    code = source_of(properties, "CodeHandlers", largest_source(stack), stack, "CodeS3Location")
    publish, subscribe = _modes(properties, "PublishAuthModes"), _modes(properties, "SubscribeAuthModes")
    return NamespaceDefinition(
        name=properties.required("Name"),
        code=None if code is None else CodeDefinition(*code),
        on_publish=None if configs is None else _integration(configs, "OnPublish"),
        on_subscribe=None if configs is None else _integration(configs, "OnSubscribe"),
        publish_modes=publish or None,
        subscribe_modes=subscribe or None,
    )


def _integration(configs: Properties, name: str) -> Integration | None:
    config = configs.mapping(name)
    if config is None:
        return None
    behavior = config.required("Behavior")
    if behavior not in ("CODE", "DIRECT"):
        raise config.wrong("Behavior", f"{behavior!r} is unknown", "use CODE or DIRECT")
    integration = config.mapping("Integration")
    if integration is None:
        raise config.blame(config.place, "Integration is missing", "name the data source in it")
    function = integration.mapping("LambdaConfig")
    invoke_type = "REQUEST_RESPONSE" if function is None else function.text("InvokeType") or "REQUEST_RESPONSE"
    if function is not None and invoke_type not in ("REQUEST_RESPONSE", "EVENT"):
        raise function.wrong("InvokeType", f"{invoke_type!r} is unknown", "use REQUEST_RESPONSE or EVENT")
    return Integration(
        cast(Literal["CODE", "DIRECT"], behavior),
        integration.required("DataSourceName"),
        cast(Literal["REQUEST_RESPONSE", "EVENT"], invoke_type),
    )


def _logs(config: Properties) -> LogDefinition | None:
    given = config.mapping("LogConfig")
    if given is None:
        return None
    given.without_effect("CloudWatchLogsRoleArn")
    level = given.required("LogLevel")
    if level not in _LEVELS:
        raise given.wrong("LogLevel", f"{level!r} is unknown", f"use one of: {', '.join(_LEVELS)}")
    return LogDefinition(cast(LogLevel, level))

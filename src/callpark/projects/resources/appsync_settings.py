"""What an AppSync API declares about caches, logs and limits. Called by `appsync.py`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-appsync-apicache.html
"""

from typing import Literal, cast, get_args

from callpark.graphql.model import CacheDefinition, LogDefinition, LogLevel, ResolverCaching
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource

_Behavior = Literal["FULL_REQUEST_CACHING", "PER_RESOLVER_CACHING", "OPERATION_LEVEL_CACHING"]
_BEHAVIORS, _LEVELS = get_args(_Behavior), get_args(LogLevel)


def cache(part: Resource) -> CacheDefinition | None:
    """Of an AWS::AppSync::ApiCache; how large and how encrypted it is changes nothing here."""
    properties = part.properties
    properties.without_effect("Type", "AtRestEncryptionEnabled", "TransitEncryptionEnabled", "HealthMetricsConfig")
    behavior = properties.required("ApiCachingBehavior")
    if behavior == "NONE":
        return None
    if behavior not in _BEHAVIORS:
        raise properties.wrong("ApiCachingBehavior", f"{behavior!r} is unknown", f"use one of: {', '.join(_BEHAVIORS)}")
    seconds = properties.integer("Ttl")
    if seconds is None:
        raise properties.blame(properties.place, "Ttl is missing", "add Ttl, in seconds")
    return CacheDefinition(cast(_Behavior, behavior), float(seconds))


def caching(properties: Properties) -> ResolverCaching | None:
    """`CachingConfig` of a resolver."""
    config = properties.mapping("CachingConfig")
    if config is None:
        return None
    seconds = config.integer("Ttl")
    if seconds is None:
        raise config.blame(config.place, "Ttl is missing", "add Ttl, in seconds")
    return ResolverCaching(float(seconds), config.texts("CachingKeys"))


def logs(properties: Properties) -> LogDefinition | None:
    """`LogConfig` of an API."""
    config = properties.mapping("LogConfig")
    if config is None:
        return None
    config.without_effect("CloudWatchLogsRoleArn")
    level = config.text("FieldLogLevel") or "NONE"
    if level not in _LEVELS:
        raise config.wrong("FieldLogLevel", f"{level!r} is unknown", f"use one of: {', '.join(_LEVELS)}")
    return LogDefinition(cast(LogLevel, level), config.text("ExcludeVerboseContent") != "true")


def limit(properties: Properties, name: str, most: int) -> int:
    """`QueryDepthLimit`, `ResolverCountLimit`; 0 is AppSync's own."""
    value = properties.integer(name) or 0
    if not 0 <= value <= most:
        raise properties.wrong(name, f"{value} is out of range", f"choose between 0 and {most}")
    return value


def introspection(properties: Properties) -> bool:
    match properties.text("IntrospectionConfig"):
        case None | "ENABLED":
            return True
        case "DISABLED":
            return False
        case other:
            raise properties.wrong("IntrospectionConfig", f"{other!r} is unknown", "use ENABLED or DISABLED")

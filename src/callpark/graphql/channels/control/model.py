"""What the control plane keeps of an Event API: members as AWS shows them, from which what is served is read.

Frozen; `definition` and `shown` are each other's inverse, but for the role that writes logs. Pure.
https://docs.aws.amazon.com/appsync/latest/APIReference/API_Api.html, …/API_ChannelNamespace.html
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, cast

import msgspec

from callpark.graphql.channels.model import EventApiDefinition, Integration, NamespaceDefinition
from callpark.graphql.control import settings, sources
from callpark.graphql.control.refusals import bad_request
from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    LogDefinition,
    LogLevel,
)

Members: TypeAlias = Mapping[str, object]


class ManagedEventApi(msgspec.Struct, frozen=True):
    """`settings` are name, ownerContact and eventConfig; `namespaces` and `sources` by name. Also a row of the store:
    later members have defaults. `declared`: a project's, which brings it again at its next load."""

    api_id: str
    settings: dict[str, object]
    created: float
    namespaces: dict[str, dict[str, object]] = {}
    sources: dict[str, dict[str, object]] = {}
    keys: list[ApiKey] = []
    tags: dict[str, str] = {}
    declared: bool = False


def definition(api: ManagedEventApi, region: str) -> EventApiDefinition:
    """Raises CallerError for what is missing or cannot be read."""
    config = cast(Members, api.settings["eventConfig"])
    return EventApiDefinition(
        api_id=api.api_id,
        name=str(api.settings["name"]),
        authentication=_providers(cast("Sequence[Members]", config["authProviders"])),
        connection_modes=_modes(config, "connectionAuthModes") or (),
        publish_modes=_modes(config, "defaultPublishAuthModes") or (),
        subscribe_modes=_modes(config, "defaultSubscribeAuthModes") or (),
        namespaces=tuple(_namespace(each) for each in api.namespaces.values()),
        data_sources=tuple(sources.read_source(each, region) for each in api.sources.values()),
        api_keys=tuple(api.keys),
        logs=_logs(config.get("logConfig")),
    )


def managed(given: EventApiDefinition, region: str, now: float) -> ManagedEventApi:
    """A project's API, with members as if it had been made through the control plane."""
    config: dict[str, object] = {
        "authProviders": _shown_providers(given.authentication),
        "connectionAuthModes": _shown_modes(given.connection_modes),
        "defaultPublishAuthModes": _shown_modes(given.publish_modes),
        "defaultSubscribeAuthModes": _shown_modes(given.subscribe_modes),
    }
    if given.logs is not None:
        config["logConfig"] = {"logLevel": given.logs.level, "cloudWatchLogsRoleArn": ""}
    return ManagedEventApi(
        given.api_id,
        {"name": given.name, "eventConfig": config},
        now,
        {each.name: _shown_namespace(each, now) for each in given.namespaces},
        {each.name: dict(sources.shown_source(each, region)) for each in given.data_sources},
        list(given.api_keys),
        declared=True,
    )


def _logs(given: object) -> LogDefinition | None:
    return LogDefinition(cast(LogLevel, given["logLevel"])) if isinstance(given, Mapping) else None


def _providers(given: Sequence[Members]) -> tuple[AuthenticationProvider, ...]:
    """As GraphQL APIs have them, under other names."""
    renamed = [_renamed(each) for each in given]
    if not renamed:
        raise bad_request("authProviders must name at least one provider.")
    first, *further = renamed
    members = {"name": "", **first, "additionalAuthenticationProviders": further}
    return settings.with_settings(ApiDefinition("", "", (), ""), members).authentication


def _renamed(provider: Members) -> dict[str, object]:
    kind = provider["authType"]
    if kind == "AMAZON_COGNITO_USER_POOLS" and not provider.get("cognitoConfig"):
        raise bad_request(f"cognitoConfig is required when the authorization type is {kind}.")
    rest = {name: value for name, value in provider.items() if name not in ("authType", "cognitoConfig")}
    return {"authenticationType": kind, "userPoolConfig": provider.get("cognitoConfig"), **rest}


def _shown_providers(given: Sequence[AuthenticationProvider]) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = []
    for each in given:
        members = dict(settings.shown_settings(ApiDefinition("", "", (each,), "")))
        provider: dict[str, object] = {"authType": each.type}
        for name, own in _SECTIONS.items():
            if name in members:
                section = cast(Members, members[name])
                provider[own] = {key: value for key, value in section.items() if key != "defaultAction"}
        shown.append(provider)
    return shown


_SECTIONS = {
    "userPoolConfig": "cognitoConfig",
    "openIDConnectConfig": "openIDConnectConfig",
    "lambdaAuthorizerConfig": "lambdaAuthorizerConfig",
}


def _namespace(members: Members) -> NamespaceDefinition:
    code = members.get("codeHandlers")
    configs = cast(Members, members.get("handlerConfigs") or {})
    return NamespaceDefinition(
        str(members["name"]),
        None if not code else CodeDefinition(str(code)),
        _integration(configs.get("onPublish")),
        _integration(configs.get("onSubscribe")),
        _modes(members, "publishAuthModes"),
        _modes(members, "subscribeAuthModes"),
    )


def _shown_namespace(given: NamespaceDefinition, now: float) -> dict[str, object]:
    shown: dict[str, object] = {"name": given.name, "created": now, "lastModified": now}
    if given.code is not None:
        shown["codeHandlers"] = given.code.text
    configs = {"onPublish": given.on_publish, "onSubscribe": given.on_subscribe}
    handlers = {name: _shown_integration(each) for name, each in configs.items() if each is not None}
    shown |= {"handlerConfigs": handlers} if handlers else {}
    for name, modes in (("publishAuthModes", given.publish_modes), ("subscribeAuthModes", given.subscribe_modes)):
        shown |= {} if modes is None else {name: _shown_modes(modes)}
    return shown


def _integration(given: object) -> Integration | None:
    if not isinstance(given, Mapping):
        return None
    integration = cast(Members, given["integration"])
    function = cast(Members, integration.get("lambdaConfig") or {})
    return Integration(
        cast(Literal["CODE", "DIRECT"], given["behavior"]),
        str(integration["dataSourceName"]),
        cast(Literal["REQUEST_RESPONSE", "EVENT"], function.get("invokeType") or "REQUEST_RESPONSE"),
    )


def _shown_integration(given: Integration) -> Members:
    integration: dict[str, object] = {"dataSourceName": given.data_source}
    if given.behavior == "DIRECT":
        integration["lambdaConfig"] = {"invokeType": given.invoke_type}
    return {"behavior": given.behavior, "integration": integration}


def _modes(members: Members, name: str) -> tuple[str, ...] | None:
    given = cast("Sequence[Members] | None", members.get(name))
    return tuple(str(each["authType"]) for each in given) if given else None


def _shown_modes(modes: Sequence[str]) -> list[Members]:
    return [{"authType": mode} for mode in modes]

"""A project's function as a `Function` value. Pure; called by `administration.py` when a project is loaded.

A project's versions have the numbers that the template's order gives them, and run the project's directory as it is
now: with each load they are published anew, as a deployment would.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from callpark.functions.model import (
    Alias,
    CodeIdentity,
    DatedEventInvokeConfig,
    EventInvokeConfig,
    Function,
    FunctionDefinition,
    FunctionUrl,
    Policy,
    ProvisionedConcurrency,
    Version,
)
from callpark.functions.names import LATEST
from callpark.functions.versions import fingerprint
from callpark.kernel.ids import Ids


def declared(
    previous: Function | None, definition: FunctionDefinition, identity: CodeIdentity, ids: Ids, arn: str, now: float
) -> Function:
    """The very same value when nothing has changed since it was last loaded. `arn` is the function's."""
    if previous is not None:
        again = _built(definition, identity, arn, previous.revision_id, previous.last_modified)
        if _undated(again) == _undated(previous):
            return previous
    built = _built(definition, identity, arn, ids.uuid(), now)
    return built if previous is None else _keeping_dates(built, previous)


def url_id(arn: str, qualifier: str | None) -> str:
    """The id of a declared function URL: the same at every load."""
    return hashlib.sha256(f"{arn}:{qualifier or LATEST}".encode()).hexdigest()[:32]


def _built(definition: FunctionDefinition, identity: CodeIdentity, arn: str, revision_id: str, now: float) -> Function:
    function = Function(
        configuration=definition.configuration,
        code=definition.code,
        identity=identity,
        revision_id=revision_id,
        last_modified=now,
        declared=True,
        reserved_concurrency=definition.reserved_concurrency,
        event_invoke_configs=_configs(definition, now),
        aliases={
            alias.name: Alias(alias.name, alias.version, alias.description, revision_id, dict(alias.weights))
            for alias in definition.aliases
        },
        provisioned=_provisioned(definition, now),
        urls={
            url.qualifier or LATEST: FunctionUrl(
                url_id(arn, url.qualifier), url.auth_type, url.invoke_mode, now, now, dict(url.cors)
            )
            for url in definition.urls
        },
        policies=_policies(definition, revision_id),
        recursive_loop=definition.recursive_loop,
        published=len(definition.versions),
    )
    basis = fingerprint(function)
    versions = {
        version.number: Version(
            number=version.number,
            configuration=definition.configuration
            if version.description is None
            else replace(definition.configuration, description=version.description),
            code=definition.code,
            identity=identity,
            revision_id=revision_id,
            last_modified=now,
            basis=basis,
        )
        for version in definition.versions
    }
    return replace(function, versions=versions)


def _configs(definition: FunctionDefinition, now: float) -> dict[str, DatedEventInvokeConfig]:
    configs: dict[str, EventInvokeConfig] = dict(definition.qualified_event_invoke_configs)
    if definition.event_invoke_config is not None:
        configs[LATEST] = definition.event_invoke_config
    return {qualifier: DatedEventInvokeConfig(config, now) for qualifier, config in configs.items()}


def _provisioned(definition: FunctionDefinition, now: float) -> dict[str, ProvisionedConcurrency]:
    asked = [(version.number, version.provisioned_concurrency) for version in definition.versions]
    asked += [(alias.name, alias.provisioned_concurrency) for alias in definition.aliases]
    return {qualifier: ProvisionedConcurrency(count, now) for qualifier, count in asked if count is not None}


def _policies(definition: FunctionDefinition, revision_id: str) -> dict[str, Policy]:
    statements: dict[str, dict[str, Mapping[str, object]]] = {}
    for permission in definition.permissions:
        statements.setdefault(permission.qualifier or LATEST, {})[permission.statement_id] = permission.statement
    return {qualifier: Policy(kept, revision_id) for qualifier, kept in statements.items()}


def _undated(function: Function) -> Function:
    """What must be equal for nothing to have changed."""
    return replace(
        function,
        event_invoke_configs={
            key: replace(kept, last_modified=0.0) for key, kept in function.event_invoke_configs.items()
        },
    )


def _keeping_dates(function: Function, previous: Function) -> Function:
    """An event-invoke configuration that is the same as before was not modified now."""
    kept = {
        key: before
        if (before := previous.event_invoke_configs.get(key)) is not None and before.config == dated.config
        else dated
        for key, dated in function.event_invoke_configs.items()
    }
    return replace(function, event_invoke_configs=kept)

"""Versions and aliases: what a qualifier means, and how a function gains and loses them. Pure.

Called by `publishing.py` for changes, by `service.py` for every invocation.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html and configuration-aliases.html
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import msgspec

from callpark.functions import refusals
from callpark.functions.model import Alias, Code, Function, Version
from callpark.functions.names import LATEST
from callpark.kernel.errors import CallerError

T = TypeVar("T")

_NUMBER = re.compile(r"[0-9]+", re.ASCII)


def latest(function: Function) -> Version:
    """What is not published yet."""
    return Version(
        LATEST,
        function.configuration,
        function.code,
        function.identity,
        function.revision_id,
        function.last_modified,
        inert=function.inert,
    )


def knows(function: Function, qualifier: str | None) -> bool:
    return qualifier in (None, LATEST) or qualifier in function.versions or qualifier in function.aliases


def number_for(function: Function, qualifier: str | None, fraction: float) -> str | None:
    """The version that an invocation of `qualifier` runs, None when there is none. `fraction` in [0, 1) decides between
    the versions of an alias: each gets the share of [0, 1) that is its weight, the alias's own version the rest."""
    if qualifier is None or qualifier == LATEST:
        return LATEST
    alias = function.aliases.get(qualifier)
    if alias is None:
        return qualifier if qualifier in function.versions else None
    for number, weight in alias.weights.items():
        if fraction < weight:
            return number
        fraction -= weight
    return alias.version


def shown(function: Function, qualifier: str | None) -> Version:
    """What Get operations show for a qualifier that `knows` knows: an alias shows its own version."""
    if qualifier is None or qualifier == LATEST:
        return latest(function)
    alias = function.aliases.get(qualifier)
    return numbered(function, alias.version if alias is not None else qualifier)


def numbered(function: Function, number: str) -> Version:
    return latest(function) if number == LATEST else function.versions[number]


def fingerprint(function: Function) -> str:
    """Changes whenever publishing would make something new."""
    parts = (function.configuration, function.identity.sha256, sorted(function.inert.items()))
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def published_already(function: Function) -> Version | None:
    """The newest version, when `$LATEST` has not changed since it was published."""
    newest = function.versions.get(str(function.published))
    return newest if newest is not None and newest.basis == fingerprint(function) else None


def with_version(
    function: Function, code: Code, description: str | None, revision_id: str, now: float
) -> tuple[Function, Version]:
    """The function with `$LATEST` published under the next number. `code` is where the snapshot lies."""
    configuration = function.configuration
    if description is not None:
        configuration = replace(configuration, description=description)
    version = Version(
        number=str(function.published + 1),
        configuration=configuration,
        code=code,
        identity=function.identity,
        revision_id=revision_id,
        last_modified=now,
        basis=fingerprint(function),
        inert=function.inert,
    )
    versions = {**function.versions, version.number: version}
    return replace(function, versions=versions, published=function.published + 1), version


def without_version(function: Function, number: str) -> Function:
    """Raises CallerError while an alias needs the version."""
    users = sorted(alias.name for alias in function.aliases.values() if number in (alias.version, *alias.weights))
    if users:
        raise refusals.conflict(
            f"Unable to delete version because the following aliases reference it: [{', '.join(users)}]"
        )
    return _without_qualifier(replace(function, versions=_without(function.versions, number)), number)


def with_alias(function: Function, alias: Alias) -> Function:
    return replace(function, aliases={**function.aliases, alias.name: alias})


def without_alias(function: Function, name: str) -> Function:
    """What was configured for the alias goes with it."""
    return _without_qualifier(replace(function, aliases=_without(function.aliases, name)), name)


def check_routing(function: Function, arn: str, version: str, weights: Mapping[str, float]) -> None:
    """Raises CallerError in AWS's words for an alias that cannot be. `arn` is the function's."""
    if not knows(function, version) or version in function.aliases:
        raise refusals.function_not_found(f"{arn}:{version}")
    if len(weights) > 1:
        raise refusals.invalid_parameter("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for number, weight in weights.items():
        _check_weight(function, arn, version, number, weight)


def _check_weight(function: Function, arn: str, version: str, number: str, weight: float) -> None:
    if not 0.0 <= weight <= 1.0:
        raise _weights_refused(
            f"{{{number}={weight}}}",
            "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
            "Member must have value greater than or equal to 0.0, Member must not be null]",
        )
    if number == version:
        raise refusals.invalid_parameter(
            f"Invalid function version {number}. Function version {number} is already included in routing "
            "configuration."
        )
    if version == LATEST:
        raise refusals.invalid_parameter("$LATEST is not supported for an alias pointing to more than 1 version")
    if _NUMBER.fullmatch(number) is None:
        raise _weights_refused(
            f"{{{number}={weight}}}",
            "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "
            "Member must have length greater than or equal to 1, "
            "Member must satisfy regular expression pattern: [0-9]+, Member must not be null]",
        )
    if number not in function.versions:
        raise refusals.function_not_found(f"{arn}:{number}")


def _weights_refused(value: str, rule: str) -> CallerError:
    member = "routingConfig.additionalVersionWeights"
    return refusals.validation([f"Value '{value}' at '{member}' failed to satisfy constraint: {rule}"])


def _without_qualifier(function: Function, qualifier: str) -> Function:
    return replace(
        function,
        event_invoke_configs=_without(function.event_invoke_configs, qualifier),
        provisioned=_without(function.provisioned, qualifier),
        urls=_without(function.urls, qualifier),
        policies=_without(function.policies, qualifier),
    )


def _without(values: Mapping[str, T], key: str) -> dict[str, T]:
    return {name: value for name, value in values.items() if name != key}

"""AWS::Lambda::Version, ::Alias, ::Url, ::Permission: what a function has beside itself.

`registry.py` asks for identities, `lambda_.py` for what belongs to each function. Versions of one function are numbered
from 1 in the order in which the template's references need them, and run the function's folder as it is.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Lambda.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from callpark.functions.declarations import url_id
from callpark.functions.model import (
    AliasDefinition,
    AuthType,
    InvokeMode,
    PermissionDefinition,
    UrlDefinition,
    VersionDefinition,
)
from callpark.functions.policies import Grant, statement
from callpark.functions.urls import PATH_PREFIX
from callpark.kernel.errors import CallerError
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.lambda_names import LATEST, function_arn, target_of
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

VERSION = "AWS::Lambda::Version"
ALIAS = "AWS::Lambda::Alias"
URL = "AWS::Lambda::Url"
PERMISSION = "AWS::Lambda::Permission"


@dataclass(slots=True)
class Belongings:
    """What one function has beside itself."""

    versions: list[VersionDefinition] = field(default_factory=list)
    aliases: list[AliasDefinition] = field(default_factory=list)
    urls: list[UrlDefinition] = field(default_factory=list)
    permissions: list[PermissionDefinition] = field(default_factory=list)

    def has(self, qualifier: str | None) -> bool:
        return (
            qualifier in (None, LATEST)
            or any(version.number == qualifier for version in self.versions)
            or any(alias.name == qualifier for alias in self.aliases)
        )


def version_identity(resource: Resource, stack: Stack) -> Identity:
    name = target_of(resource.properties.required("FunctionName")).name
    numbers = stack.version_numbers.setdefault(name, {})
    number = numbers.setdefault(resource.logical_id, str(len(numbers) + 1))
    arn = function_arn(name, stack, number)
    return Identity(arn, {"FunctionArn": arn, "Version": number})


def alias_identity(resource: Resource, stack: Stack) -> Identity:
    properties = resource.properties
    name = target_of(properties.required("FunctionName")).name
    arn = function_arn(name, stack, properties.required("Name"))
    return Identity(arn, {"AliasArn": arn})


def url_identity(resource: Resource, stack: Stack) -> Identity:
    name, qualifier = _url_target(resource.properties)
    arn = function_arn(name, stack, qualifier)
    address = f"{stack.base_url}{PATH_PREFIX}{url_id(function_arn(name, stack), qualifier)}/"
    return Identity(arn, {"FunctionArn": arn, "FunctionUrl": address})


def belongings(resources: Sequence[Resource], stack: Stack) -> Mapping[str, Belongings]:
    """By function name. Raises ProjectError."""
    found: dict[str, Belongings] = {}
    for resource in resources:
        if resource.type == VERSION:
            _add_version(resource, found, stack)
    for kept in found.values():
        kept.versions.sort(key=lambda version: int(version.number))
    for resource in resources:
        if resource.type == ALIAS:
            _add_alias(resource, found, stack)
    for resource in resources:
        if resource.type == URL:
            _add_url(resource, found, stack)
        elif resource.type == PERMISSION:
            _add_permission(resource, found, stack)
    return found


def _add_version(resource: Resource, found: dict[str, Belongings], stack: Stack) -> None:
    properties = resource.properties
    name = target_of(properties.required("FunctionName")).name
    properties.without_effect("CodeSha256")
    number = stack.version_numbers[name][resource.logical_id]
    version = VersionDefinition(number, properties.text("Description"), _provisioned(properties))
    found.setdefault(name, Belongings()).versions.append(version)


def _add_alias(resource: Resource, found: dict[str, Belongings], stack: Stack) -> None:
    properties = resource.properties
    function = target_of(properties.required("FunctionName")).name
    own = found.setdefault(function, Belongings())
    name = properties.required("Name")
    if any(alias.name == name for alias in own.aliases):
        raise stack.blame(resource.place, f"a second alias of {function} is named {name}", "give them different Names")
    routing = properties.mapping("RoutingConfig")
    weights: dict[str, float] = {}
    for entry in routing.mappings("AdditionalVersionWeights") if routing is not None else ():
        weights[_version(entry, function, own, stack)] = _weight(entry)
    own.aliases.append(
        AliasDefinition(
            name=name,
            version=_version(properties, function, own, stack),
            description=properties.text("Description") or "",
            weights=weights,
            provisioned_concurrency=_provisioned(properties),
        )
    )


def _version(properties: Properties, function: str, own: Belongings, stack: Stack) -> str:
    """A version that the template declares; `$LATEST` stands for one that was published elsewhere."""
    number = properties.required("FunctionVersion")
    if own.has(number):
        return number
    stack.warn(
        (*properties.place, "FunctionVersion"),
        f"version {number} of {function} is not declared here; {LATEST} stands for it",
    )
    return LATEST


def _weight(entry: Properties) -> float:
    value = entry.get("FunctionWeight")
    try:
        weight = float(value) if isinstance(value, int | float | str) else -1.0
    except ValueError:
        weight = -1.0
    if not 0.0 <= weight <= 1.0:
        raise entry.wrong("FunctionWeight", f"{value!r} is no weight", "give a number from 0 to 1")
    return weight


def _provisioned(properties: Properties) -> int | None:
    config = properties.mapping("ProvisionedConcurrencyConfig")
    if config is None:
        return None
    count = config.integer("ProvisionedConcurrentExecutions")
    if count is None or count < 1:
        raise config.wrong(
            "ProvisionedConcurrentExecutions", f"{count} environments cannot be provisioned", "give at least 1"
        )
    return count


def _url_target(properties: Properties) -> tuple[str, str | None]:
    target = target_of(properties.required("TargetFunctionArn"))
    return target.name, properties.text("Qualifier") or target.qualifier


def _add_url(resource: Resource, found: dict[str, Belongings], stack: Stack) -> None:
    properties = resource.properties
    function, qualifier = _url_target(properties)
    own = found.setdefault(function, Belongings())
    if any(url.qualifier == qualifier for url in own.urls):
        raise stack.blame(resource.place, f"{function} has a URL already", "one URL per function and alias is enough")
    cors = properties.get("Cors")
    own.urls.append(
        UrlDefinition(
            qualifier=qualifier,
            auth_type=_auth_type(properties),
            invoke_mode=_invoke_mode(properties),
            cors=_cors(cors) if isinstance(cors, dict) else {},
        )
    )


def _auth_type(properties: Properties) -> AuthType:
    written = properties.required("AuthType")
    kinds: dict[str, AuthType] = {"NONE": "NONE", "AWS_IAM": "AWS_IAM"}
    if written not in kinds:
        raise properties.wrong("AuthType", f"{written!r} is unknown", "use NONE or AWS_IAM")
    return kinds[written]


def _invoke_mode(properties: Properties) -> InvokeMode:
    written = properties.text("InvokeMode") or "BUFFERED"
    modes: dict[str, InvokeMode] = {"BUFFERED": "BUFFERED", "RESPONSE_STREAM": "RESPONSE_STREAM"}
    if written not in modes:
        raise properties.wrong("InvokeMode", f"{written!r} is unknown", "use BUFFERED or RESPONSE_STREAM")
    return modes[written]


def _cors(written: Mapping[str, object]) -> dict[str, object]:
    """MaxAge may be written as text."""
    age = written.get("MaxAge")
    return {**written, "MaxAge": int(age)} if isinstance(age, str) and age.isdecimal() else dict(written)


def _add_permission(resource: Resource, found: dict[str, Belongings], stack: Stack) -> None:
    properties = resource.properties
    target = target_of(properties.required("FunctionName"))
    conditions: dict[str, dict[str, str]] = {}
    told: tuple[tuple[Literal["StringEquals", "ArnLike"], str, str], ...] = (
        ("StringEquals", "AWS:SourceAccount", "SourceAccount"),
        ("StringEquals", "aws:PrincipalOrgID", "PrincipalOrgID"),
        ("StringEquals", "lambda:FunctionUrlAuthType", "FunctionUrlAuthType"),
        ("StringEquals", "lambda:EventSourceToken", "EventSourceToken"),
        ("ArnLike", "AWS:SourceArn", "SourceArn"),
    )
    for operator, key, name in told:
        if (value := properties.text(name)) is not None:
            conditions.setdefault(operator, {})[key] = value
    if (via_url := properties.text("InvokedViaFunctionUrl")) is not None:
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": via_url}
    grant = Grant(resource.logical_id, properties.required("Action"), properties.required("Principal"), conditions)
    try:
        made = statement(grant, function_arn(target.name, stack, target.qualifier))
    except CallerError as refusal:
        raise properties.wrong("Principal", refusal.message, "name a service, an account or *") from None
    own = found.setdefault(target.name, Belongings())
    own.permissions.append(PermissionDefinition(resource.logical_id, made, target.qualifier))

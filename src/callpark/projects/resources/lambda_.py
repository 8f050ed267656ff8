"""AWS::Lambda::Function and ::EventInvokeConfig → functions, with what `lambda_versions.py` finds for each.

`registry.py` asks for identities, `load.py` for the functions.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Lambda.html
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict

from callpark.functions.environments.log_levels import APPLICATION_LEVELS, SYSTEM_LEVELS
from callpark.functions.model import (
    Directory,
    EventInvokeConfig,
    FunctionConfiguration,
    FunctionDefinition,
    RecursiveLoop,
)
from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.model import InS3
from callpark.projects.resources.code import function_folder
from callpark.projects.resources.lambda_names import LATEST, target_of
from callpark.projects.resources.lambda_versions import ALIAS, PERMISSION, URL, VERSION, Belongings, belongings
from callpark.projects.resources.packages import missing
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

FUNCTION = "AWS::Lambda::Function"
EVENT_INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RETRY_ATTEMPTS, _EVENT_AGE_SECONDS = (0, 2), (60, 21_600)
"""What a configuration may say (API_PutFunctionEventInvokeConfig); the limits of these names are what holds without."""
_RUNTIMES = ("python", "nodejs", "provided")
_OWNED: Mapping[str, str] = {
    VERSION: "FunctionName",
    ALIAS: "FunctionName",
    PERMISSION: "FunctionName",
    EVENT_INVOKE_CONFIG: "FunctionName",
    URL: "TargetFunctionArn",
}
"""What belongs to a function, and the property that names it."""

_Configs: TypeAlias = Mapping[str, Mapping[str, EventInvokeConfig]]
"""Function name → qualifier → configuration."""


def function_identity(resource: Resource, stack: Stack) -> Identity:
    name = _function_name(resource)
    return Identity(name, {"Arn": stack.home.arn("lambda", f"function:{name}")})


def _function_name(resource: Resource) -> str:
    name = resource.properties.text("FunctionName") or physical_name(resource.logical_id)
    if not _NAME.fullmatch(name):
        raise resource.properties.wrong(
            "FunctionName", f"{name!r} is not a function's name", "use letters, digits, '-' and '_', 64 at most"
        )
    return name


def functions(resources: Sequence[Resource], stack: Stack) -> tuple[FunctionDefinition, ...]:
    """Raises ProjectError for two functions of one name."""
    configs = _event_invoke_configs(resources, stack)
    beside = belongings(resources, stack)
    found: dict[str, FunctionDefinition] = {}
    for resource in resources:
        if resource.type == FUNCTION:
            definition = _function(resource, configs, beside, stack)
            if definition is None:
                continue
            name = definition.configuration.name
            if name in found:
                raise stack.blame(
                    resource.place, f"a second function is named {name}", "give them different FunctionNames"
                )
            found[name] = definition
    _warn_strangers(resources, found, stack)
    return tuple(found.values())


def _function(
    resource: Resource, configs: _Configs, beside: Mapping[str, Belongings], stack: Stack
) -> FunctionDefinition | None:
    properties, limits = resource.properties, stack.limits.lambda_
    properties.without_effect("Tags", "Architectures", "Role")
    name = _function_name(resource)
    runtime = "" if properties.text("PackageType") == "Image" else properties.required("Runtime")
    if not runtime.startswith(_RUNTIMES):
        kind = f"written for {runtime}" if runtime else "a container image"
        _left_out(resource, f"the function {name} is {kind}, which is not run", stack)
        return None
    _quiet_defaults(properties)
    folder = function_folder(resource, runtime, stack)
    if isinstance(folder, InS3):
        folder = stack.later(f"the function {name}", folder, resource.place)
    else:
        _warn_dependencies(resource, folder, runtime, stack)
    configuration = FunctionConfiguration(
        name=name,
        runtime=runtime,
        handler=properties.required("Handler") if not runtime.startswith("provided") else _handler(properties),
        role=properties.text("Role") or "",
        description=properties.text("Description") or "",
        timeout_seconds=_within(properties, "Timeout", 1, limits.timeout_seconds) or 3,
        memory_megabytes=_within(properties, "MemorySize", 128, limits.memory_megabytes) or 128,
        ephemeral_storage_megabytes=_ephemeral_storage(properties, limits.ephemeral_storage_megabytes),
        environment=_environment(properties),
        **_logging(properties),
        dead_letter_target=_target(properties.mapping("DeadLetterConfig"), "TargetArn"),
        layers=properties.texts("Layers"),
    )
    own = beside.get(name, Belongings())
    kept: dict[str, EventInvokeConfig] = {
        qualifier: config for qualifier, config in configs.get(name, {}).items() if own.has(qualifier)
    }
    return FunctionDefinition(
        configuration=configuration,
        code=Directory(folder),
        event_invoke_config=kept.pop(LATEST, None),
        reserved_concurrency=properties.integer("ReservedConcurrentExecutions"),
        versions=tuple(own.versions),
        aliases=tuple(own.aliases),
        urls=tuple(url for url in own.urls if own.has(url.qualifier)),
        permissions=tuple(permission for permission in own.permissions if own.has(permission.qualifier)),
        qualified_event_invoke_configs=kept,
        recursive_loop=_recursive_loop(properties),
    )


def _warn_strangers(resources: Sequence[Resource], found: Mapping[str, FunctionDefinition], stack: Stack) -> None:
    """What belongs to a function, version or alias that the project does not declare."""
    for resource in resources:
        member = _OWNED.get(resource.type)
        if member is None:
            continue
        target = target_of(resource.properties.required(member))
        qualifier = resource.properties.text("Qualifier") or target.qualifier
        own = found.get(target.name)
        if own is None:
            stack.warn(resource.place, f"{resource.type}: there is no function {target.name} here; it is left out")
        elif not _has(own, qualifier) and resource.type not in (ALIAS, VERSION):
            stack.warn(resource.place, f"{resource.type}: {target.name} has no {qualifier} here; it is left out")


def _has(function: FunctionDefinition, qualifier: str | None) -> bool:
    return Belongings(list(function.versions), list(function.aliases)).has(qualifier)


def _recursive_loop(properties: Properties) -> RecursiveLoop:
    written = properties.text("RecursiveLoop")
    if written == "Allow":
        return "Allow"
    if written not in (None, "Terminate"):
        raise properties.wrong("RecursiveLoop", f"{written!r} is unknown", "use Terminate or Allow")
    return "Terminate"


def _left_out(resource: Resource, reason: str, stack: Stack) -> None:
    """A function that cannot run here leaves the others running: who calls it is told that it is not there."""
    resource.properties.without_effect(*resource.properties.values)
    stack.warn(resource.place, f"{resource.type}: {reason}; it is left out")


def _quiet_defaults(properties: Properties) -> None:
    properties.default("PackageType", "Zip")
    properties.default("TracingConfig", {"Mode": "PassThrough"})
    properties.default("SnapStart", {"ApplyOn": "None"})


def _handler(properties: Properties) -> str:
    return properties.text("Handler") or "bootstrap"


def _within(properties: Properties, name: str, low: int, high: int) -> int | None:
    number = properties.integer(name)
    if number is not None and not low <= number <= high:
        raise properties.wrong(name, f"{number} is outside {low} to {high}", "give a number inside")
    return number


def _ephemeral_storage(properties: Properties, most: int) -> int:
    storage = properties.mapping("EphemeralStorage")
    return 512 if storage is None else _within(storage, "Size", 512, most) or 512


def _environment(properties: Properties) -> dict[str, str]:
    environment = properties.mapping("Environment")
    return environment.text_map("Variables") if environment is not None else {}


class _Logging(TypedDict):
    log_format: Literal["Text", "JSON"]
    application_log_level: str
    system_log_level: str
    log_group: str | None


def _logging(properties: Properties) -> _Logging:
    """Raises ProjectError."""
    logging = properties.mapping("LoggingConfig")
    if logging is None:
        return _Logging(log_format="Text", application_log_level="INFO", system_log_level="INFO", log_group=None)
    written = logging.text("LogFormat")
    if written not in (None, "Text", "JSON"):
        raise properties.wrong("LoggingConfig", f"the log format {written!r} is unknown", "use Text or JSON")
    structured = written == "JSON"
    levels = {}
    for name, known in (("ApplicationLogLevel", APPLICATION_LEVELS), ("SystemLogLevel", SYSTEM_LEVELS)):
        level = logging.text(name)
        if level is not None and level not in known:
            raise logging.wrong(name, f"the log level {level!r} is unknown", f"use one of {', '.join(known)}")
        if level is not None and not structured:
            raise logging.wrong(name, "logs in the format Text have no levels", "set LogFormat: JSON, or leave it out")
        levels[name] = level or "INFO"
    return _Logging(
        log_format="JSON" if structured else "Text",
        application_log_level=levels["ApplicationLogLevel"],
        system_log_level=levels["SystemLogLevel"],
        log_group=logging.text("LogGroup"),
    )


def _target(properties: Properties | None, name: str) -> str | None:
    return properties.text(name) if properties is not None else None


def _warn_dependencies(resource: Resource, folder: Path, runtime: str, stack: Stack) -> None:
    warning = missing(folder, runtime)
    if warning is not None:
        stack.warn((*resource.properties.place, "Code"), warning)


def _event_invoke_configs(resources: Sequence[Resource], stack: Stack) -> _Configs:
    configs: dict[str, dict[str, EventInvokeConfig]] = {}
    for resource in resources:
        if resource.type != EVENT_INVOKE_CONFIG:
            continue
        properties = resource.properties
        target = target_of(properties.required("FunctionName"))
        name, qualifier = target.name, properties.text("Qualifier") or target.qualifier or LATEST
        own = configs.setdefault(name, {})
        if qualifier in own:
            raise stack.blame(
                resource.place, f"{name} has a configuration for {qualifier} already", "remove one of the two"
            )
        destinations = properties.mapping("DestinationConfig")
        own[qualifier] = EventInvokeConfig(
            maximum_retry_attempts=_within(properties, "MaximumRetryAttempts", *_RETRY_ATTEMPTS),
            maximum_event_age_seconds=_within(properties, "MaximumEventAgeInSeconds", *_EVENT_AGE_SECONDS),
            on_success=_destination(destinations, "OnSuccess"),
            on_failure=_destination(destinations, "OnFailure"),
        )
    return configs


def _destination(destinations: Properties | None, name: str) -> str | None:
    return _target(destinations.mapping(name), "Destination") if destinations is not None else None

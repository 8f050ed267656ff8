"""AWS::Lambda::Function, ::Version, ::Alias, ::EventInvokeConfig → functions.

`registry.py` asks for identities, `load.py` for the functions. Versions and aliases are not kept yet: a reference to
one gives the function itself, and a warning says so.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Lambda.html
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from callpark.functions.model import Directory, EventInvokeConfig, FunctionConfiguration, FunctionDefinition
from callpark.kernel.arn import Arn
from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.code import InS3, function_folder
from callpark.projects.resources.packages import missing
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

FUNCTION = "AWS::Lambda::Function"
VERSION = "AWS::Lambda::Version"
ALIAS = "AWS::Lambda::Alias"
EVENT_INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RETRY_ATTEMPTS, _EVENT_AGE_SECONDS = (0, 2), (60, 21_600)
"""What a configuration may say (API_PutFunctionEventInvokeConfig); the limits of these names are what holds without."""
_RUNTIMES = ("python", "nodejs", "provided")


def function_identity(resource: Resource, stack: Stack) -> Identity:
    name = _function_name(resource)
    return Identity(name, {"Arn": stack.home.arn("lambda", f"function:{name}")})


def version_identity(resource: Resource, stack: Stack) -> Identity:
    arn = _unqualified(resource.properties.required("FunctionName"), stack)
    return Identity(arn, {"FunctionArn": arn, "Version": "$LATEST"})


def alias_identity(resource: Resource, stack: Stack) -> Identity:
    arn = _unqualified(resource.properties.required("FunctionName"), stack)
    return Identity(arn, {"AliasArn": arn})


def _function_name(resource: Resource) -> str:
    name = resource.properties.text("FunctionName") or physical_name(resource.logical_id)
    if not _NAME.fullmatch(name):
        raise resource.properties.wrong(
            "FunctionName", f"{name!r} is not a function's name", "use letters, digits, '-' and '_', 64 at most"
        )
    return name


def _unqualified(function: str, stack: Stack) -> str:
    """The ARN of a function given by name, ARN or partial ARN, with or without a qualifier."""
    return stack.home.arn("lambda", f"function:{_name_of(function)}")


def _name_of(function: str) -> str:
    arn = Arn.parse(function)
    text = arn.resource if arn is not None else function
    return text.rpartition("function:")[2].partition(":")[0]


def functions(resources: Sequence[Resource], stack: Stack) -> tuple[FunctionDefinition, ...]:
    """Raises ProjectError for two functions of one name."""
    configs = _event_invoke_configs(resources, stack)
    found: dict[str, FunctionDefinition] = {}
    _warn_versions(resources, stack)
    for resource in resources:
        if resource.type == FUNCTION:
            definition = _function(resource, configs, stack)
            if definition is None:
                continue
            name = definition.configuration.name
            if name in found:
                raise stack.blame(
                    resource.place, f"a second function is named {name}", "give them different FunctionNames"
                )
            found[name] = definition
    return tuple(found.values())


def _warn_versions(resources: Sequence[Resource], stack: Stack) -> None:
    """One warning per function, however many versions and aliases it has."""
    warned: set[str] = set()
    for resource in resources:
        if resource.type in (VERSION, ALIAS):
            name = _name_of(resource.properties.required("FunctionName"))
            resource.properties.without_effect(*resource.properties.values)
            if name not in warned:
                stack.warn(
                    resource.place, f"{resource.type}: versions are not kept yet; it stands for $LATEST of {name}"
                )
            warned.add(name)


def _function(resource: Resource, configs: dict[str, EventInvokeConfig], stack: Stack) -> FunctionDefinition | None:
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
        _left_out(resource, f"the code of {name} lies at {folder.address}, not on this machine", stack)
        return None
    configuration = FunctionConfiguration(
        name=name,
        runtime=runtime,
        handler=properties.required("Handler") if not runtime.startswith("provided") else _handler(properties),
        role=properties.text("Role") or "",
        description=properties.text("Description") or "",
        timeout_seconds=_within(properties, "Timeout", 1, limits.timeout_seconds) or 3,
        memory_megabytes=_within(properties, "MemorySize", 128, limits.memory_megabytes) or 128,
        environment=_environment(properties),
        log_format=_log_format(properties),
        dead_letter_target=_target(properties.mapping("DeadLetterConfig"), "TargetArn"),
    )
    _warn_dependencies(resource, folder, runtime, stack)
    return FunctionDefinition(
        configuration, Directory(folder), configs.get(name), properties.integer("ReservedConcurrentExecutions")
    )


def _left_out(resource: Resource, reason: str, stack: Stack) -> None:
    """A function that cannot run here leaves the others running: who calls it is told that it is not there."""
    resource.properties.without_effect(*resource.properties.values)
    stack.warn(resource.place, f"{resource.type}: {reason}; it is left out")


def _quiet_defaults(properties: Properties) -> None:
    properties.default("PackageType", "Zip")
    properties.default("TracingConfig", {"Mode": "PassThrough"})
    properties.default("EphemeralStorage", {"Size": 512})
    properties.default("SnapStart", {"ApplyOn": "None"})
    properties.default("Layers", [])


def _handler(properties: Properties) -> str:
    return properties.text("Handler") or "bootstrap"


def _within(properties: Properties, name: str, low: int, high: int) -> int | None:
    number = properties.integer(name)
    if number is not None and not low <= number <= high:
        raise properties.wrong(name, f"{number} is outside {low} to {high}", "give a number inside")
    return number


def _environment(properties: Properties) -> dict[str, str]:
    environment = properties.mapping("Environment")
    return environment.text_map("Variables") if environment is not None else {}


def _log_format(properties: Properties) -> Literal["Text", "JSON"]:
    logging = properties.mapping("LoggingConfig")
    written = logging.text("LogFormat") if logging is not None else None
    if written == "JSON":
        return "JSON"
    if written not in (None, "Text"):
        raise properties.wrong("LoggingConfig", f"the log format {written!r} is unknown", "use Text or JSON")
    return "Text"


def _target(properties: Properties | None, name: str) -> str | None:
    return properties.text(name) if properties is not None else None


def _warn_dependencies(resource: Resource, folder: Path, runtime: str, stack: Stack) -> None:
    warning = missing(folder, runtime)
    if warning is not None:
        stack.warn((*resource.properties.place, "Code"), warning)


def _event_invoke_configs(resources: Sequence[Resource], stack: Stack) -> dict[str, EventInvokeConfig]:
    configs: dict[str, EventInvokeConfig] = {}
    for resource in resources:
        if resource.type != EVENT_INVOKE_CONFIG:
            continue
        properties = resource.properties
        name = _name_of(properties.required("FunctionName"))
        properties.without_effect("Qualifier")
        if name in configs:
            stack.warn(resource.place, f"{EVENT_INVOKE_CONFIG}: {name} has one already; versions are not kept yet")
            continue
        destinations = properties.mapping("DestinationConfig")
        configs[name] = EventInvokeConfig(
            maximum_retry_attempts=_within(properties, "MaximumRetryAttempts", *_RETRY_ATTEMPTS),
            maximum_event_age_seconds=_within(properties, "MaximumEventAgeInSeconds", *_EVENT_AGE_SECONDS),
            on_success=_destination(destinations, "OnSuccess"),
            on_failure=_destination(destinations, "OnFailure"),
        )
    return configs


def _destination(destinations: Properties | None, name: str) -> str | None:
    return _target(destinations.mapping(name), "Destination") if destinations is not None else None

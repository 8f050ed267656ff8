"""How a function becomes another one: pure transitions between `Function` values, and what they refuse.

Called by `service.py`, which brings revision ids and instants and makes the result durable.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from callpark.functions import refusals
from callpark.functions.model import (
    Code,
    CodeIdentity,
    DatedEventInvokeConfig,
    EventInvokeConfig,
    Function,
    FunctionConfiguration,
    RecursiveLoop,
)
from callpark.kernel.arn import Arn

_DESTINATION = re.compile(
    r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:"
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)",
    re.ASCII,
)
_DESTINATION_CHARACTERS = 350
_SUCCESS_SERVICES = frozenset({"lambda", "sqs", "sns", "events"})
_FAILURE_SERVICES = _SUCCESS_SERVICES | {"s3"}


_DEFAULTS = FunctionConfiguration(name="", runtime="", handler="")


@dataclass(frozen=True, slots=True)
class ConfigurationEdit:
    """What UpdateFunctionConfiguration changes; None leaves a member as it is, an empty `dead_letter_target` removes
    it."""

    runtime: str | None = None
    handler: str | None = None
    role: str | None = None
    description: str | None = None
    timeout_seconds: int | None = None
    memory_megabytes: int | None = None
    ephemeral_storage_megabytes: int | None = None
    environment: Mapping[str, str] | None = None
    log_format: Literal["Text", "JSON"] | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    log_group: str | None = None
    dead_letter_target: str | None = None
    layers: tuple[str, ...] | None = None


def edited(configuration: FunctionConfiguration, edit: ConfigurationEdit) -> FunctionConfiguration:
    """Raises CallerError for levels of text logs, the one thing that only the result shows. A change to Text forgets
    the levels."""
    log_format = configuration.log_format if edit.log_format is None else edit.log_format
    if log_format == "Text" and (edit.application_log_level or edit.system_log_level):
        raise refusals.invalid_parameter(
            'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change '
            'the LogFormat to "JSON" and try again.'
        )
    before = configuration if log_format == configuration.log_format else _DEFAULTS
    return FunctionConfiguration(
        name=configuration.name,
        runtime=configuration.runtime if edit.runtime is None else edit.runtime,
        handler=configuration.handler if edit.handler is None else edit.handler,
        role=configuration.role if edit.role is None else edit.role,
        description=configuration.description if edit.description is None else edit.description,
        timeout_seconds=configuration.timeout_seconds if edit.timeout_seconds is None else edit.timeout_seconds,
        memory_megabytes=configuration.memory_megabytes if edit.memory_megabytes is None else edit.memory_megabytes,
        ephemeral_storage_megabytes=configuration.ephemeral_storage_megabytes
        if edit.ephemeral_storage_megabytes is None
        else edit.ephemeral_storage_megabytes,
        environment=configuration.environment if edit.environment is None else edit.environment,
        log_format=log_format,
        application_log_level=edit.application_log_level or before.application_log_level,
        system_log_level=edit.system_log_level or before.system_log_level,
        log_group=configuration.log_group if edit.log_group is None else edit.log_group,
        dead_letter_target=configuration.dead_letter_target
        if edit.dead_letter_target is None
        else edit.dead_letter_target or None,
        layers=configuration.layers if edit.layers is None else edit.layers,
    )


def with_code(
    function: Function, code: Code, identity: CodeIdentity, inert: Mapping[str, object], revision_id: str, now: float
) -> Function:
    return replace(
        function,
        code=code,
        identity=identity,
        inert={**function.inert, **inert},
        revision_id=revision_id,
        last_modified=now,
    )


def with_configuration(
    function: Function, edit: ConfigurationEdit, inert: Mapping[str, object], revision_id: str, now: float
) -> Function:
    return replace(
        function,
        configuration=edited(function.configuration, edit),
        inert={**function.inert, **inert},
        revision_id=revision_id,
        last_modified=now,
    )


def with_event_invoke_config(function: Function, qualifier: str, dated: DatedEventInvokeConfig) -> Function:
    return replace(function, event_invoke_configs={**function.event_invoke_configs, qualifier: dated})


def without_event_invoke_config(function: Function, qualifier: str) -> Function:
    kept = {key: config for key, config in function.event_invoke_configs.items() if key != qualifier}
    return replace(function, event_invoke_configs=kept)


def check_reservation(function: Function, reserved: int) -> None:
    """Raises CallerError for less than what is provisioned."""
    provisioned = sum(provisioned.requested for provisioned in function.provisioned.values())
    if reserved < provisioned:
        raise refusals.invalid_parameter(
            f" ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned "
            f"concurrency [{provisioned}]."
        )


def recursive_loop(text: str) -> RecursiveLoop:
    """Raises CallerError for what is neither of the two."""
    if text == "Allow":
        return "Allow"
    if text == "Terminate":
        return "Terminate"
    rule = "satisfy enum value set: [Terminate, Allow]"
    raise refusals.validation([refusals.constraint(text, "recursiveLoop", rule)])


def merged(config: EventInvokeConfig, changes: EventInvokeConfig) -> EventInvokeConfig:
    """UpdateFunctionEventInvokeConfig: what is given replaces, an empty destination removes."""
    return EventInvokeConfig(
        maximum_retry_attempts=config.maximum_retry_attempts
        if changes.maximum_retry_attempts is None
        else changes.maximum_retry_attempts,
        maximum_event_age_seconds=config.maximum_event_age_seconds
        if changes.maximum_event_age_seconds is None
        else changes.maximum_event_age_seconds,
        on_success=config.on_success if changes.on_success is None else changes.on_success or None,
        on_failure=config.on_failure if changes.on_failure is None else changes.on_failure or None,
    )


def check_event_invoke_config(config: EventInvokeConfig) -> None:
    """Ranges, and the destinations' form. Raises CallerError."""
    problems = []
    attempts, age = config.maximum_retry_attempts, config.maximum_event_age_seconds
    if attempts is not None and not 0 <= attempts <= 2:
        bound = "greater than or equal to 0" if attempts < 0 else "less than or equal to 2"
        problems.append(refusals.constraint(attempts, "maximumRetryAttempts", f"have value {bound}"))
    if age is not None and not 60 <= age <= 21_600:
        bound = "greater than or equal to 60" if age < 60 else "less than or equal to 21600"
        problems.append(refusals.constraint(age, "maximumEventAgeInSeconds", f"have value {bound}"))
    for member, target in (("onSuccess", config.on_success), ("onFailure", config.on_failure)):
        problems += _destination_problems(f"destinationConfig.{member}.destination", target)
    if problems:
        raise refusals.validation(problems)
    _check_service("OnSuccess", config.on_success, _SUCCESS_SERVICES)
    _check_service("OnFailure", config.on_failure, _FAILURE_SERVICES)


def _destination_problems(member: str, target: str | None) -> list[str]:
    if target is None:
        return []
    problems = []
    if _DESTINATION.fullmatch(target) is None:
        rule = f"satisfy regular expression pattern: {_DESTINATION.pattern}"
        problems.append(refusals.constraint(target, member, rule))
    if len(target) > _DESTINATION_CHARACTERS:
        rule = f"have length less than or equal to {_DESTINATION_CHARACTERS}"
        problems.append(refusals.constraint(target, member, rule))
    return problems


def _check_service(kind: str, target: str | None, services: frozenset[str]) -> None:
    if not target:
        return
    arn = Arn.parse(target)
    if arn is None or arn.service not in services:
        given = f"{kind}(destination={target})"
        on_success, on_failure = (given, "null") if kind == "OnSuccess" else ("null", given)
        raise refusals.invalid_parameter(
            f"The provided destination config DestinationConfig(onSuccess={on_success}, onFailure={on_failure}) "
            "is invalid."
        )

"""Functions as the API shows them: AWS's members from `Function` values. Pure.

Called by the operations in this folder. A new function is shown as Pending and an updated one as InProgress in the very
answer that made it so, as recorded; a later look finds it as `Transitions` has it, Active as a rule.
https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from callpark.functions.model import Alias, DatedEventInvokeConfig, Version
from callpark.functions.transitions import Phase
from callpark.kernel.arn import Place

_CREATING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
_UPDATING = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
_CURRENT = {"State": "Active", "LastUpdateStatus": "Successful"}
_STATES: Mapping[Phase, Mapping[str, str]] = {"created": _CREATING, "updated": _UPDATING, "current": _CURRENT}


@dataclass(frozen=True, slots=True)
class Shown:
    """How a version is to be shown: `arn` is qualified as the caller asked, `layer_sizes` in bytes by ARN."""

    arn: str
    place: Place
    layer_sizes: Mapping[str, int]
    phase: Phase = "current"


def configuration_members(version: Version, shown: Shown) -> dict[str, object]:
    """FunctionConfiguration."""
    configuration, inert = version.configuration, version.inert
    members: dict[str, object] = {
        "FunctionName": configuration.name,
        "FunctionArn": shown.arn,
        "Runtime": configuration.runtime,
        "Role": configuration.role,
        "Handler": configuration.handler,
        "CodeSize": version.identity.size,
        "CodeSha256": version.identity.sha256,
        "Description": configuration.description,
        "Timeout": configuration.timeout_seconds,
        "MemorySize": configuration.memory_megabytes,
        "LastModified": last_modified(version.last_modified),
        "Version": version.number,
        "TracingConfig": inert.get("TracingConfig") or {"Mode": "PassThrough"},
        "RevisionId": version.revision_id,
        **_STATES[shown.phase],
        "PackageType": "Zip",
        "Architectures": inert.get("Architectures") or ["x86_64"],
        "EphemeralStorage": {"Size": configuration.ephemeral_storage_megabytes},
        "SnapStart": {**_mapping(inert.get("SnapStart"), {"ApplyOn": "None"}), "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {"RuntimeVersionArn": _runtime_version_arn(configuration.runtime, shown.place)},
        "LoggingConfig": _logging(version),
    }
    if configuration.environment:
        members["Environment"] = {"Variables": dict(configuration.environment)}
    if configuration.dead_letter_target is not None:
        members["DeadLetterConfig"] = {"TargetArn": configuration.dead_letter_target}
    if configuration.layers:
        members["Layers"] = [{"Arn": arn, "CodeSize": shown.layer_sizes.get(arn, 0)} for arn in configuration.layers]
    for member in ("VpcConfig", "FileSystemConfigs", "KMSKeyArn"):
        if inert.get(member):
            members[member] = inert[member]
    return members


def alias_members(alias: Alias, arn: str) -> dict[str, object]:
    """AliasConfiguration; `arn` is the function's."""
    members: dict[str, object] = {
        "AliasArn": f"{arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        members["RoutingConfig"] = {"AdditionalVersionWeights": dict(alias.weights)}
    return members


def event_invoke_config_members(dated: DatedEventInvokeConfig, qualified_arn: str) -> dict[str, object]:
    """FunctionEventInvokeConfig: destinations always, numbers only when set."""
    config = dated.config
    members: dict[str, object] = {"LastModified": dated.last_modified, "FunctionArn": qualified_arn}
    if config.maximum_retry_attempts is not None:
        members["MaximumRetryAttempts"] = config.maximum_retry_attempts
    if config.maximum_event_age_seconds is not None:
        members["MaximumEventAgeInSeconds"] = config.maximum_event_age_seconds
    members["DestinationConfig"] = {
        "OnSuccess": {} if config.on_success is None else {"Destination": config.on_success},
        "OnFailure": {} if config.on_failure is None else {"Destination": config.on_failure},
    }
    return members


def last_modified(at: float) -> str:
    """ISO 8601 as Lambda writes it: milliseconds and `+0000`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03d}+0000"


def _logging(version: Version) -> dict[str, object]:
    configuration = version.configuration
    members: dict[str, object] = {"LogFormat": configuration.log_format}
    if configuration.log_format == "JSON":
        members["ApplicationLogLevel"] = configuration.application_log_level
        members["SystemLogLevel"] = configuration.system_log_level
    members["LogGroup"] = configuration.log_group or f"/aws/lambda/{configuration.name}"
    return members


def _runtime_version_arn(runtime: str, place: Place) -> str:
    return f"arn:aws:lambda:{place.region}::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"


def _mapping(value: object, default: Mapping[str, object]) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) and value else default

"""What CreateFunction and its kin are given: typed from the gateway's parameters, sorted into what callpark acts on,
what it only keeps, and what it refuses. Pure.

Called by `api/functions.py`. Nothing is dropped silently: `inert` members are kept, shown and warned about by name.
"""

import platform
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from callpark.functions import refusals
from callpark.functions.changes import ConfigurationEdit
from callpark.functions.model import FunctionConfiguration

_CONVERTED = TypeVar("_CONVERTED", bound=msgspec.Struct)

#: Kept and shown, not acted on, unless the value is the default beside it.
_INERT: Mapping[str, object] = {
    "TracingConfig": {"Mode": "PassThrough"},
    "Architectures": None,
    "SnapStart": {"ApplyOn": "None"},
    "VpcConfig": {},
    "FileSystemConfigs": [],
    "KMSKeyArn": "",
    "CodeSigningConfigArn": "",
    "RuntimeConfig": None,
}
#: These would change what a function is; refusing beats pretending.
_REFUSED: Mapping[str, str] = {
    "ImageConfig": "container images",
    "TenancyConfig": "tenant isolation",
    "CapacityProviderConfig": "managed instances",
    "DurableConfig": "durable functions",
    "AcceleratorConfig": "accelerators",
    "PublishTo": "publishing to $LATEST.PUBLISHED",
}
#: This machine, by AWS's name.
HOST_ARCHITECTURE = {"aarch64": "arm64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())


class Environment(msgspec.Struct, frozen=True, rename="pascal"):
    variables: dict[str, str] = {}


class DeadLetter(msgspec.Struct, frozen=True, rename="pascal"):
    target_arn: str = ""


class EphemeralStorage(msgspec.Struct, frozen=True, rename="pascal"):
    size: int


class Logging(msgspec.Struct, frozen=True, rename="pascal"):
    log_format: Literal["Text", "JSON"] | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    log_group: str | None = None


class Configuration(msgspec.Struct, frozen=True, rename="pascal"):
    """The members that CreateFunction and UpdateFunctionConfiguration share and callpark acts on."""

    runtime: str | None = None
    handler: str | None = None
    role: str | None = None
    description: str | None = None
    timeout: int | None = None
    memory_size: int | None = None
    ephemeral_storage: EphemeralStorage | None = None
    environment: Environment | None = None
    dead_letter_config: DeadLetter | None = None
    logging_config: Logging | None = None
    layers: tuple[str, ...] | None = None

    def edit(self) -> ConfigurationEdit:
        logging = self.logging_config or Logging()
        return ConfigurationEdit(
            runtime=self.runtime,
            handler=self.handler,
            role=self.role,
            description=self.description,
            timeout_seconds=self.timeout,
            memory_megabytes=self.memory_size,
            ephemeral_storage_megabytes=None if self.ephemeral_storage is None else self.ephemeral_storage.size,
            environment=None if self.environment is None else self.environment.variables,
            log_format=logging.log_format,
            application_log_level=logging.application_log_level,
            system_log_level=logging.system_log_level,
            log_group=logging.log_group,
            dead_letter_target=None if self.dead_letter_config is None else self.dead_letter_config.target_arn,
            layers=self.layers,
        )


def converted(kind: type[_CONVERTED], parameters: Mapping[str, object]) -> _CONVERTED:
    """Parameters by their types. Raises CallerError."""
    try:
        return msgspec.convert(parameters, kind)
    except msgspec.ValidationError as error:
        raise refusals.validation([str(error)]) from None


def blank(name: str) -> FunctionConfiguration:
    """AWS's defaults, before what CreateFunction says is laid over them."""
    return FunctionConfiguration(name=name, runtime="", handler="")


def inert(parameters: Mapping[str, object]) -> dict[str, object]:
    """The members that are kept but not acted on. Raises CallerError for those that are refused."""
    for member, meaning in _REFUSED.items():
        if parameters.get(member):
            raise refusals.invalid_parameter(f"callpark does not support {member} ({meaning}).")
    if parameters.get("PackageType") not in (None, "Zip"):
        raise refusals.invalid_parameter("callpark does not support PackageType Image (container images).")
    return {member: parameters[member] for member in _INERT if parameters.get(member) is not None}


def inert_warnings(name: str, kept: Mapping[str, object]) -> list[str]:
    """One sentence for each member that changes nothing here and is not merely a default."""
    members = [m for m, value in kept.items() if m != "Architectures" and value and value != _INERT.get(m)]
    warnings = [f"function {name}: {member} is kept and shown, but changes nothing here" for member in members]
    architectures = kept.get("Architectures")
    if isinstance(architectures, Sequence) and architectures and HOST_ARCHITECTURE not in architectures:
        asked = ", ".join(map(str, architectures))
        warnings.append(f"function {name} is built for {asked} and runs on {HOST_ARCHITECTURE}")
    return warnings

"""AWS Lambda's values: functions, their configuration, invocations and what comes back.

Frozen; made by `projects/` from templates and by `functions/api/` from API calls, kept by `functions/service.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec


@dataclass(frozen=True, slots=True)
class Directory:
    """Code where it lies on the user's disk; edits are seen by the next environment."""

    path: Path


@dataclass(frozen=True, slots=True)
class Archive:
    """Code as an uploaded zip, kept as a blob."""

    digest: str
    size: int


Code: TypeAlias = Directory | Archive


@dataclass(frozen=True, slots=True)
class EventInvokeConfig:
    """What becomes of asynchronous events that fail or succeed; None where nothing was set.

    https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
    """

    maximum_retry_attempts: int | None = None
    maximum_event_age_seconds: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """What CreateFunction configures, with AWS's defaults. Seconds, megabytes."""

    name: str
    runtime: str
    handler: str
    role: str = ""
    description: str = ""
    timeout_seconds: int = 3
    memory_megabytes: int = 128
    ephemeral_storage_megabytes: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    log_format: Literal["Text", "JSON"] = "Text"
    application_log_level: str = "INFO"
    system_log_level: str = "INFO"
    """Levels of JSON logs; Text has none."""
    log_group: str | None = None
    """None for the function's own, `/aws/lambda/<name>`."""
    dead_letter_target: str | None = None
    layers: tuple[str, ...] = ()
    """ARNs of layer versions; later ones lie over earlier ones."""


@dataclass(frozen=True, slots=True)
class AliasDefinition:
    """An alias as a project declares it. `weights`: version → its part of the invocations, 0 to 1."""

    name: str
    version: str
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    provisioned_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class VersionDefinition:
    """A version as a project declares it: numbered from 1 in the order of the template."""

    number: str
    description: str | None = None
    provisioned_concurrency: int | None = None


AuthType: TypeAlias = Literal["NONE", "AWS_IAM"]
InvokeMode: TypeAlias = Literal["BUFFERED", "RESPONSE_STREAM"]


@dataclass(frozen=True, slots=True)
class UrlDefinition:
    """A function URL as a project declares it. `cors` has AWS's member names; `qualifier` is an alias or None."""

    qualifier: str | None = None
    auth_type: AuthType = "NONE"
    invoke_mode: InvokeMode = "BUFFERED"
    cors: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PermissionDefinition:
    """A statement of a resource policy as a project declares it, under the qualifier it is for (None: unqualified)."""

    statement_id: str
    statement: Mapping[str, object]
    qualifier: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """A function as a project declares it: configuration, code, and its `$LATEST` event-invoke configuration;
    `qualified_event_invoke_configs` are those of its versions and aliases."""

    configuration: FunctionConfiguration
    code: Directory
    event_invoke_config: EventInvokeConfig | None = None
    reserved_concurrency: int | None = None
    versions: tuple[VersionDefinition, ...] = ()
    aliases: tuple[AliasDefinition, ...] = ()
    urls: tuple[UrlDefinition, ...] = ()
    permissions: tuple[PermissionDefinition, ...] = ()
    qualified_event_invoke_configs: Mapping[str, EventInvokeConfig] = field(default_factory=dict)
    recursive_loop: "RecursiveLoop" = "Terminate"


@dataclass(frozen=True, slots=True)
class LayerDefinition:
    """A layer as a project declares it; its version is 1."""

    name: str
    code: Directory
    description: str = ""
    compatible_runtimes: tuple[str, ...] = ()
    compatible_architectures: tuple[str, ...] = ()
    license_info: str = ""


RecursiveLoop: TypeAlias = Literal["Allow", "Terminate"]


class Invocation(msgspec.Struct, frozen=True):
    """A request to run a function. `function` is a name, partial ARN or ARN, with or without qualifier. `nested`: a
    running function may wait for it, although the trace header does not say so."""

    function: str
    payload: bytes
    qualifier: str | None = None
    request_id: str | None = None
    client_context: str | None = None
    trace_header: str | None = None
    log_tail: bool = False
    nested: bool = False


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What a synchronous invocation answers. `function_error` is "Unhandled" when the payload is an error object."""

    request_id: str
    payload: bytes
    executed_version: str
    function_error: str | None = None
    log_tail: bytes = b""


@dataclass(frozen=True, slots=True)
class DatedEventInvokeConfig:
    """An EventInvokeConfig and when it was last changed (epoch seconds)."""

    config: EventInvokeConfig
    last_modified: float


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """What a package is known by: base64 of its SHA-256, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Version:
    """What was published: configuration and code as `$LATEST` had them, never changed again. `basis` is the fingerprint
    of what it was published from. `$LATEST` itself is shown as a Version whose number is "$LATEST"."""

    number: str
    configuration: FunctionConfiguration
    code: Code
    identity: CodeIdentity
    revision_id: str
    last_modified: float
    basis: str = ""
    inert: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a version. `weights`: another version → its part of the invocations, 0 to 1."""

    name: str
    version: str
    description: str
    revision_id: str
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProvisionedConcurrency:
    """How many environments of a version are to be kept initialised; asked for at `last_modified`."""

    requested: int
    last_modified: float


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """An address of a function or alias. `cors` has AWS's member names. Instants in epoch seconds."""

    url_id: str
    auth_type: AuthType
    invoke_mode: InvokeMode
    created: float
    last_modified: float
    cors: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """A resource policy: statements by their id, in AWS's shape. What it refuses: `permissions.py`."""

    statements: Mapping[str, Mapping[str, object]]
    revision_id: str


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """A layer's content under a number."""

    name: str
    number: int
    code: Code
    identity: CodeIdentity
    created: float
    description: str = ""
    compatible_runtimes: tuple[str, ...] = ()
    compatible_architectures: tuple[str, ...] = ()
    license_info: str = ""
    policy: Policy | None = None
    declared: bool = False
    deleted: bool = False
    """Nobody may find it any more, but a function still uses it."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it is now. `configuration`, `code` and `identity` are `$LATEST`'s.

    `declared` is true for a project's own functions, which are not kept in the store: the project brings them again.
    `inert` holds what CreateFunction was given that callpark stores and shows but does not act on, by AWS's names.
    `event_invoke_configs`, `provisioned`, `urls` and `policies` are by qualifier, "$LATEST" for none. `published`
    counts the versions there ever were.
    """

    configuration: FunctionConfiguration
    code: Code
    identity: CodeIdentity
    revision_id: str
    last_modified: float
    declared: bool = False
    reserved_concurrency: int | None = None
    event_invoke_configs: Mapping[str, DatedEventInvokeConfig] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    inert: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, Version] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    provisioned: Mapping[str, ProvisionedConcurrency] = field(default_factory=dict)
    urls: Mapping[str, FunctionUrl] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    recursive_loop: RecursiveLoop = "Terminate"
    published: int = 0

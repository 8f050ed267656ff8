"""AWS Lambda's values: functions, their configuration, invocations and what comes back.

Frozen; made by `projects/` from templates and by `functions/api/` from API calls, kept by `functions/service.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias


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
    environment: Mapping[str, str] = field(default_factory=dict)
    log_format: Literal["Text", "JSON"] = "Text"
    dead_letter_target: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """A function as a project declares it: configuration, code, and its `$LATEST` event-invoke configuration."""

    configuration: FunctionConfiguration
    code: Directory
    event_invoke_config: EventInvokeConfig | None = None
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """A request to run a function. `function` is a name, partial ARN or ARN, with or without qualifier."""

    function: str
    payload: bytes
    qualifier: str | None = None
    request_id: str | None = None
    client_context: str | None = None
    trace_header: str | None = None
    log_tail: bool = False


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
class Function:
    """A function as it is now.

    `declared` is true for a project's own functions, which are not kept in the store: the project brings them again.
    `inert` holds what CreateFunction was given that callpark stores and shows but does not act on, by AWS's names.
    `event_invoke_configs` is by qualifier.
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

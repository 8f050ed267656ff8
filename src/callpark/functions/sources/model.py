"""Event source mappings: values. Made by `api/event_source_mappings.py` and `projects/`, kept by `service.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Phase: TypeAlias = Literal["Creating", "Updating", "Enabling", "Disabling", "Deleting", "Enabled", "Disabled"]

REPORT_FAILURES = "ReportBatchItemFailures"


@dataclass(frozen=True, slots=True)
class Pollers:
    """ProvisionedPollerConfig: how many event pollers, None where nothing was set."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What a mapping does, with AWS's defaults. `filters` are patterns as they were sent; any of them lets a record
    through. Seconds.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
    """

    enabled: bool = True
    batch_size: int = 10
    window_seconds: int = 0
    filters: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    maximum_concurrency: int | None = None
    pollers: Pollers | None = None
    inert: Mapping[str, object] = field(default_factory=dict)
    """Kept and shown, by AWS's names; nothing here acts on it."""


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """A mapping as a project declares it. `function` is a name or ARN, with or without qualifier."""

    mapping_id: str
    queue_arn: str
    function: str
    settings: SourceSettings = field(default_factory=SourceSettings)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """A queue whose messages a function gets. `qualifier` is the one that was given, None for none; `last_modified` in
    epoch seconds. `declared` mappings are not kept in the store: the project brings them again."""

    mapping_id: str
    queue_arn: str
    function: str
    qualifier: str | None
    settings: SourceSettings
    last_modified: float
    tags: Mapping[str, str] = field(default_factory=dict)
    declared: bool = False

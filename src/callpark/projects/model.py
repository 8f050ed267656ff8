"""What a project declares, as the values of the slices. Made by `load.py`, served by `app.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.functions.model import FunctionDefinition, LayerDefinition
from callpark.functions.sources.model import SourceDefinition
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.model import ApiDefinition
from callpark.logs.model import GroupDefinition
from callpark.models.declared import DeclaredModels
from callpark.queues.model import QueueDefinition


@dataclass(frozen=True, slots=True)
class ForeignCall:
    """An operation by botocore's names. Refusals with a code of `done` say that it was done before."""

    service: str
    operation: str
    parameters: Mapping[str, object]
    done: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ForeignResource:
    """A resource of a service that callpark does not serve, and the calls that bring it about."""

    logical_id: str
    type: str
    calls: tuple[ForeignCall, ...]


@dataclass(frozen=True, slots=True)
class InS3:
    """Code that is not on this disk."""

    bucket: str
    key: str
    version: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class StoredCode:
    """Code that has to be fetched before `owner` can be served, which until then has the folder `stand_in`. `place` is
    where the template says it."""

    owner: str
    source: InS3
    stand_in: Path
    place: str


@dataclass(frozen=True, slots=True)
class Project:
    """Everything one template, or one flow file, declares.

    `warnings` name, once each, what was declared and is not acted on. `watched` are the files and folders whose change
    may change the project. `resource_types` has the type of each resource that would be deployed.
    """

    name: str
    root: Path
    functions: tuple[FunctionDefinition, ...] = ()
    layers: tuple[LayerDefinition, ...] = ()
    apis: tuple[ApiDefinition, ...] = ()
    event_apis: tuple[EventApiDefinition, ...] = ()
    instance: InstanceDefinition | None = None
    flows: tuple[FlowDefinition, ...] = ()
    numbers: tuple[NumberDefinition, ...] = ()
    queues: tuple[QueueDefinition, ...] = ()
    log_groups: tuple[GroupDefinition, ...] = ()
    sources: tuple[SourceDefinition, ...] = ()
    models: DeclaredModels | None = None
    foreign: tuple[ForeignResource, ...] = ()
    stored: tuple[StoredCode, ...] = ()
    warnings: tuple[str, ...] = ()
    watched: tuple[Path, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    resource_types: tuple[str, ...] = ()

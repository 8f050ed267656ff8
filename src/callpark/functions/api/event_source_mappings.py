"""CreateEventSourceMapping and its family: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

import logging
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from callpark.functions.api.pages import page
from callpark.functions.api.parameters import converted
from callpark.functions.service import Functions
from callpark.functions.sources.model import Phase, Pollers, SourceMapping, SourceSettings
from callpark.kernel.operations import Call, OperationTable

_log = logging.getLogger("callpark")

_PAGE = 100
_INERT = ("KMSKeyArn", "DestinationConfig", "MetricsConfig", "LoggingConfig")
"""Kept and shown, not acted on: an SQS queue's failures go where its redrive policy says."""
_STREAMS_ONLY = (
    *("StartingPosition", "StartingPositionTimestamp", "ParallelizationFactor", "MaximumRecordAgeInSeconds"),
    *("BisectBatchOnFunctionError", "MaximumRetryAttempts", "TumblingWindowInSeconds", "Topics", "Queues"),
    *("SourceAccessConfigurations", "SelfManagedEventSource", "AmazonManagedKafkaEventSourceConfig"),
    *("SelfManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig"),
)


class _Filter(msgspec.Struct, frozen=True, rename="pascal"):
    pattern: str = ""


class _Criteria(msgspec.Struct, frozen=True, rename="pascal"):
    filters: tuple[_Filter, ...] = ()


class _Scaling(msgspec.Struct, frozen=True, rename="pascal"):
    maximum_concurrency: int | None = None


class _PollerConfig(msgspec.Struct, frozen=True, rename="pascal"):
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None

    def pollers(self) -> Pollers | None:
        """An empty one takes the configuration away."""
        given = (self.minimum_pollers, self.maximum_pollers)
        return None if given == (None, None) else Pollers(*given)


class _Request(msgspec.Struct, frozen=True):
    EventSourceArn: str | None = None
    FunctionName: str | None = None
    UUID: str = ""
    Enabled: bool | None = None
    BatchSize: int | None = None
    MaximumBatchingWindowInSeconds: int | None = None
    FilterCriteria: _Criteria | None = None
    FunctionResponseTypes: tuple[str, ...] | None = None
    ScalingConfig: _Scaling | None = None
    ProvisionedPollerConfig: _PollerConfig | None = None
    Tags: dict[str, str] = {}

    def applied(self, before: SourceSettings, inert: Mapping[str, object]) -> SourceSettings:
        """What is given replaces; empty criteria and configurations take what was there away."""
        after = replace(before, inert={**before.inert, **inert})
        if self.Enabled is not None:
            after = replace(after, enabled=self.Enabled)
        if self.BatchSize is not None:
            after = replace(after, batch_size=self.BatchSize)
        if self.MaximumBatchingWindowInSeconds is not None:
            after = replace(after, window_seconds=self.MaximumBatchingWindowInSeconds)
        if self.FilterCriteria is not None:
            after = replace(after, filters=tuple(one.pattern for one in self.FilterCriteria.filters))
        if self.FunctionResponseTypes is not None:
            after = replace(after, response_types=self.FunctionResponseTypes)
        if self.ScalingConfig is not None:
            after = replace(after, maximum_concurrency=self.ScalingConfig.maximum_concurrency)
        if self.ProvisionedPollerConfig is not None:
            after = replace(after, pollers=self.ProvisionedPollerConfig.pollers())
        return after


class EventSourceMappingOperations:
    def __init__(self, functions: Functions) -> None:
        self._sources = functions.sources

    def table(self) -> OperationTable:
        return {
            ("lambda", "CreateEventSourceMapping"): self.create,
            ("lambda", "UpdateEventSourceMapping"): self.update,
            ("lambda", "GetEventSourceMapping"): self.get,
            ("lambda", "DeleteEventSourceMapping"): self.delete,
            ("lambda", "ListEventSourceMappings"): self.list_mappings,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        request = converted(_Request, call.parameters)
        inert = _inert(call.parameters)
        mapping, phase = await self._sources.create(
            request.EventSourceArn,
            request.FunctionName or "",
            lambda before: request.applied(before, inert),
            request.Tags,
        )
        _warn(mapping, call.parameters, inert)
        return self._members(mapping, phase)

    async def update(self, call: Call) -> Mapping[str, object]:
        request = converted(_Request, call.parameters)
        inert = _inert(call.parameters)
        mapping, phase = await self._sources.update(
            request.UUID, lambda before: request.applied(before, inert), request.FunctionName
        )
        _warn(mapping, call.parameters, inert)
        return self._members(mapping, phase)

    async def get(self, call: Call) -> Mapping[str, object]:
        return self._members(*self._sources.get(str(call.parameters["UUID"])))

    async def delete(self, call: Call) -> Mapping[str, object]:
        return self._members(await self._sources.delete(str(call.parameters["UUID"])), "Deleting")

    async def list_mappings(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        request = converted(
            _Request, {name: given[name] for name in ("EventSourceArn", "FunctionName") if name in given}
        )
        found = self._sources.mappings(request.EventSourceArn, request.FunctionName)
        shown, following = page(sorted(found), given.get("Marker"), given.get("MaxItems"), _PAGE)
        listed = [self._members(*self._sources.get(mapping_id)) for mapping_id in sorted(shown)]
        members: dict[str, object] = {"EventSourceMappings": listed}
        return members if following is None else {**members, "NextMarker": following}

    def _members(self, mapping: SourceMapping, phase: Phase) -> Mapping[str, object]:
        """EventSourceMappingConfiguration; optional members only when they were set."""
        settings = mapping.settings
        members: dict[str, object] = {
            "UUID": mapping.mapping_id,
            "BatchSize": settings.batch_size,
            "MaximumBatchingWindowInSeconds": settings.window_seconds,
            "EventSourceArn": mapping.queue_arn,
            "EventSourceMappingArn": self._sources.arn(mapping.mapping_id),
            "FunctionArn": self._sources.function_arn(mapping),
            "LastModified": mapping.last_modified,
            "State": phase,
            "StateTransitionReason": "USER_INITIATED",
            "FunctionResponseTypes": list(settings.response_types),
            **settings.inert,
        }
        if settings.filters:
            members["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in settings.filters]}
        if settings.maximum_concurrency is not None:
            members["ScalingConfig"] = {"MaximumConcurrency": settings.maximum_concurrency}
        if settings.pollers is not None:
            pollers = {"MinimumPollers": settings.pollers.minimum, "MaximumPollers": settings.pollers.maximum}
            members["ProvisionedPollerConfig"] = {name: n for name, n in pollers.items() if n is not None}
        return members


def _inert(parameters: Mapping[str, object]) -> dict[str, object]:
    return {name: parameters[name] for name in _INERT if parameters.get(name)}


def _warn(mapping: SourceMapping, parameters: Mapping[str, object], inert: Mapping[str, object]) -> None:
    for name in inert:
        _log.warning(
            "event source mapping of %s: %s is kept and shown, but changes nothing here", mapping.function, name
        )
    for name in _STREAMS_ONLY:
        if parameters.get(name) is not None:
            _log.warning("event source mapping of %s: %s is for other sources and is dropped", mapping.function, name)

"""AWS::Lambda::EventSourceMapping → event source mappings; SAM's `Events` of type SQS become these.

`registry.py` asks for identities, `load.py` for the mappings.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
"""

from collections.abc import Sequence

import orjson

from callpark.functions.sources.model import Pollers, SourceDefinition, SourceSettings
from callpark.kernel.arn import Arn
from callpark.projects.identity import uuid_of
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

SOURCE = "AWS::Lambda::EventSourceMapping"


def source_identity(resource: Resource, stack: Stack) -> Identity:
    mapping_id = _id(resource, stack)
    arn = stack.home.arn("lambda", f"event-source-mapping:{mapping_id}")
    return Identity(mapping_id, {"Id": mapping_id, "EventSourceMappingArn": arn})


def sources(resources: Sequence[Resource], stack: Stack) -> tuple[SourceDefinition, ...]:
    """Of SQS queues; a warning for each other source."""
    found = []
    for resource in resources:
        if resource.type == SOURCE:
            definition = _source(resource, stack)
            if definition is not None:
                found.append(definition)
    return tuple(found)


def _source(resource: Resource, stack: Stack) -> SourceDefinition | None:
    properties = resource.properties
    given = properties.text("EventSourceArn") or ""
    arn = Arn.parse(given)
    if arn is None or arn.service != "sqs":
        properties.without_effect(*properties.values)
        service = arn.service if arn is not None else "this kind"
        stack.warn(resource.place, f"{SOURCE}: sources of {service} are not served; it is left out")
        return None
    return SourceDefinition(
        mapping_id=_id(resource, stack),
        queue_arn=given,
        function=properties.required("FunctionName"),
        settings=_settings(properties),
        tags={tag.required("Key"): tag.text("Value") or "" for tag in properties.mappings("Tags")},
    )


def _settings(properties: Properties) -> SourceSettings:
    defaults = SourceSettings()
    scaling = properties.mapping("ScalingConfig")
    size, window = properties.integer("BatchSize"), properties.integer("MaximumBatchingWindowInSeconds")
    return SourceSettings(
        enabled=(properties.text("Enabled") or "true").lower() == "true",
        batch_size=defaults.batch_size if size is None else size,
        window_seconds=window or 0,
        filters=_filters(properties),
        response_types=properties.texts("FunctionResponseTypes"),
        maximum_concurrency=scaling.integer("MaximumConcurrency") if scaling is not None else None,
        pollers=_pollers(properties),
    )


def _filters(properties: Properties) -> tuple[str, ...]:
    """Patterns as texts; a mapping, which people write by mistake, is taken as well."""
    criteria = properties.mapping("FilterCriteria")
    found = []
    for one in criteria.mappings("Filters") if criteria is not None else ():
        written = one.get("Pattern")
        found.append(orjson.dumps(written).decode() if isinstance(written, dict) else one.required("Pattern"))
    return tuple(found)


def _pollers(properties: Properties) -> Pollers | None:
    config = properties.mapping("ProvisionedPollerConfig")
    return None if config is None else Pollers(config.integer("MinimumPollers"), config.integer("MaximumPollers"))


def _id(resource: Resource, stack: Stack) -> str:
    return uuid_of(stack.project, resource.type, resource.logical_id)

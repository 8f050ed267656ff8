"""A project on disk → a `Project`. Called by `app.py` at start and at each reload.

    find and read the template → take in included files and nested stacks → SAM transform → parameters, conditions
    → order the resources → evaluate each and give it an identity → let each family make its values → outputs

Nothing is kept between two loads, so a failed reload leaves the last good project untouched.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from callpark.kernel.arn import Place as Home
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects import conditions, dependencies, parameters
from callpark.projects.connect_file import with_connect_file
from callpark.projects.document import Place, Value
from callpark.projects.flow_file import is_flow, load_flow_file
from callpark.projects.identity import uuid_of
from callpark.projects.includes import expand
from callpark.projects.intrinsics import Evaluator, Identity, as_text
from callpark.projects.model import Project
from callpark.projects.models_file import with_models_file
from callpark.projects.nesting import flatten
from callpark.projects.resources import (
    appsync,
    appsync_events,
    appsync_sources,
    connect,
    foreign,
    lambda_,
    lambda_sources,
    layers,
    logs,
    sqs,
    unserved,
)
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.registry import SERVED, is_served
from callpark.projects.resources.stack import Resource, Stack
from callpark.projects.template import Template, find, project_name, read
from callpark.projects.transform import transform

_SECTIONS = frozenset(
    {
        *("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions"),
        *("Transform", "Resources", "Outputs", "Globals", "Hooks"),
    }
)
_CDK_RULE = "CheckBootstrapVersion"
"""Every template of CDK has it: is the account ready for `cdk deploy`?"""


def load_project(
    path: Path,
    *,
    place: Home,
    base_url: str,
    parameters: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    databases: Collection[str] = (),
) -> Project:
    """The project at `path`: a folder, a template, or a bare flow file (then without functions).

    `base_url` is where the server will answer, as in `http://127.0.0.1:4566`; it goes into the URLs that functions get.
    `databases` are the clusters for which a database stands.
    Raises ProjectError for whatever cannot be used; what is only ignored is in the project's warnings.
    """
    limits = limits or Limits()
    template = read(find(path), limits.project)
    if is_flow(template.document.values):
        return load_flow_file(template.path, functions=(), place=place, limits=limits)
    stack = Stack(
        project_name(template.path), place, base_url.rstrip("/"), template.folder, template.where, limits, databases
    )
    return _Loading(template, stack, parameters or {}).project()


class _Loading:
    """One load of one template, step by step."""

    def __init__(self, template: Template, stack: Stack, given: Mapping[str, str]) -> None:
        self._template = template
        self._where = template.where
        self._given = given
        self._stack = stack

    def project(self) -> Project:
        stack = self._stack
        stack.watch(self._template.path)
        values = self._expanded()
        given = self._parameters(values)
        transformed = transform(self._template, values, _texts(given), stack.home.region)
        declared = _mapping(transformed.values, "Resources", self._template)
        evaluator = self._evaluator(transformed.values, given, declared)
        resources = self._resources(declared, transformed.made, evaluator)
        project = Project(
            name=stack.project,
            root=self._template.folder,
            functions=lambda_.functions(resources, stack),
            layers=layers.layers(resources, stack),
            apis=appsync.apis(resources, stack),
            event_apis=appsync_events.event_apis(resources, stack),
            instance=connect.instance(resources, stack),
            flows=connect.flows(resources, stack),
            numbers=connect.numbers(resources, stack),
            queues=sqs.queues(resources, stack),
            log_groups=logs.groups(resources, stack),
            sources=lambda_sources.sources(resources, stack),
            foreign=foreign.foreign(resources, stack),
            outputs=dict(self._outputs(transformed.values, evaluator)),
            resource_types=tuple(
                str(resource.get("Type"))
                for logical_id, resource in declared.items()
                if logical_id not in evaluator.excluded and isinstance(resource, dict)
            ),
        )
        appsync_sources.warn_strangers(resources, project.functions, stack)
        for resource in resources:
            stack.warn_ignored(resource)
        warnings = dict.fromkeys([*transformed.warnings, *evaluator.warnings, *stack.warnings])
        project = dataclasses.replace(
            project, warnings=tuple(warnings), watched=tuple(stack.watched), stored=tuple(stack.stored)
        )
        project = with_models_file(project, self._template.folder, stack.limits)
        return with_connect_file(project, self._template.folder, stack.home, stack.limits)

    def _expanded(self) -> dict[str, Value]:
        """The template with its included files and nested stacks, its sections known by name."""
        expanded = expand(self._template, self._stack.limits.project, is_served)
        flattened = flatten(self._template, expanded.values, self._stack.limits.project)
        values = flattened.values
        self._stack.included = expanded.files
        self._stack.warnings += expanded.warnings
        for file in (*expanded.files.values(), *flattened.files):
            self._stack.watch(file)
        for section in values:
            if section not in _SECTIONS:
                raise ProjectError(
                    f"{self._where((section,))}: a template has no section {section!r}",
                    "correct the name; look at the indentation",
                )
        self._warn_unchecked(values)
        return values

    def _parameters(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        resolved = parameters.resolve(_mapping(values, "Parameters", self._template), self._given, self._where)
        self._stack.warnings += resolved.warnings
        return resolved.values

    def _warn_unchecked(self, values: Mapping[str, Value]) -> None:
        for section in ("Rules", "Hooks"):
            for name in _mapping(values, section, self._template):
                if name != _CDK_RULE:
                    self._stack.warn((section, name), "is ignored")

    def _evaluator(
        self, values: Mapping[str, Value], given: Mapping[str, Value], declared: Mapping[str, Value]
    ) -> Evaluator:
        stack = self._stack
        evaluator = Evaluator(
            where=self._where,
            region=stack.home.region,
            parameters=given,
            pseudo=_pseudo(stack),
            mappings=_mapping(values, "Mappings", self._template),
        )
        evaluator.conditions = conditions.evaluate(_mapping(values, "Conditions", self._template), evaluator)
        excluded = set()
        for logical_id, resource in declared.items():
            name = resource.get("Condition") if isinstance(resource, dict) else None
            if name is not None and not evaluator.condition(name, ("Resources", logical_id, "Condition")):
                excluded.add(logical_id)
        evaluator.excluded = frozenset(excluded)
        return evaluator

    def _resources(self, declared: Mapping[str, Value], made: frozenset[str], evaluator: Evaluator) -> list[Resource]:
        """Served resources with their properties evaluated; every resource gets its identity on the way."""
        known = set(evaluator.pseudo) | set(evaluator.parameters) | {"AWS::NoValue"}
        leftovers: list[str] = []
        found: list[Resource] = []
        for logical_id in dependencies.order(declared, known, self._where):
            resource = declared[logical_id]
            if logical_id in evaluator.excluded or not isinstance(resource, dict):
                continue
            kind = str(resource.get("Type"))
            if kind in SERVED:
                served = self._resource(logical_id, kind, resource, evaluator)
                evaluator.identities[logical_id] = SERVED[kind](served, self._stack)
                found.append(served)
                continue
            evaluator.identities[logical_id] = self._unserved(logical_id, kind, resource, evaluator)
            if kind not in unserved.QUIET_TYPES:
                if logical_id in made:
                    leftovers.append(f"{logical_id} ({kind})")
                else:
                    written = self._written_type(logical_id) or kind
                    self._stack.warn(("Resources", logical_id), f"{written}: resources of this type are ignored")
        if leftovers:
            self._stack.warnings.append(
                f"{self._template.name}: the SAM transform made resources that are ignored: {', '.join(leftovers)}"
            )
        position = {logical_id: index for index, logical_id in enumerate(declared)}
        return sorted(found, key=lambda resource: position[resource.logical_id])

    def _resource(self, logical_id: str, kind: str, resource: Mapping[str, Value], evaluator: Evaluator) -> Resource:
        place = ("Resources", logical_id, "Properties")
        properties = evaluator.value(resource.get("Properties", {}), place)
        if not isinstance(properties, dict):
            raise self._stack.blame(place, "are not a mapping", "look at the indentation")
        metadata = resource.get("Metadata")
        evaluated = {}
        for key, value in metadata.items() if isinstance(metadata, dict) else ():
            inner = ("Resources", logical_id, "Metadata", key)
            evaluated[key] = evaluator.value(value, inner) if key == "Callpark" else value
        return Resource(logical_id, kind, Properties(properties, place, self._stack.blame), evaluated)

    def _unserved(self, logical_id: str, kind: str, resource: Mapping[str, Value], evaluator: Evaluator) -> Identity:
        declared = resource.get("Properties")
        name = None
        if isinstance(declared, dict):
            key = unserved.name_property(declared)
            value = evaluator.value(declared[key], ("Resources", logical_id, "Properties", key)) if key else None
            name = value if isinstance(value, str) else None
        return unserved.identity(kind, logical_id, name, self._stack)

    def _written_type(self, logical_id: str) -> str | None:
        """The type in the template itself: SAM's transform turns an API of its own into API Gateway's."""
        section = self._template.document.values.get("Resources")
        resource = section.get(logical_id) if isinstance(section, dict) else None
        kind = resource.get("Type") if isinstance(resource, dict) else None
        return kind if isinstance(kind, str) else None

    def _outputs(self, values: Mapping[str, Value], evaluator: Evaluator) -> Iterator[tuple[str, str]]:
        known = {*evaluator.pseudo, *evaluator.parameters, *evaluator.identities, *evaluator.excluded, "AWS::NoValue"}
        for name, output in _mapping(values, "Outputs", self._template).items():
            place = ("Outputs", name)
            if not isinstance(output, dict) or "Value" not in output:
                raise self._stack.blame(place, "the output has no Value", "give it one")
            condition = output.get("Condition")
            if condition is not None and not evaluator.condition(condition, (*place, "Condition")):
                continue
            inner = (*place, "Value")
            dependencies.check(output["Value"], inner, known, self._where)
            value = evaluator.value(output["Value"], inner)
            yield name, self._text(",".join(map(str, value)) if isinstance(value, list) else value, inner)

    def _text(self, value: Value, place: Place) -> str:
        return as_text(value, lambda cause, remedy: self._stack.blame(place, cause, remedy))


def _texts(given: Mapping[str, Value]) -> dict[str, str]:
    """Parameters as SAM's translator takes them."""
    return {name: ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in given.items()}


def _mapping(values: Mapping[str, Value], section: str, template: Template) -> Mapping[str, Value]:
    found = values.get(section)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ProjectError(
            f"{template.where((section,))}: {section} is not a mapping", "look at the indentation below it"
        )
    return found


def _pseudo(stack: Stack) -> dict[str, Value]:
    stack_id = uuid_of(stack.project, "stack", "")
    return {
        "AWS::AccountId": stack.home.account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": stack.home.region,
        "AWS::StackId": stack.home.arn("cloudformation", f"stack/{stack.project}/{stack_id}"),
        "AWS::StackName": stack.project,
        "AWS::URLSuffix": "amazonaws.com",
    }

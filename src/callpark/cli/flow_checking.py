"""Paths on the command line → flows → findings with their places, as `callpark flow check` needs them."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from callpark.flows.checking.positions import Position, located, positions
from callpark.flows.checking.rules import Finding, Hit, finding
from callpark.flows.checking.table import LEGACY as LEGACY_RULE
from callpark.flows.checking.table import UNREADABLE, check_flow
from callpark.flows.checking.verdict import heeded
from callpark.flows.checking.view import Known
from callpark.flows.language import LEGACY, Flow, read_flow
from callpark.flows.model import FlowDefinition
from callpark.flows.placement import MODULE
from callpark.flows.resources import build_resources
from callpark.kernel.arn import Place, function_name
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.flow_file import is_flow, load_flow_file, said_type, written_type
from callpark.projects.load import load_project
from callpark.projects.model import Project
from callpark.projects.template import find, read, read_text

_ADDRESS = "http://127.0.0.1:4566"
_SKIPPED = frozenset(("node_modules", "cdk.out", "__pycache__"))
_TYPE_REMEDY = (
    'The file does not say its type, so it is taken for an inbound flow. If it is another, write "type" into Metadata: '
    "customerQueue, customerHold, customerWhisper, outboundWhisper, agentHold, agentWhisper, agentTransfer or "
    "queueTransfer."
)
SILENCE_SECONDS = 10.0
"""Unless the command line or connect.yaml says otherwise."""


@dataclass(frozen=True, slots=True)
class Located:
    """A finding in a file. `position` None: the file as a whole."""

    finding: Finding
    file: Path
    position: Position | None


@dataclass(frozen=True, slots=True)
class Checked:
    """All findings, and how many flows were looked at."""

    findings: tuple[Located, ...]
    flows: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `flow check`. `silence` None: connect.yaml's, else the default."""

    limits: Limits
    parameters: dict[str, str]
    silence: float | None = None
    ignored: Sequence[str] = ()


def check_paths(paths: Sequence[Path], asked: Asked) -> Checked:
    """Raises ProjectError for a path that is no flow, no folder of flows, no template and no project."""
    heeded((), asked.ignored)
    found: list[Located] = []
    seen: set[tuple[Path, str]] = set()
    for path in paths:
        for source in _sources(path):
            found += _check(source, asked, seen)
    return Checked(tuple(found), len(seen))


def _sources(path: Path) -> list[Path]:
    """A template or flow file as it is; a folder's template, else every flow in it."""
    if not path.is_dir():
        return [find(path)]
    try:
        return [find(path)]
    except ProjectError as error:
        files = [file for file in sorted(path.rglob("*.json")) if _may_be_flow(file.relative_to(path), file)]
        if not files:
            raise ProjectError(
                f"there is no template and no flow in {path}", "name a flow's JSON file, or a folder"
            ) from error
        return files


def _may_be_flow(inside: Path, file: Path) -> bool:
    if any(part in _SKIPPED or part.startswith(".") for part in inside.parts):
        return False
    text = file.read_bytes()
    return b'"Actions"' in text or b'"modules"' in text or b'\\"Actions\\"' in text


def _check(path: Path, asked: Asked, seen: set[tuple[Path, str]]) -> Iterator[Located]:
    try:
        values = read(path, asked.limits.project).document.values
        project = _project(path, asked)
    except ProjectError as error:
        if path.suffix == ".json" and not _is_template(path):
            seen.add((path, path.stem))
            yield Located(_unreadable(path.stem, error), path, None)
            return
        raise
    bare = is_flow(values)
    definitions = [
        dataclasses.replace(definition, type=written_type(values)) if bare and definition.source == path else definition
        for definition in project.flows
    ]
    found = _check_all(definitions, project, bare, path, asked, seen)
    yield from map(_with_type_remedy, found) if bare and said_type(values) is None else found


def _with_type_remedy(found: Located) -> Located:
    """A file that does not say its type may well be right, as a flow of another type."""
    if "is not allowed in a flow of type" not in found.finding.message:
        return found
    return dataclasses.replace(found, finding=dataclasses.replace(found.finding, remedy=_TYPE_REMEDY))


def _is_template(path: Path) -> bool:
    return path.name.endswith(".template.json") or path.name == "template.json"


def _project(path: Path, asked: Asked) -> Project:
    if is_flow(read(path, asked.limits.project).document.values):
        return load_flow_file(path, functions=(), place=Place(), limits=asked.limits)
    return load_project(path, place=Place(), base_url=_ADDRESS, parameters=asked.parameters, limits=asked.limits)


def _check_all(
    definitions: Sequence[FlowDefinition],
    project: Project,
    bare: bool,
    path: Path,
    asked: Asked,
    seen: set[tuple[Path, str]],
) -> Iterator[Located]:
    read_: list[tuple[FlowDefinition, Flow | ProjectError]] = []
    for definition in definitions:
        try:
            read_.append((definition, read_flow(definition)))
        except ProjectError as error:
            read_.append((definition, error))
    known = _known(project, bare, [flow for _, flow in read_ if isinstance(flow, Flow)], definitions, asked)
    check = project.instance.declared.check if project.instance is not None else None
    ignored = [*asked.ignored, *(check.ignore if check is not None else ())]
    for definition, flow in read_:
        file = definition.source or path
        if (file, definition.name) in seen:
            continue
        seen.add((file, definition.name))
        if isinstance(flow, Flow):
            yield from _located(heeded(check_flow(flow, definition, known), ignored), file, asked)
        else:
            yield Located(_unreadable(definition.name, flow), file, None)


def _known(
    project: Project, bare: bool, flows: Sequence[Flow], definitions: Sequence[FlowDefinition], asked: Asked
) -> Known:
    instance = project.instance
    check = None if instance is None else instance.declared.check
    silence = asked.silence if asked.silence is not None else None if check is None else check.silence
    associated = None
    if instance is not None and not instance.all_functions:
        associated = frozenset(name for arn in instance.function_arns if (name := function_name(arn)) is not None)
    functions = {f.configuration.name: float(f.configuration.timeout_seconds) for f in project.functions}
    return Known(
        limits=asked.limits.connect,
        silence_seconds=SILENCE_SECONDS if silence is None else silence,
        functions=None if bare else functions,
        associated=associated,
        resources=build_resources(instance.declared) if instance is not None else Known().resources,
        flows=flows,
        modules=[definition for definition in definitions if definition.type == MODULE],
        whole=not bare,
    )


def _unreadable(name: str, error: ProjectError) -> Finding:
    legacy = LEGACY in error.cause
    found = finding(name, Hit(LEGACY_RULE if legacy else UNREADABLE, None, error.cause))
    return found if legacy else dataclasses.replace(found, remedy=error.remedy)


def _located(findings: Sequence[Finding], file: Path, asked: Asked) -> Iterator[Located]:
    if not findings:
        return
    text = read_text(file, asked.limits.project.template_bytes)
    places = positions(text) if file.suffix == ".json" else {}
    for item in findings:
        position = None
        if item.index is not None:
            position = places.get(item.index) or located(text, item.flow, item.action)
        yield Located(item, file, position)

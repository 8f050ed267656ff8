"""`connect.yaml` beside a template or a flow → what a Connect instance owns, and further flows and modules.

Called by `load.py` and `flow_file.py` once the rest of the project is known. The shapes are `flows/declared.py`,
described in docs/connect-yaml.md.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec
import orjson

from callpark.flows.declared import Declared, FlowFile, PromptFile, merged
from callpark.flows.model import FlowDefinition, InstanceDefinition
from callpark.kernel.arn import Place as Home
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.declared_file import converted
from callpark.projects.identity import uuid_of
from callpark.projects.model import Project
from callpark.projects.recordings import wav_seconds
from callpark.projects.template import Template, existing, read, read_text

NAMES = ("connect.yaml", "connect.yml", "connect.json")

_REMEDY = "docs/connect-yaml.md has an example of everything"


def with_connect_file(project: Project, folder: Path, home: Home, limits: Limits) -> Project:
    """The project with what `connect.yaml` in that folder adds, unchanged without one. Raises ProjectError."""
    path = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if path is None:
        return project
    template = read(path, limits.project)
    declared = converted(template, Declared, _REMEDY)
    instance = project.instance or InstanceDefinition(
        arn=home.arn("connect", f"instance/{uuid_of(project.name, 'AWS::Connect::Instance', '')}"),
        alias=project.name,
        all_functions=True,
    )
    files = [(item.name, item.file) for item in (*declared.flows, *declared.modules)]
    files += [(prompt.name, prompt.file) for prompt in declared.prompts if prompt.file is not None]
    declared = msgspec.structs.replace(
        declared, prompts=tuple(_with_length(template, prompt) for prompt in declared.prompts)
    )
    return dataclasses.replace(
        project,
        instance=_with_functions(
            dataclasses.replace(instance, declared=merged(instance.declared, declared)), declared, home
        ),
        flows=(*project.flows, *_flows(template, declared, instance.arn, project.name, limits)),
        watched=(*project.watched, path, *(_file(template, name, file) for name, file in files)),
    )


def _with_functions(instance: InstanceDefinition, declared: Declared, home: Home) -> InstanceDefinition:
    """With the functions that `connect.yaml` associates, beside those of the template."""
    if declared.functions is None:
        return instance
    arns = [
        function if function.startswith("arn:") else home.arn("lambda", f"function:{function}")
        for function in declared.functions
    ]
    associated = tuple(dict.fromkeys((*instance.function_arns, *arns)))
    return dataclasses.replace(instance, function_arns=associated, all_functions=False)


def _flows(
    template: Template, declared: Declared, instance: str, project: str, limits: Limits
) -> Iterator[FlowDefinition]:
    for kind, type_, items in (("contact-flow", "", declared.flows), ("flow-module", "MODULE", declared.modules)):
        for item in items:
            path = _file(template, item.name, item.file)
            identifier = item.id or uuid_of(project, kind, item.name)
            yield FlowDefinition(
                name=item.name,
                arn=item.arn or f"{instance}/{kind}/{identifier}",
                content=read_text(path, limits.project.template_bytes),
                type=type_ or item.type,
                source=path,
                settings=_settings(item),
            )


def _settings(item: FlowFile) -> str | None:
    return None if item.settings is None else orjson.dumps(item.settings).decode()


def _file(template: Template, name: str, file: str) -> Path:
    path = existing(template.folder, file)
    if path is None or not path.is_file():
        raise ProjectError(
            f"{template.name}: {name}: there is no file {file!r}", f"write a path relative to {template.name}"
        )
    return path


def _with_length(template: Template, prompt: PromptFile) -> PromptFile:
    """The prompt with the seconds its file lasts."""
    if prompt.file is None or prompt.seconds is not None:
        return prompt
    seconds = wav_seconds(_file(template, prompt.name, prompt.file))
    if seconds is None:
        raise ProjectError(
            f"{template.name}: prompt {prompt.name}: {prompt.file} is no WAV file", "write `seconds:` instead"
        )
    return msgspec.structs.replace(prompt, seconds=seconds)

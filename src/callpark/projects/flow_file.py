"""A bare flow file and functions named on the command line → a `Project`. Called by `cli/calling.py` and `load.py`.

`callpark call flow.json --function AsyncExecution=./lambda_function.py:lambda_handler`: no template, no instance, no
association; every function may be called, and the flow finds it by the name in its ARN.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.functions.model import Directory, FunctionConfiguration, FunctionDefinition
from callpark.kernel.arn import Place as Home
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.connect_file import with_connect_file
from callpark.projects.document import Value
from callpark.projects.identity import uuid_of
from callpark.projects.model import Project
from callpark.projects.models_file import with_models_file
from callpark.projects.template import read, read_text

NUMBER: Final = "+441632960000"
"""Answers the flow of a bare flow file; set aside for drama by Ofcom."""

_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""Nobody said which: the one that functions run on."""
_RUNTIMES: Mapping[str, str] = {".py": _PYTHON, ".js": "nodejs22.x", ".mjs": "nodejs22.x", ".cjs": "nodejs22.x"}
_OPTION = re.compile(r"(?P<name>[A-Za-z0-9_-]{1,64})=(?P<path>.+?)(?::(?P<handler>[^:/\\]+))?")
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]*:[0-9]*:function:([A-Za-z0-9_-]{1,64})")
_REMEDY = "write --function Name=./file.py:handler, Name=./file.js:handler or Name=./folder:module.handler"


def is_flow(values: Mapping[str, Value]) -> bool:
    """Whether a JSON document is a contact flow, in any of the forms `flows/language.py` reads or refuses by name."""
    if "Resources" in values:
        return False
    wrapped = values.keys() & {"Content", "ContactFlow", "ContactFlowModule"}
    return {"Actions", "StartAction"} <= values.keys() or "modules" in values or bool(wrapped)


_TYPES: Mapping[str, str] = {
    "contactFlow": "CONTACT_FLOW",
    "customerQueue": "CUSTOMER_QUEUE",
    "customerHold": "CUSTOMER_HOLD",
    "customerWhisper": "CUSTOMER_WHISPER",
    "outboundWhisper": "OUTBOUND_WHISPER",
    "agentHold": "AGENT_HOLD",
    "agentWhisper": "AGENT_WHISPER",
    "agentTransfer": "AGENT_TRANSFER",
    "queueTransfer": "QUEUE_TRANSFER",
    "campaign": "CAMPAIGN",
    "module": "MODULE",
}


def written_type(values: Mapping[str, Value]) -> str:
    """The type of flow that a file says it is, else an inbound flow."""
    return said_type(values) or "CONTACT_FLOW"


def said_type(values: Mapping[str, Value]) -> str | None:
    """What an API answer's `Type`, the console's `Metadata.type`, or a module's `Settings` say; None when nothing
    does."""
    inner = values.get("ContactFlow", values.get("ContactFlowModule", values))
    said = inner.get("Type") if isinstance(inner, dict) else None
    if isinstance(said, str) and said in _TYPES.values():
        return said
    metadata = values.get("Metadata")
    named = metadata.get("type") if isinstance(metadata, dict) else None
    if isinstance(named, str) and named in _TYPES:
        return _TYPES[named]
    module = "Settings" in values or "ContactFlowModule" in values
    return "MODULE" if module else None


def load_flow_file(path: Path, *, functions: Sequence[str], place: Home, limits: Limits | None = None) -> Project:
    """`functions` are `Name=path:handler`. Raises ProjectError; what is wrong inside the flow is for `flows` to say."""
    limits = limits or Limits()
    path = path.resolve()
    if not path.is_file():
        raise ProjectError(f"there is no flow file at {path}", "name a contact flow's JSON file")
    if not is_flow(read(path, limits.project).document.values):
        raise ProjectError(
            f"{path.name} is not a contact flow: it has no Actions and StartAction",
            "export the flow in the Connect console, or name a project's folder",
        )
    name = path.stem
    instance = place.arn("connect", f"instance/{uuid_of(name, 'instance', '')}")
    flow = FlowDefinition(
        name=name,
        arn=f"{instance}/contact-flow/{uuid_of(name, 'flow', '')}",
        content=read_text(path, limits.project.template_bytes),
        source=path,
    )
    longest = limits.lambda_.timeout_seconds
    definitions = [_function_option(option, longest) for option in functions]
    folders = dict.fromkeys(definition.code.path for definition in definitions)
    project = Project(
        name=name,
        root=path.parent,
        functions=tuple(definitions),
        instance=InstanceDefinition(
            arn=instance,
            function_arns=tuple(
                place.arn("lambda", f"function:{definition.configuration.name}") for definition in definitions
            ),
            all_functions=True,
        ),
        flows=(flow,),
        numbers=(
            NumberDefinition(NUMBER, place.arn("connect", f"phone-number/{uuid_of(name, 'number', '')}"), flow.arn),
        ),
        warnings=tuple(_mismatches(flow.content, [definition.configuration.name for definition in definitions])),
        watched=(path, *folders),
    )
    return with_connect_file(with_models_file(project, path.parent, limits), path.parent, place, limits)


def _mismatches(content: str, given: Sequence[str]) -> Iterator[str]:
    """Functions that the flow names and nobody gives, and the other way round."""
    called = dict.fromkeys(_FUNCTION_ARN.findall(content))
    for name in called:
        if name not in given:
            yield f"the flow calls the function {name}: give it with --function {name}=./file.py:handler"
    for name in given:
        if name not in called:
            yield f"--function {name}: the flow names no function of that name; it calls {', '.join(called) or 'none'}"


def _function_option(option: str, timeout_seconds: int) -> FunctionDefinition:
    """`Name=./file.py:handler`, `Name=./file.js:handler` or `Name=./folder:module.handler`. Raises ProjectError."""
    match = _OPTION.fullmatch(option)
    if match is None:
        raise ProjectError(f"--function {option}: not a function", _REMEDY)
    path = Path(match["path"])
    if path.is_dir():
        return _from_folder(option, match["name"], path, match["handler"], timeout_seconds)
    if not path.is_file():
        raise ProjectError(f"--function {option}: there is no file {path}", "correct the path")
    runtime = _RUNTIMES.get(path.suffix)
    if runtime is None:
        raise ProjectError(f"--function {option}: {path.name} is neither Python nor JavaScript", _REMEDY)
    default = "lambda_handler" if path.suffix == ".py" else "handler"
    handler = f"{path.stem}.{match['handler'] or default}"
    return _function(match["name"], runtime, handler, path.parent, timeout_seconds)


def _from_folder(option: str, name: str, folder: Path, handler: str | None, timeout_seconds: int) -> FunctionDefinition:
    module, dot, _ = (handler or "").rpartition(".")
    if not dot:
        raise ProjectError(f"--function {option}: which handler of the folder?", _REMEDY)
    for suffix, runtime in _RUNTIMES.items():
        if (folder / f"{module.replace('.', '/')}{suffix}").is_file():
            return _function(name, runtime, handler or "", folder, timeout_seconds)
    raise ProjectError(
        f"--function {option}: {folder} holds no {module}.py or {module}.js", "correct the module's name"
    )


def _function(name: str, runtime: str, handler: str, folder: Path, timeout_seconds: int) -> FunctionDefinition:
    configuration = FunctionConfiguration(name=name, runtime=runtime, handler=handler, timeout_seconds=timeout_seconds)
    return FunctionDefinition(configuration, Directory(folder.resolve()))

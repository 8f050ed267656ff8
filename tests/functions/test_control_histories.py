"""Random histories of the control plane against a small model: what is published, named and deleted is what is shown,
before and after a crash."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callpark.functions.model import Invocation
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.store.memory import MemoryStore
from tests.functions.api.conftest import NEW
from tests.functions.plain_environments import PlainEnvironments, Run
from tests.functions.scene import Scene, opened_on, zipped

pytestmark = pytest.mark.sim

T = TypeVar("T")
_ALIASES = st.sampled_from(["live", "next"])
_VERSIONS = st.integers(1, 6).map(str) | st.just("$LATEST")
_TEXTS = st.sampled_from(["a", "b", "c"])


def code(run: Run) -> object:
    return (run.deployment.code_root / "app.py").read_text()


class ControlHistories(RuleBasedStateMachine):
    """`versions`: number → code; `aliases`: name → version. `text` is the code of `$LATEST`."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.versions: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.text, self.published, self.changed = "new", 0, True
        self.scene = self.do(self._open(None))
        self.do(self.scene.call("CreateFunction", **{**NEW, "Code": {"ZipFile": zipped({"app.py": self.text})}}))

    async def _open(self, store: MemoryStore | None) -> Scene:
        clock = VirtualClock()
        environments = PlainEnvironments(clock, {"f": code})
        return await opened_on(store or MemoryStore(clock), clock, Path(self.folder.name), environments)

    def do(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(work)

    def refused(self, operation: str, status: int, **given: object) -> None:
        with pytest.raises(CallerError) as refusal:
            self.do(self.scene.call(operation, FunctionName="f", **given))
        assert refusal.value.status == status

    @rule(text=_TEXTS)
    def update(self, text: str) -> None:
        self.do(self.scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"app.py": text})))
        self.text = text

    @rule()
    def publish(self) -> None:
        newest = self.versions.get(str(self.published))
        answer = self.do(self.scene.call("PublishVersion", FunctionName="f"))
        if newest != self.text:
            self.published += 1
            self.versions[str(self.published)] = self.text
        assert answer["Version"] == str(self.published)

    @rule(name=_ALIASES, version=_VERSIONS)
    def alias(self, name: str, version: str) -> None:
        operation = "UpdateAlias" if name in self.aliases else "CreateAlias"
        if version != "$LATEST" and version not in self.versions:
            self.refused(operation, 404, Name=name, FunctionVersion=version)
            return
        self.do(self.scene.call(operation, FunctionName="f", Name=name, FunctionVersion=version))
        self.aliases[name] = version

    @rule(name=_ALIASES)
    def delete_alias(self, name: str) -> None:
        self.do(self.scene.call("DeleteAlias", FunctionName="f", Name=name))
        self.aliases.pop(name, None)

    @rule(version=st.integers(1, 6).map(str))
    def delete_version(self, version: str) -> None:
        if version not in self.versions:
            self.refused("DeleteFunction", 404, Qualifier=version)
        elif version in self.aliases.values():
            self.refused("DeleteFunction", 409, Qualifier=version)
        else:
            self.do(self.scene.call("DeleteFunction", FunctionName="f", Qualifier=version))
            del self.versions[version]

    @precondition(lambda self: self.versions)
    @rule()
    def crash(self) -> None:
        self.do(self.scene.functions.close())
        assert isinstance(self.scene.store, MemoryStore)
        self.scene = self.do(self._open(self.scene.store.crash()))

    @invariant()
    def shown_and_run(self) -> None:
        listed = self.do(self.scene.call("ListVersionsByFunction", FunctionName="f"))["Versions"]
        assert isinstance(listed, list)
        assert [v["Version"] for v in listed] == ["$LATEST", *sorted(self.versions, key=int)]
        aliases = self.do(self.scene.call("ListAliases", FunctionName="f"))["Aliases"]
        assert isinstance(aliases, list)
        assert {alias["Name"]: alias["FunctionVersion"] for alias in aliases} == self.aliases
        expected = {"$LATEST": self.text, **self.versions}
        expected |= {name: expected[version] for name, version in self.aliases.items()}
        for qualifier, text in expected.items():
            answer = self.do(self.scene.functions.invoke(Invocation("f", b"{}", qualifier)))
            assert answer.payload == f'"{text}"'.encode()

    def teardown(self) -> None:
        self.do(self.scene.functions.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


ControlHistories.TestCase.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestControlHistories = ControlHistories.TestCase

"""The payment line, before and after, with its own handlers in virtual time: how long is the caller left in silence?

A handler's `time.sleep` takes virtual time and its `time.time` tells it, so that a call of half a minute takes no time.
"""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from callpark.flows.channels.phone import ScriptedPhone
from callpark.flows.events import FunctionAnswer
from callpark.flows.service import Flows
from callpark.flows.timeline import Timeline, timeline
from callpark.functions.model import FunctionDefinition
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Trace
from callpark.projects.model import Project
from callpark.store.memory import MemoryStore
from tests.projects.projects import HOME, load

pytestmark = pytest.mark.sim

LINE = Path(__file__).parents[2] / "examples/payment-line"


class Handlers:
    """The project's handlers, called in this process."""

    def __init__(self, project: Project, clock: VirtualClock) -> None:
        self._clock = clock
        self._slept = 0.0
        self._handlers = {function.configuration.name: self._load(function) for function in project.functions}

    def _load(self, function: FunctionDefinition) -> Callable[[object, object], object]:
        spec = importlib.util.spec_from_file_location("app", function.code.path / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as environment:
            for name, value in function.configuration.environment.items():
                environment.setenv(name, value)
            spec.loader.exec_module(module)
        module.time = SimpleNamespace(sleep=self._sleep, time=self._clock.now)  # type: ignore[attr-defined]
        handler: Callable[[object, object], object] = module.handler
        return handler

    def _sleep(self, seconds: float) -> None:
        self._slept += seconds

    def refusal(self, function_arn: str) -> str | None:
        return None if function_arn.rpartition(":")[2] in self._handlers else "unknown"

    async def run(self, function_arn: str, payload: bytes, request_id: str) -> FunctionAnswer:
        self._slept = 0.0
        answer = self._handlers[function_arn.rpartition(":")[2]](json.loads(payload), None)
        await sleep(self._clock, self._slept)
        return FunctionAnswer(json.dumps(answer).encode())


async def called(
    folder: Path, keys: str, clock: VirtualClock, ids: SeededIds, **parameters: str
) -> tuple[Timeline, list[str]]:
    project = load(folder, **parameters)
    assert project.instance is not None
    trace = Trace(clock)
    flows = Flows(clock, ids, trace, ConnectLimits(), HOME, MemoryStore(clock), Handlers(project, clock))
    assert flows.apply(project.instance, project.flows, project.numbers) == ()
    phone = ScriptedPhone(clock, keys)
    call = flows.start_call("+441632960000", phone)
    await clock.run_until(call.ended)
    await flows.close()
    return timeline(trace.entries(call.contact_id)), phone.heard_texts


@pytest.mark.parametrize(
    ("keys", "last"),
    [
        ("4242#", "Thank you, Ada. Your payment has been accepted. Goodbye."),
        ("0000#", "Your payment was not accepted. Please use another card. Goodbye."),
        ("6666#", "Your payment was not accepted. Please use another card. Goodbye."),
    ],
)
@pytest.mark.parametrize("version", ["", "before"])
async def test_what_the_caller_hears_last(
    version: str, keys: str, last: str, clock: VirtualClock, ids: SeededIds, tmp_path: Path
) -> None:
    parameters = {"JobsFolder": str(tmp_path)} if version else {}
    _, heard = await called(LINE / version, keys, clock, ids, **parameters)
    assert heard[-1] == last


async def test_the_caller_is_not_left_in_silence(clock: VirtualClock, ids: SeededIds, tmp_path: Path) -> None:
    after, _ = await called(LINE, "4242#", clock, ids)
    before, _ = await called(LINE / "before", "4242#", clock, ids, JobsFolder=str(tmp_path))
    assert after.seconds_of_silence < 2
    assert before.seconds_of_silence > 8
    assert before.seconds < 35
    assert after.seconds < before.seconds
    ends = [row.end for row in after.functions if row.end is not None]
    assert len(ends) == 3
    assert max(row.start for row in after.functions) < min(ends), "the three run at the same time"

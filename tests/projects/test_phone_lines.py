"""The examples for the phone, before and after, with their own handlers in virtual time: how long is the caller left in
silence?

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

EXAMPLES = Path(__file__).parents[2] / "examples"
PAYMENT = EXAMPLES / "payment-line"
CRM = EXAMPLES / "crm-update"
STATUS = EXAMPLES / "application-status"


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
    (number,) = project.numbers
    call = flows.start_call(number.number, phone)
    await clock.run_until(call.ended)
    await flows.close()
    return timeline(trace.entries(call.contact_id)), phone.heard_texts


DECLINED = "Your payment was not accepted. Please use another card. Goodbye."


@pytest.mark.parametrize(
    ("line", "keys", "last"),
    [
        (PAYMENT, "4242#", "Thank you, Ada. Your payment has been accepted. Goodbye."),
        (PAYMENT, "0000#", DECLINED),
        (PAYMENT, "6666#", DECLINED),
        (CRM, "123456#,1#", "That is done. Your reference is "),
        (CRM, "123456#,4#", "We did not hear any keys. Please call again. Goodbye."),
        (CRM, "123458#,2#", "Our records could not be changed. We will call you back. Goodbye."),
        (CRM, "123459#,3#", "We do not know this number. Please call again. Goodbye."),
        (STATUS, "1234#", "Good news: your application is approved. The letter is on its way. Goodbye."),
        (STATUS, "1235#", "A document is missing: the site plan. Until we have it nothing can be decided. Goodbye."),
        (STATUS, "1236#", "It was not approved. You will find the reasons in our letter. Goodbye."),
        (STATUS, "1237#", "It is not decided yet. We will write to you within ten days. Goodbye."),
        (STATUS, "1239#", "We know no application of this number. Please look it up and call again. Goodbye."),
        (STATUS, "", "We did not hear any keys. Please call again. Goodbye."),
    ],
)
@pytest.mark.parametrize("version", ["", "before"])
async def test_what_the_caller_hears_last(
    line: Path, version: str, keys: str, last: str, clock: VirtualClock, ids: SeededIds, tmp_path: Path
) -> None:
    parameters = {"JobsFolder": str(tmp_path)} if version and line is PAYMENT else {}
    _, heard = await called(line / version, keys, clock, ids, **parameters)
    assert heard[-1].startswith(last)


@pytest.mark.parametrize(
    ("line", "keys", "functions", "silence_before"),
    [(PAYMENT, "4242#", 3, 9.5), (CRM, "123456#,1#", 2, 8.5), (STATUS, "1234#", 3, 14.0)],
)
async def test_the_caller_is_not_left_in_silence(
    line: Path, keys: str, functions: int, silence_before: float, clock: VirtualClock, ids: SeededIds, tmp_path: Path
) -> None:
    after, _ = await called(line, keys, clock, ids)
    before, _ = await called(
        line / "before", keys, clock, ids, **{"JobsFolder": str(tmp_path)} if line is PAYMENT else {}
    )
    assert after.seconds_of_silence == pytest.approx(0, abs=0.1), "the README says none"
    assert before.seconds_of_silence == pytest.approx(silence_before, abs=0.2), "as the README says"
    assert after.seconds < before.seconds < 45
    assert len([row.end for row in after.functions if row.end is not None]) == functions


@pytest.mark.parametrize("line", [PAYMENT, STATUS])
async def test_the_functions_run_at_the_same_time(line: Path, clock: VirtualClock, ids: SeededIds) -> None:
    call, _ = await called(line, "4242#", clock, ids)
    ends = [row.end for row in call.functions if row.end is not None]
    assert max(row.start for row in call.functions) < min(ends)


async def test_an_old_crm_that_takes_longer_than_a_blocking_block_may(clock: VirtualClock, ids: SeededIds) -> None:
    after, heard = await called(CRM, "123456#,1#", clock, ids, UpdateCrmSeconds="20")
    assert heard[-1].startswith("That is done.")
    assert after.seconds_of_silence == pytest.approx(0, abs=0.1)
    _, heard = await called(CRM / "before", "123456#,1#", clock, ids, UpdateCrmSeconds="20")
    assert heard[-1].startswith("Something went wrong"), "and the CRM has written it all the same"


async def test_a_crm_that_takes_longer_than_the_caller_is_kept(clock: VirtualClock, ids: SeededIds) -> None:
    _, heard = await called(CRM, "123456#,1#", clock, ids, UpdateCrmSeconds="45")
    assert heard[-1] == "This takes longer than it should. We will see to it and write to you. Goodbye."

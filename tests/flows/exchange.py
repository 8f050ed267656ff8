"""A whole flows slice on virtual time: memory store, stub functions, scripted callers."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from callpark.flows.calls import Call
from callpark.flows.channels.phone import Manner, ScriptedPhone
from callpark.flows.contact import End
from callpark.flows.events import FunctionAnswer
from callpark.flows.happenings import FlowHappening, FlowLogged
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.flows.service import Flows
from callpark.flows.timeline import Timeline, timeline
from callpark.kernel.arn import Place, function_name
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore
from tests.flows.building import INSTANCE, INSTANCE_ARN

Parameters = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Stub:
    """A function that takes `seconds` of virtual time, given its parameters, and answers."""

    seconds: Callable[[Parameters], float] = lambda parameters: 0.0
    answer: Callable[[Parameters], object] = lambda parameters: {}
    failed: bool = False


def takes(seconds: float, answer: object = None, *, failed: bool = False) -> Stub:
    return Stub(lambda parameters: seconds, lambda parameters: {} if answer is None else answer, failed)


@dataclass(slots=True)
class StubRunner:
    """`FunctionRunner` over stubs by name. Remembers every run: (name, parameters, request id, instant)."""

    clock: VirtualClock
    stubs: Mapping[str, Stub]
    place: Place = field(default_factory=Place)
    runs: list[tuple[str, Parameters, str, float]] = field(default_factory=list)

    def refusal(self, function_arn: str) -> str | None:
        name = function_name(function_arn)
        known = name in self.stubs and function_arn == self.place.arn("lambda", f"function:{name}")
        return None if known else f"Function not found: {function_arn}"

    async def run(self, function_arn: str, payload: bytes, request_id: str) -> FunctionAnswer:
        name = function_name(function_arn) or ""
        event = json.loads(payload)
        parameters = event["Details"]["Parameters"] if "Details" in event else event
        self.runs.append((name, parameters, request_id, self.clock.now()))
        stub = self.stubs[name]
        await sleep(self.clock, stub.seconds(parameters), key="~last of its instant")
        for _ in range(3):  # a real answer crosses some futures on its way
            await asyncio.sleep(0)
        return FunctionAnswer(json.dumps(stub.answer(parameters)).encode(), stub.failed, "Unhandled")


class Office:
    """One process of callpark. `restarted()` is the next one after a crash, with what the store kept."""

    def __init__(
        self,
        clock: VirtualClock,
        flows: Sequence[FlowDefinition],
        stubs: Mapping[str, Stub] | None = None,
        *,
        instance: InstanceDefinition = INSTANCE,
        numbers: Sequence[NumberDefinition] = (),
        store: MemoryStore | None = None,
        limits: ConnectLimits | None = None,
        seed: int = 7,
    ) -> None:
        self.clock = clock
        self._seed = seed
        self.trace = Trace(clock, capacity=200_000)
        self.store = store or MemoryStore(clock)
        self.runner = StubRunner(clock, stubs or {})
        self.limits = limits or ConnectLimits()
        self.flows = Flows(clock, SeededIds(seed), self.trace, self.limits, Place(), self.store, self.runner)
        self.warnings = self.flows.apply(instance, flows, numbers)
        self._definitions = (instance, flows, numbers)

    def restarted(self) -> "Office":
        """The process is gone without a word; a new one opens the same store."""
        instance, flows, numbers = self._definitions
        store = self.store.crash()
        return Office(
            self.clock,
            flows,
            self.runner.stubs,
            instance=instance,
            numbers=numbers,
            store=store,
            limits=self.limits,
            seed=self._seed + 1,
        )

    def phone(self, keys: str = "", manner: Manner | None = None) -> ScriptedPhone:
        return ScriptedPhone(self.clock, keys, manner)

    async def call(self, keys: str = "", to: str = "flow", manner: Manner | None = None) -> "Finished":
        """A whole call, to its end."""
        phone = self.phone(keys, manner)
        call = self.flows.start_call(to, phone)
        return self.finished(call, phone, await self.clock.run_until(call.ended))

    def finished(self, call: Call, phone: ScriptedPhone, end: End) -> "Finished":
        drawn = timeline(self.trace.entries(call.contact_id))
        return Finished(call.contact_id, end, phone, drawn, self.happenings(call.contact_id))

    def happenings(self, contact_id: str) -> list[FlowHappening]:
        return [entry.happening for entry in self.trace.entries(contact_id)]  # type: ignore[misc]

    def log(self, contact_id: str) -> list[Mapping[str, object]]:
        return [happening.entry for happening in self.happenings(contact_id) if isinstance(happening, FlowLogged)]


@dataclass(frozen=True, slots=True)
class Finished:
    """A call that is over."""

    contact_id: str
    end: End
    phone: ScriptedPhone
    timeline: Timeline
    happenings: list[FlowHappening]

    @property
    def heard(self) -> list[str]:
        return self.phone.heard_texts


def number(flow_arn: str | None, text: str = "+441632960000") -> NumberDefinition:
    return NumberDefinition(text, f"{INSTANCE_ARN}/phone-number/1", flow_arn)

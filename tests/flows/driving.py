"""The engine driven by hand: events in, effects kept, time moved from timer to timer. No loop, no store."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from callpark.flows.agents.routing import QueueMetrics
from callpark.flows.channels.voice import hear
from callpark.flows.contact import Contact, Party, Target, from_bytes, to_bytes
from callpark.flows.declared import NOTHING_DECLARED, Case, Declared, Profile
from callpark.flows.effects import Effect, Keep, Say, StartFunction, StopSpeaking, Warn
from callpark.flows.engine import compiled, handle, new_contact
from callpark.flows.events import (
    AgentAccepted,
    Event,
    FunctionAnswer,
    FunctionReturned,
    HungUp,
    KeyPressed,
    Spoke,
    Started,
    TimerFired,
)
from callpark.flows.floor import Floor
from callpark.flows.happenings import ActionEntered, ActionFailed, FlowLogged
from callpark.flows.instance import default_programs
from callpark.flows.ledger import Ledger
from callpark.flows.program import Program
from callpark.flows.prompts import Prompt
from callpark.flows.resources import NO_RESOURCES, Resources, build_resources
from callpark.flows.world import Heard, Refusal
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import INSTANCE_ARN, Action, flow

CONTACT_ID = "0e6f9f8a-0f7f-4f57-9a5e-0a3f4a1b2c3d"


@dataclass(frozen=True, slots=True)
class PlainWorld:
    """Flows by ARN, functions that are all there but those refused."""

    limits: ConnectLimits = field(default_factory=ConnectLimits)
    programs: Mapping[str, Program] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, Program] = field(default_factory=dict)
    declared: Declared = NOTHING_DECLARED
    resources: Resources = NO_RESOURCES
    measured: Mapping[str, QueueMetrics] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    room: int = 1_000_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "resources", build_resources(self.declared))
        self.ledger.serve(self.declared)

    @property
    def profiles(self) -> Mapping[str, Profile] | None:
        return self.ledger.profiles

    @property
    def cases(self) -> Mapping[str, Case] | None:
        return self.ledger.cases

    def flow(self, reference: str) -> Program | None:
        return self.programs.get(reference) or default_programs().get(reference)

    def module(self, reference: str) -> Program | None:
        by_arn = {program.flow.arn: program for program in self.modules.values()}
        return self.modules.get(reference) or by_arn.get(reference)

    def metrics(self, target: Target) -> QueueMetrics:
        """As measured, else as the declared agents are while nobody waits."""
        floor = Floor(VirtualClock(), self.limits, lambda contact_id, event: None)
        floor.serve(self.resources)
        return self.measured.get(target.arn) or floor.metrics(target)

    def bot_function(self, name: str) -> str | Refusal:
        return Refusal(self.refused[name]) if name in self.refused else name

    def function(self, arn: str) -> str | Refusal:
        return Refusal(self.refused[arn]) if arn in self.refused else arn

    def transcripts(self, contact_id: str) -> tuple[str, ...] | None:
        return None

    def hear(self, prompt: Prompt) -> Heard:
        return hear(prompt, self.limits)


class Driver:
    """One contact under the engine. Every turn is saved and read back, so nothing lives outside the saved state."""

    def __init__(
        self,
        *actions: Action,
        world: PlainWorld | None = None,
        others: Sequence[Program] = (),
        party: Party | None = None,
        type_: str = "CONTACT_FLOW",
    ) -> None:
        self.program = compiled(flow(*actions, type_=type_))
        plain = world or PlainWorld()
        programs = {self.program.flow.arn: self.program, **{other.flow.arn: other for other in others}}
        self.world = dataclasses.replace(plain, programs={**programs, **plain.programs})
        self.party = party or Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", "+441632960001", "+441632960000", 0.0)
        self.contact: Contact = new_contact(self.party, self.program)
        self.now = 0.0
        self.effects: list[Effect] = []

    def happen(self, event: Event) -> list[Effect]:
        self.contact, self.program, effects = handle(self.world, self.program, self.contact, event, self.now)
        assert from_bytes(to_bytes(self.contact)) == self.contact
        self.contact = from_bytes(to_bytes(self.contact))
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Keep):
                self.world.ledger.keep(effect)
        return effects

    def start(self) -> "Driver":
        self.happen(Started())
        return self

    def press(self, keys: str) -> None:
        for key in keys:
            self.happen(KeyPressed(key))

    def hang_up(self) -> None:
        self.happen(HungUp())

    def say(self, text: str) -> None:
        self.happen(Spoke(text))

    def accept(self, agent: str) -> None:
        """An agent takes the contact out of its queue."""
        self.happen(AgentAccepted(agent))

    def next_timer(self) -> str:
        """Let the next timer fire; returns its name. Equal instants: in the order in which they were armed."""
        name, at = min(self.contact.timers, key=lambda item: item[1])
        self.now = at
        self.happen(TimerFired(name, at))
        return name

    def until(self, position: str) -> None:
        """Let timers fire until the contact stands at an action."""
        while self.contact.position != position:
            self.next_timer()

    def advance(self, seconds: float) -> None:
        """Let everything fire that is due within so many seconds."""
        until = self.now + seconds
        while self.contact.timers and min(at for _, at in self.contact.timers) <= until:
            self.next_timer()
        self.now = until

    def answer(self, value: object, *, which: int = -1, failed: bool = False, message: str = "") -> None:
        """The function that was started as number `which` returns."""
        payload = value if isinstance(value, bytes) else orjson.dumps(value)
        self.happen(FunctionReturned(self.started[which].invocation_id, FunctionAnswer(payload, failed, message)))

    @property
    def started(self) -> list[StartFunction]:
        return [effect for effect in self.effects if isinstance(effect, StartFunction)]

    @property
    def said(self) -> list[str]:
        return [effect.text for effect in self.effects if isinstance(effect, Say)]

    @property
    def cut_off(self) -> int:
        return sum(isinstance(effect, StopSpeaking) for effect in self.effects)

    @property
    def path(self) -> list[str]:
        """The actions entered, in order."""
        return [effect.action for effect in self.effects if isinstance(effect, ActionEntered)]

    @property
    def errors(self) -> list[tuple[str, str]]:
        return [(effect.action, effect.error) for effect in self.effects if isinstance(effect, ActionFailed)]

    @property
    def log(self) -> list[Mapping[str, object]]:
        return [effect.entry for effect in self.effects if isinstance(effect, FlowLogged)]

    @property
    def warnings(self) -> list[str]:
        return [effect.message for effect in self.effects if isinstance(effect, Warn)]

    def parameters(self, which: int = -1) -> Mapping[str, object]:
        """What a started function was given under Details.Parameters."""
        found: Mapping[str, object] = orjson.loads(self.started[which].payload)["Details"]["Parameters"]
        return found

"""The engine driven by hand: events in, effects kept, time moved from timer to timer. No loop, no store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from callpark.flows.channels.voice import hear
from callpark.flows.contact import Contact, Party, from_bytes, to_bytes
from callpark.flows.effects import Effect, Say, StartFunction, StopSpeaking, Warn
from callpark.flows.engine import compiled, handle, new_contact
from callpark.flows.events import Event, FunctionAnswer, FunctionReturned, HungUp, KeyPressed, Started, TimerFired
from callpark.flows.happenings import ActionEntered, ActionFailed, FlowLogged
from callpark.flows.program import Program
from callpark.flows.prompts import Prompt
from callpark.flows.turn import Heard, Refusal
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import INSTANCE_ARN, Action, flow

CONTACT_ID = "0e6f9f8a-0f7f-4f57-9a5e-0a3f4a1b2c3d"


@dataclass(frozen=True, slots=True)
class PlainWorld:
    """Flows by ARN, functions that are all there but those refused."""

    limits: ConnectLimits = field(default_factory=ConnectLimits)
    programs: Mapping[str, Program] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def flow(self, reference: str) -> Program | None:
        return self.programs.get(reference)

    def function(self, arn: str) -> str | Refusal:
        return Refusal(self.refused[arn]) if arn in self.refused else arn

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
        self.world = world or PlainWorld(programs={other.flow.arn: other for other in others})
        self.party = party or Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", "+441632960001", "+441632960000", 0.0)
        self.contact: Contact = new_contact(self.party, self.program)
        self.now = 0.0
        self.effects: list[Effect] = []

    def happen(self, event: Event) -> list[Effect]:
        self.contact, self.program, effects = handle(self.world, self.program, self.contact, event, self.now)
        assert from_bytes(to_bytes(self.contact)) == self.contact
        self.contact = from_bytes(to_bytes(self.contact))
        self.effects += effects
        return effects

    def start(self) -> "Driver":
        self.happen(Started())
        return self

    def press(self, keys: str) -> None:
        for key in keys:
            self.happen(KeyPressed(key))

    def hang_up(self) -> None:
        self.happen(HungUp())

    def next_timer(self) -> str:
        """Let the next timer fire; returns its name. Equal instants: in the order in which they were armed."""
        name, at = min(self.contact.timers.items(), key=lambda item: item[1])
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
        while self.contact.timers and min(self.contact.timers.values()) <= until:
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

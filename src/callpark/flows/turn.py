"""One turn of the engine: a contact being worked on, and the effects that gather meanwhile.

Made by `engine.handle` for one event and gone when it returns; the actions read the contact through it and change it
through its verbs. Nothing in it outlives the turn but what `contact()` and `effects` hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid5

import msgspec

from callpark.flows.contact import Calling, Collecting, Contact, End, Invocation, InvocationState, WaitState
from callpark.flows.effects import (
    ArmTimer,
    CancelTimer,
    CollectKeys,
    Effect,
    EndContact,
    Say,
    StopCollecting,
    StopSpeaking,
)
from callpark.flows.happenings import (
    ContactEnded,
    FlowLogged,
    FunctionEnded,
    KeysEnded,
    KeysWanted,
    SpeechStopped,
    Spoken,
    WaitEnded,
)
from callpark.flows.language import Action
from callpark.flows.logs import log_entry
from callpark.flows.namespaces import NAMESPACES
from callpark.flows.program import Program, Step
from callpark.flows.prompts import Prompt
from callpark.kernel.limits import ConnectLimits

PROMPT, INPUT, WAIT_LIMIT, WAIT_MINIMUM = "prompt", "input", "wait", "minimum"
FUNCTION = "function "


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a function cannot be started, in the words of the flow log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a prompt amounts to for the ear: the text, how many words, how many seconds."""

    text: str
    words: int
    seconds: float


class World(Protocol):
    """What a contact finds around it, standing still during a turn."""

    @property
    def limits(self) -> ConnectLimits: ...

    def flow(self, reference: str) -> Program | None:
        """A flow by ARN or id, None when there is none."""
        ...

    def function(self, arn: str) -> str | Refusal:
        """The ARN of the local function that answers to `arn`, or why it may not be called."""
        ...

    def hear(self, prompt: Prompt) -> Heard:
        """Raises BadPrompt."""
        ...


class Turn:
    """A contact under work. `program` is the flow it is in, `step` where it stands, `now` epoch seconds."""

    __slots__ = (
        "actions_run",
        "activity",
        "effects",
        "ended",
        "flow_arn",
        "function_seconds",
        "functions_started",
        "invocations",
        "memory",
        "now",
        "party",
        "program",
        "step",
        "timers",
        "wait",
        "world",
    )

    def __init__(self, world: World, program: Program, contact: Contact, now: float) -> None:
        self.world = world
        self.program = program
        self.step: Step = program.steps[contact.position]
        self.now = now
        self.effects: list[Effect] = []
        self.party = contact.party
        self.flow_arn = contact.flow_arn
        self.memory = contact.memory
        self.activity = contact.activity
        self.wait = contact.wait
        self.timers = contact.timers
        self.invocations = contact.invocations
        self.actions_run = contact.actions_run
        self.function_seconds = contact.function_seconds
        self.functions_started = contact.functions_started
        self.ended = contact.ended

    def contact(self) -> Contact:
        return Contact(
            self.party,
            self.flow_arn,
            self.step.action.identifier,
            self.memory,
            self.activity,
            self.wait,
            self.timers,
            self.invocations,
            self.actions_run,
            self.function_seconds,
            self.functions_started,
            self.ended,
        )

    @property
    def subject(self) -> str:
        return self.party.contact_id

    @property
    def in_branch(self) -> bool:
        """Whether the path being run is the Continue branch of a Wait."""
        return self.wait is not None and self.wait.continuing

    def namespace(self, root: str) -> object:
        reader = NAMESPACES.get(root)
        return None if reader is None else reader(self.party, self.memory)

    # What changes

    def remember(self, **changes: object) -> None:
        """Replace members of the contact's memory."""
        self.memory = msgspec.structs.replace(self.memory, **changes)

    def arm(self, name: str, at: float) -> None:
        self.timers = {**self.timers, name: at}
        self.effects.append(ArmTimer(name, at))

    def disarm(self, name: str) -> None:
        if name in self.timers:
            self.timers = {other: at for other, at in self.timers.items() if other != name}
            self.effects.append(CancelTimer(name))

    def note_fired(self, name: str) -> None:
        """The timer has gone off and is armed no more."""
        self.timers = {other: at for other, at in self.timers.items() if other != name}

    def say(self, prompt: Prompt) -> Heard:
        """Begin a prompt; its end is the timer `prompt`. It ends a row of wordless functions. Raises BadPrompt."""
        heard = self.world.hear(prompt)
        self.effects.append(Say(prompt, heard.text, heard.seconds))
        self.effects.append(Spoken(self.subject, prompt.kind, heard.text, heard.seconds, heard.words))
        self.function_seconds = 0.0
        self.arm(PROMPT, self.now + heard.seconds)
        return heard

    def hush(self) -> None:
        """Cut the prompt off that is being heard."""
        if PROMPT in self.timers:
            self.disarm(PROMPT)
            self.effects.append(StopSpeaking())
            self.effects.append(SpeechStopped(self.subject))

    def want_keys(self, maximum: int, terminator: str, seconds_of_prompt: float) -> None:
        self.effects.append(CollectKeys(maximum, terminator, seconds_of_prompt))
        self.effects.append(KeysWanted(self.subject))

    def end_keys(self, digits: str, outcome: str) -> None:
        """Input is over, one way or the other."""
        self.activity = None
        self.disarm(INPUT)
        self.effects.append(StopCollecting())
        self.effects.append(KeysEnded(self.subject, digits, outcome))

    def keep(self, invocation: Invocation) -> None:
        self.invocations = {**self.invocations, invocation.id: invocation}

    def settle(
        self, invocation: Invocation, state: InvocationState, *, result: object = None, reason: str = ""
    ) -> Invocation:
        """An invocation has got its outcome; its timer goes, its payload is not needed any more."""
        settled = msgspec.structs.replace(invocation, state=state, result=result, reason=reason, payload=b"")
        self.keep(settled)
        self.disarm(FUNCTION + invocation.id)
        self.effects.append(FunctionEnded(self.subject, invocation.id, invocation.function_arn, state, reason))
        return settled

    def is_over(self, invocation_id: str) -> bool:
        """Whether an invocation of this contact has its outcome; never for an id that is not the contact's."""
        invocation = self.invocations.get(invocation_id)
        return invocation is not None and invocation.state != "pending"

    def first_over(self, events: tuple[tuple[str, str], ...]) -> str | None:
        """The first branch, in declaration order, whose invocation has its outcome."""
        for branch, invocation_id in events:
            if self.is_over(invocation_id):
                return branch
        return None

    def forget(self, invocation: Invocation) -> None:
        """Nobody can ask for this outcome again: it was synchronous."""
        self.invocations = {id_: other for id_, other in self.invocations.items() if id_ != invocation.id}

    def new_invocation_id(self) -> str:
        """An id of its own for each function this contact starts, the same in every replay."""
        self.functions_started += 1
        return str(uuid5(UUID(self.party.contact_id), f"invocation {self.functions_started}"))

    def abandon_activity(self) -> None:
        """Whatever the contact was in the middle of is over: it is needed elsewhere."""
        activity = self.activity
        if activity is None:
            return
        self.activity = None
        self.hush()
        if isinstance(activity, Collecting):
            self.end_keys(activity.digits, "interrupted")
        elif isinstance(activity, Calling):
            self.forget(
                self.settle(
                    self.invocations[activity.invocation_id], "abandoned", reason="nobody waits for it any more"
                )
            )

    def leave_wait(self, branch: str) -> WaitState | None:
        """The Wait in force ends with the branch taken, "" when the contact goes another way."""
        wait = self.wait
        if wait is not None:
            self.wait = None
            self.disarm(WAIT_LIMIT)
            self.disarm(WAIT_MINIMUM)
            self.effects.append(WaitEnded(self.subject, wait.action, branch))
        return wait

    def end(self, reason: str, detail: str = "") -> None:
        """The contact is over. Functions that still run are not cancelled; their answers will be dropped (rule A18)."""
        self.abandon_activity()
        self.leave_wait("")
        for name in tuple(self.timers):
            self.disarm(name)
        self.ended = End(reason, detail)
        self.effects.append(ContactEnded(self.subject, reason, detail))
        self.effects.append(EndContact(reason, detail))

    # What is written down

    def log(self, action: Action, parameters: Mapping[str, object], **members: object) -> None:
        """An entry in the flow log, while logging is on."""
        if self.memory.logging:
            entry = log_entry(self.subject, self.program.flow, action, self.now, parameters, members)
            self.effects.append(FlowLogged(self.subject, entry))

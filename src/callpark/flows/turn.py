"""One turn of the engine: a contact being worked on, and the effects that gather meanwhile.

Made by `engine.handle` for one event and gone when it returns; the actions read the contact through it and change it
through its verbs. Nothing in it outlives the turn but what `contact()` and `effects` hold.
"""

from collections.abc import Mapping
from uuid import UUID, uuid5

import msgspec

from callpark.flows.channels.chat import message
from callpark.flows.contact import (
    Awaited,
    Calling,
    Collecting,
    Contact,
    Conversing,
    Dialling,
    End,
    Invocation,
    InvocationState,
    Iterating,
    Viewing,
    WaitState,
)
from callpark.flows.declared import Case, Profile
from callpark.flows.effects import (
    CollectKeys,
    Effect,
    EndContact,
    Keep,
    Listen,
    OpenContact,
    Say,
    StopCollecting,
    StopSpeaking,
    Warn,
)
from callpark.flows.happenings import (
    AgentHeard,
    AgentSpeechStopped,
    ContactEnded,
    FlowLogged,
    FunctionEnded,
    KeysEnded,
    KeysWanted,
    SpeechStopped,
    Spoken,
    ThirdPartyCalled,
    ViewClosed,
    WaitEnded,
)
from callpark.flows.language import Action, Flow
from callpark.flows.ledger import with_case, with_profile
from callpark.flows.logs import log_entry
from callpark.flows.namespaces import NAMESPACES
from callpark.flows.program import Program, Step
from callpark.flows.prompts import Prompt
from callpark.flows.world import Heard, World

PROMPT, INPUT, WAIT_LIMIT, WAIT_MINIMUM = "prompt", "input", "wait", "minimum"
CONNECTION, CHAT_OVER, BOT = "connection", "chat", "bot"
INTERRUPT, VIEW, THIRD_PARTY, BEGINNING = "interrupt", "view", "third party", "beginning"
FUNCTION = "function "
LEG = "leg "
"""Before the names of the timers of the agent's leg. Those of functions have none: their ids are the contact's."""


class Turn:
    """A contact under work. `program` is the flow it is in, `step` where it stands, `now` epoch seconds. `aside`: it is
    the agent's leg that is worked on (`legs.py`)."""

    __slots__ = (
        "actions_run",
        "activity",
        "aside",
        "chat",
        "desk",
        "effects",
        "ended",
        "ended_at",
        "flow_arn",
        "frames",
        "function_seconds",
        "functions_started",
        "invocations",
        "leg",
        "memory",
        "now",
        "page_bytes",
        "pages",
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
        self.timers = dict(contact.timers)
        self.invocations = contact.invocations
        self.actions_run = contact.actions_run
        self.function_seconds = contact.function_seconds
        self.functions_started = contact.functions_started
        self.ended = contact.ended
        self.ended_at = contact.ended_at
        self.frames = contact.frames
        self.desk = contact.desk
        self.pages = contact.pages
        self.page_bytes = contact.page_bytes
        self.chat = contact.chat
        self.leg = contact.leg
        self.aside = False

    def contact(self) -> Contact:
        return Contact(
            self.party,
            self.flow_arn,
            self.step.action.identifier,
            self.memory,
            self.activity,
            self.wait,
            tuple(self.timers.items()),
            self.invocations,
            self.actions_run,
            self.function_seconds,
            self.functions_started,
            self.ended,
            self.ended_at,
            self.frames,
            self.desk,
            self.pages,
            self.page_bytes,
            self.chat,
            self.leg,
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
        return self.memory.found.get(root) if reader is None else reader(self.party, self.memory)

    @property
    def profiles(self) -> Mapping[str, Profile] | None:
        """Customer profiles, with what this turn has written."""
        profiles = self.world.profiles
        for effect in self.effects:
            if isinstance(effect, Keep) and effect.kind == "profile":
                profiles = with_profile(profiles, effect)
        return profiles

    @property
    def cases(self) -> Mapping[str, Case] | None:
        """Cases, with what this turn has written."""
        cases = self.world.cases
        for effect in self.effects:
            if isinstance(effect, Keep) and effect.kind == "case":
                cases = with_case(cases, effect)
        return cases

    @property
    def crowded(self) -> str:
        """Why no further contact may be opened, "" when one may; those that this turn opens count."""
        opened = sum(isinstance(effect, OpenContact) for effect in self.effects)
        most = self.world.limits.calls
        return "" if self.world.room > opened else f"{most} contacts are open already (connect.calls)"

    # What changes

    def remember(self, **changes: object) -> None:
        """Replace members of the contact's memory."""
        self.memory = msgspec.structs.replace(self.memory, **changes)

    def record(self, **changes: object) -> None:
        """Replace members of the contact record."""
        self.remember(record=msgspec.structs.replace(self.memory.record, **changes))

    def find(self, namespace: str, value: object) -> None:
        """Fill a namespace as a whole."""
        self.remember(found={**self.memory.found, namespace: value})

    def keep_setting(self, name: str, value: object) -> None:
        """A setting that is part of the contact record and that callpark does not act on."""
        self.record(settings={**self.memory.record.settings, name: value})

    def warn(self, message: str) -> None:
        """Tell the project's author, with the place in the flow."""
        flow, action = self.program.flow.name, self.step.action.identifier
        self.effects.append(Warn(f"flow {flow}, action {action!r}: {message}"))

    def arm(self, name: str, at: float) -> None:
        self.timers[self._timer(name)] = at

    def disarm(self, name: str) -> None:
        key = self._timer(name)
        self.timers.pop(key, None)

    def armed(self, name: str) -> bool:
        return self._timer(name) in self.timers

    def _timer(self, name: str) -> str:
        return LEG + name if self.aside and not name.startswith(FUNCTION) else name

    def say(self, prompt: Prompt) -> Heard:
        """Begin a prompt; its end is the timer `prompt`, but a message has none: it is read at once. It ends a row of
        wordless functions. Raises BadPrompt."""
        written = self.party.channel in ("CHAT", "EMAIL")
        heard = message(prompt, self.world.limits) if written else self.world.hear(prompt)
        if self._for_agent:
            self.effects.append(AgentHeard(self.subject, heard.text, heard.seconds))
        else:
            self.effects.append(Say(prompt, heard.text, heard.seconds))
            self.effects.append(Spoken(self.subject, prompt.kind, heard.text, heard.seconds, heard.words))
        self.function_seconds = 0.0
        if not written:
            self.arm(PROMPT, self.now + heard.seconds)
        return heard

    @property
    def _for_agent(self) -> bool:
        """Whether it is the agent who hears what is said."""
        return self.aside or (self.desk is not None and self.desk.stage == "agent_whisper")

    def hush(self) -> None:
        """Cut the prompt off that is being heard."""
        if not self.armed(PROMPT):
            return
        self.disarm(PROMPT)
        if self._for_agent:
            self.effects.append(AgentSpeechStopped(self.subject))
        else:
            self.effects.append(StopSpeaking())
            self.effects.append(SpeechStopped(self.subject))

    def want_keys(self, maximum: int, terminator: str, seconds_of_prompt: float) -> None:
        self.effects.append(CollectKeys(maximum, terminator, seconds_of_prompt))
        self.effects.append(KeysWanted(self.subject))

    def want_words(self, seconds_of_prompt: float) -> None:
        self.effects.append(Listen(seconds_of_prompt))
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

    def first_over(self, events: tuple[Awaited, ...]) -> str | None:
        """The first branch, in declaration order, whose invocation has its outcome."""
        for awaited in events:
            if self.is_over(awaited.invocation_id):
                return awaited.branch
        return None

    def forget(self, invocation: Invocation) -> None:
        """Nobody can ask for this outcome again: it was synchronous."""
        self.invocations = {id_: other for id_, other in self.invocations.items() if id_ != invocation.id}

    def new_invocation_id(self) -> str:
        """An id of its own for each function this contact starts, the same in every replay."""
        self.functions_started += 1
        return str(uuid5(UUID(self.party.contact_id), f"invocation {self.functions_started}"))

    def new_id(self, kind: str) -> str:
        """An id for what this contact makes, the same in every replay."""
        self.record(started=self.memory.record.started + 1)
        return str(uuid5(UUID(self.party.contact_id), f"{kind} {self.memory.record.started}"))

    def draw(self) -> int:
        """A whole number from 1 to 100, drawn from the contact's random id: its own for each action entered (O7)."""
        return uuid5(UUID(self.party.contact_id), f"draw {self.actions_run}").int % 100 + 1

    def abandon_activity(self) -> None:
        """Whatever the contact was in the middle of is over: it is needed elsewhere."""
        activity = self.activity
        if activity is None:
            return
        self.activity = None
        self.hush()
        match activity:
            case Collecting():
                self.end_keys(activity.digits, "interrupted")
            case Calling():
                self._abandon(activity.invocation_id)
            case Conversing(invocation_id=None):
                self.end_keys(activity.digits, "interrupted")
            case Conversing(invocation_id=str(invocation_id)):
                self._abandon(invocation_id)
            case Iterating():
                self.disarm(INTERRUPT)
            case Viewing():
                self.disarm(VIEW)
                self.disarm(INPUT)
                self.effects.append(ViewClosed(self.subject, activity.view, ""))
            case Dialling():
                self.disarm(THIRD_PARTY)
                self.effects.append(ThirdPartyCalled(self.subject, activity.number, "ended"))

    def _abandon(self, invocation_id: str) -> None:
        invocation = self.invocations[invocation_id]
        self.forget(self.settle(invocation, "abandoned", reason="nobody waits for it any more"))

    def switch(self, program: Program) -> None:
        """Another flow from here on; flow attributes and loop rounds stay behind."""
        self.program = program
        self.flow_arn = program.flow.arn
        self.remember(flow_attributes={}, loop_rounds={}, loops={}, module_input=None)

    def leave_path(self) -> None:
        """Everything that the contact was in the middle of is over: the action, the Wait, the modules."""
        self.abandon_activity()
        self.leave_wait("")
        self.frames = ()

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
        """The contact is over, or the agent's leg on it. Functions that still run are not cancelled; their answers will
        be dropped (rule A18)."""
        self.abandon_activity()
        self.leave_wait("")
        if self.aside:
            self.leg = None
            return
        self.timers = {}
        self.ended = End(reason, detail)
        self.ended_at = self.now
        self.effects.append(ContactEnded(self.subject, reason, detail))
        self.effects.append(EndContact(reason, detail))

    # What is written down

    def log(self, action: Action, parameters: Mapping[str, object], **members: object) -> None:
        """An entry in the flow log, while logging is on."""
        self.log_in(self.program.flow, action, parameters, members)

    def log_in(
        self, flow: Flow, action: Action, parameters: Mapping[str, object], members: Mapping[str, object]
    ) -> None:
        """The same for an action of a flow that the contact may have left."""
        if self.memory.logging:
            entry = log_entry(self.subject, flow, action, self.now, parameters, members)
            self.effects.append(FlowLogged(self.subject, entry))

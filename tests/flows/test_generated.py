"""Flows of any actions in any order, in any world, with any history: the engine never raises, takes only edges that are
declared, always ends or parks, gives the same history for the same inputs, and continues from its saved state."""

from collections.abc import Mapping, Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.contact import Contact, Memory, Record, Target, from_bytes, to_bytes
from callpark.flows.declared import (
    Agent,
    Bot,
    Case,
    Declared,
    Hours,
    Intent,
    Profile,
    Queue,
    ThirdParty,
    View,
    ViewAnswer,
    VoiceId,
)
from callpark.flows.effects import Effect, Keep
from callpark.flows.engine import compiled, handle, new_contact
from callpark.flows.events import (
    AgentAccepted,
    AgentActed,
    AgentOffered,
    AgentRejected,
    AgentSpoke,
    AgentTransferred,
    AttributesSet,
    Event,
    FunctionAnswer,
    FunctionReturned,
    HungUp,
    KeyPressed,
    Signalled,
    Spoke,
    Started,
    TimerFired,
    ViewAnswered,
)
from callpark.flows.happenings import ActionEntered, StageEntered
from callpark.flows.instance import default_programs
from callpark.flows.language import Flow
from callpark.flows.program import Program
from callpark.flows.stages import STAGES
from callpark.kernel.limits import ConnectLimits
from tests.flows.actions.single import EVERY_DAY
from tests.flows.building import Action, action, flow, flow_arn, function_arn
from tests.flows.driving import Driver, PlainWorld

pytestmark = pytest.mark.unit

NAMES = tuple("abcdefghij")
TYPES = [*sorted(ACTION_TYPES), *["TransferContactToQueue"] * 6]
LATEST = {"R": {"AsyncLambdaCompletionEvent": {"Identifier": "$.LambdaInvocation.InvocationId"}}}
INVOKE = {"LambdaFunctionARN": function_arn("F")}
KEYS = {"Text": "Key?", "StoreInput": "False", "InputTimeLimitSeconds": "5"}
STORE = {
    **{"Text": "Keys?", "StoreInput": "True", "InputTimeLimitSeconds": "5"},
    "InputValidation": {"CustomValidation": {"MaximumLength": "2"}},
}

#: Parameters with which each type does something; types that are not here get none, which most refuse.
PARAMETERS: Mapping[str, Sequence[Mapping[str, object]]] = {
    "MessageParticipant": [{"Text": "Hi $.Attributes.x"}, {"PromptId": "$.Attributes.none"}],
    "MessageParticipantIteratively": [
        {"Messages": [{"Text": "One"}, {"PromptId": "p"}]},
        {"Messages": [{"Text": "One"}], "InterruptFrequencySeconds": "2"},
    ],
    "GetParticipantInput": [KEYS, STORE],
    "ConnectParticipantWithLexBot": [
        {"Text": "Yes?", "LexV2Bot": {"AliasArn": name}} for name in ("Bot", "Hooked", "none")
    ],
    "ShowView": [{"ViewResource": {"Id": "form"}}, {"ViewResource": {"Id": "form"}, "InvocationTimeLimitSeconds": "9"}],
    "InvokeLambdaFunction": [
        {**INVOKE, "InvocationTimeLimitSeconds": "3"},
        {**INVOKE, "InvocationType": "ASYNCHRONOUS", "ResponseValidation": {"ResponseType": "JSON"}},
    ],
    "LoadLambdaFunctionResult": [{"LambdaInvocationId": "$.LambdaInvocation.InvocationId"}],
    "Wait": [
        {"TimeLimitSeconds": "5", "InterruptibleEvents": LATEST},
        {
            **{"TimeLimitSeconds": "5", "ContinueExecution": "TRUE", "MinimumWaitTimeSeconds": "1"},
            "InterruptibleEvents": LATEST,
        },
        {"TimeLimitSeconds": "5", "Events": ["CustomerReturned"]},
    ],
    "UpdateContactAttributes": [{"Attributes": {"x": "$.StoredCustomerInput"}}],
    "UpdateFlowAttributes": [{"FlowAttributes": {"x": {"Value": "1"}}}],
    "Compare": [{"ComparisonValue": "$.Attributes.x"}],
    "Loop": [{"LoopCount": "2"}],
    "TransferToFlow": [{"ContactFlowId": flow_arn("other")}, {"ContactFlowId": "none"}],
    "InvokeFlowModule": [{"FlowModuleId": "m"}, {"FlowModuleId": "none"}],
    "EndFlowModuleExecution": [{}, {"Result": "x", "ResultData": {"n": 1}}],
    "UpdateContactTargetQueue": [{"QueueId": "Q"}, {"AgentId": "alice"}],
    "DequeueContactAndTransferToQueue": [{"QueueId": "Q"}],
    "CheckHoursOfOperation": [{}, {"HoursOfOperationId": "Open"}],
    "CheckMetricData": [{"MetricType": "NumberOfContactsInQueue", "QueueId": "Q"}],
    "GetMetricData": [{"QueueId": "Q"}],
    "UpdateContactEventHooks": [
        {"EventHooks": {hook: flow_arn(hook)}}
        for hook in ("CustomerQueue", "CustomerHold", "CustomerRemaining", "AgentHold")
    ],
    "UpdateContactRoutingBehavior": [{"QueuePriority": "2"}, {"QueueTimeAdjustmentSeconds": "9"}],
    "CreateCallbackContact": [{"QueueId": "Q"}],
    "CreateTask": [{"Name": "t", "ContactFlowId": flow_arn("flow")}],
    "GetCustomerProfile": [{"ProfileRequestData": {"PhoneNumber": "+441632960001"}}],
    "CreateCustomerProfile": [{"ProfileRequestData": {"FirstName": "x"}}],
    "UpdateCustomerProfile": [{"ProfileRequestData": {"FirstName": "y"}}],
    "CreateCase": [{"LinkContactToCase": "true", "CaseTemplateId": "t"}],
    "GetCase": [{"LinkContactToCase": "true", "GetLastUpdatedCase": "true", "CaseRequestFields": {"status": "open"}}],
    "TagContact": [{"Tags": {"a": "b"}}],
    "UpdateContactData": [{"Name": "$.Channel"}],
    "CheckVoiceId": [{"CheckVoiceIdOption": "fraudDetection"}],
    "TransferParticipantToThirdParty": [
        {"ThirdPartyPhoneNumber": "+44", "ThirdPartyConnectionTimeLimitSeconds": "9", "ContinueFlowExecution": value}
        for value in ("True", "False")
    ],
    "UpdateFlowLoggingBehavior": [{"FlowLoggingBehavior": "Enabled"}],
}
OPERANDS = (
    "1",
    "Continue",
    "R",
    "WaitCompleted",
    "True",
    "x",
    "Next",
    "ContinueLooping",
    "MessagesInterrupted",
    "Book",
)

DECLARED = Declared(
    hours=(Hours(name="Open", days=dict.fromkeys(EVERY_DAY, ("00:00-12:00",))),),
    queues=(Queue(name="Q", hours="Open", capacity=3, agents=("alice",)),),
    agents=(Agent(name="alice", answers_after=1.0, talks=9.0, hold_after=2.0, hold_seconds=3.0),),
    bots=(
        Bot(name="Bot", intents=(Intent(name="Book", phrases=("1", "book")),)),
        Bot(name="Hooked", function=function_arn("Hook")),
    ),
    views=(View(name="form", answer=ViewAnswer(action="Next", after=4.0)),),
    profiles=(Profile(id="p", fields={"PhoneNumber": "+441632960001"}),),
    cases=(Case(id="c", fields={"status": "open"}),),
    third_parties=(ThirdParty(number="+44", answers_after=2.0, talks=5.0),),
    voice_id=VoiceId(),
)


HOOK_TYPES = {
    "CustomerQueue": "CUSTOMER_QUEUE",
    "CustomerHold": "CUSTOMER_HOLD",
    "CustomerRemaining": "CONTACT_FLOW",
    "AgentHold": "AGENT_HOLD",
}
HOOKS = {"CustomerRemaining": flow_arn("CustomerRemaining"), "AgentHold": flow_arn("AgentHold")}
STEPS = (*"019#*", "return", "json", "fail", "accept", "book", "view", "returned", "attributes")
AGENT_STEPS = ("offer", "play", "accept", "reject", "hold", "resume", "leave", "transfer", "by flow", "say")


class Maker:
    """Flows, worlds and histories from a seed: wide and quick, where drawing each choice would be neither."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def action(self, name: str) -> Action:
        """Terminal types are rare, or every flow would be short."""
        type_ = self.random.choice(TYPES)
        if ACTION_TYPES[type_].terminal and self.random.random() < 0.7:
            type_ = self.random.choice(TYPES)
        parameters = self.random.choice(PARAMETERS.get(type_, [{}]))
        kinds = sorted(ACTION_TYPES[type_].errors) + ["NoMatchingError"] * (self.random.random() < 0.8)
        errors = {kind: self.target() for kind in kinds if self.random.random() < 0.8}
        operands = self.random.sample(OPERANDS, self.random.randrange(5))
        when = [("Equals", operand, self.target()) for operand in operands]
        return action(name, type_, parameters, self.target(), errors=errors, when=when)

    def target(self) -> str:
        return self.random.choice(NAMES)

    def flow(self, name: str = "flow", type_: str = "CONTACT_FLOW") -> Flow:
        return flow(*[self.action(name_) for name_ in NAMES], name=name, type_=type_)

    def world(self) -> tuple[Flow, PlainWorld]:
        main = self.flow()
        others = [self.flow("other"), *[self.flow(hook, type_) for hook, type_ in HOOK_TYPES.items()]]
        programs = {other.arn: compiled(other) for other in [main, *others]}
        module = compiled(self.flow("m", "MODULE"))
        limits = ConnectLimits(actions_per_contact=200, queue_seconds=60.0)
        declared = self.random.choice([DECLARED, DECLARED, Declared()])
        return main, PlainWorld(limits, programs, modules={"m": module}, declared=declared)

    def steps(self) -> list[float | str]:
        """What happens; in half of the cases an agent is busy with the contact at the end."""
        found = [self.step(STEPS) for _ in range(self.random.randrange(20))]
        if self.random.random() < 0.5:
            found += ["play", "accept", 1.0, *[self.step(AGENT_STEPS) for _ in range(self.random.randrange(8))]]
        return found

    def step(self, steps: Sequence[str]) -> float | str:
        return self.random.uniform(0, 8) if self.random.random() < 0.4 else self.random.choice(steps)


class History:
    """A contact in a world, and all effects so far. `saved`: save and restore after every turn."""

    def __init__(self, main: Flow, world: PlainWorld, channel: str, *, saved: bool) -> None:
        self.world = PlainWorld(world.limits, world.programs, modules=world.modules, declared=world.declared)
        party = msgspec.structs.replace(Driver(action("a", "DisconnectParticipant")).party, channel=channel)
        self.program: Program = world.programs[main.arn]
        self.contact: Contact = new_contact(
            party, self.program, Memory(record=Record(target=Target("Q", "Q"), hooks=HOOKS))
        )
        self.saved = saved
        self.now = 0.0
        self.effects: list[Effect] = []

    def happen(self, event: Event) -> None:
        self.contact, self.program, effects = handle(self.world, self.program, self.contact, event, self.now)
        if self.saved:
            self.contact = from_bytes(to_bytes(self.contact))
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Keep):
                self.world.ledger.keep(effect)

    def step(self, step: float | str) -> None:
        if isinstance(step, float):
            until = self.now + step
            while self.contact.timers and min(at for _, at in self.contact.timers) <= until:
                self.now, name = min((at, name) for name, at in self.contact.timers)
                self.happen(TimerFired(name, self.now))
            self.now = until
        else:
            self.happen(self._event(step))

    def _event(self, step: str) -> Event:
        pending = [i.id for i in self.contact.invocations.values() if i.state == "pending"] or ["unknown"]
        hook = b'{"sessionState":{"dialogAction":{"type":"Close"},"intent":{"name":"Book"}}}'
        named: dict[str, Event] = {
            "return": FunctionReturned(pending[-1], FunctionAnswer(b'{"x":"1"}')),
            "json": FunctionReturned(pending[0], FunctionAnswer(hook)),
            "fail": FunctionReturned(pending[-1], FunctionAnswer(b"", failed=True, message="boom")),
            "hang up": HungUp(),
            "accept": AgentAccepted("alice"),
            "offer": AgentOffered("alice", 3.0, answers_after=1.0),
            "play": AgentOffered("alice", 3.0, played=True),
            "reject": AgentRejected("alice"),
            "hold": AgentActed("alice", "hold"),
            "resume": AgentActed("alice", "resume"),
            "leave": AgentActed("alice", "leave"),
            "transfer": AgentTransferred("alice", Target("Q", "Q")),
            "by flow": AgentTransferred("alice", Target("Q", "Q"), flow_arn("other")),
            "say": AgentSpoke("alice", "Good morning"),
            "book": Spoke("book"),
            "view": ViewAnswered("Next", {"a": [1]}),
            "returned": Signalled("CustomerReturned"),
            "attributes": AttributesSet({"x": "1"}),
        }
        return named.get(step) or KeyPressed(step)


def check(history: History) -> None:
    """Only declared edges, and no timer in the past."""
    assert min((at for _, at in history.contact.timers), default=history.now) >= history.now
    programs = (*history.world.programs.values(), *history.world.modules.values(), *default_programs().values())
    known = {program.flow.name: program.flow for program in programs}
    for effect in history.effects:
        if isinstance(effect, ActionEntered) and effect.via:
            source = known[effect.flow].actions[effect.source]
            kind, _, which = effect.via.partition(" ")
            if kind == "NextAction":
                assert source.next_action == effect.action
            elif kind == "condition":
                assert source.conditions[int(which)].target == effect.action
            else:
                assert source.errors[which] == effect.action


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_any_flow_in_any_world(seed: int) -> None:
    maker = Maker(seed)
    main, world = maker.world()
    channel, steps = maker.random.choice(["VOICE", "VOICE", "CHAT", "TASK"]), maker.steps()
    whole, again = History(main, world, channel, saved=False), History(main, world, channel, saved=True)
    for history in (whole, again):
        history.happen(Started())
        for step in steps:
            history.step(step)
            desk = history.contact.desk
            played = desk is not None and desk.played
            assert history.contact.ended or history.contact.timers or played, "nothing will ever wake this contact"
            on_hold = desk is not None and desk.stage in ("customer_hold", "transferring")
            assert history.contact.leg is None or on_hold, "an agent hears a hold flow, and nobody is on hold"
        check(history)
    assert to_bytes(again.contact) == to_bytes(whole.contact)
    assert again.effects == whole.effects


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_left_alone_every_contact_ends(seed: int) -> None:
    """Whatever it does, by itself it comes to an end: timers, the limit of actions, the limit of the queue."""
    main, world = Maker(seed).world()
    history = History(main, world, "VOICE", saved=False)
    history.happen(Started())
    for _ in range(2_000):
        if history.contact.ended is not None:
            break
        history.step(min(at for _, at in history.contact.timers) - history.now + 0.001)
    assert history.contact.ended is not None
    assert history.contact.timers == ()


def test_what_is_made_reaches_nearly_everything() -> None:
    """A generator that reaches little proves little."""
    types: set[str] = set()
    stages: set[str] = set()
    aside: set[str] = set()
    for seed in range(200):
        maker = Maker(seed)
        history = History(*maker.world(), "VOICE", saved=False)
        history.happen(Started())
        for step in maker.steps():
            history.step(step)
        types |= {effect.type for effect in history.effects if isinstance(effect, ActionEntered)}
        aside |= {effect.type for effect in history.effects if isinstance(effect, ActionEntered) and effect.aside}
        stages |= {effect.stage for effect in history.effects if isinstance(effect, StageEntered)}
    assert len(aside) > 20
    assert len(types) >= len(ACTION_TYPES) - 3
    assert stages == set(STAGES)

"""Drives a flow down every branch: all events that can happen wherever the contact stands, in several worlds. What no
world makes happen (a prompt that cannot be played, attributes that cannot be set) is forced where it stands."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import msgspec
import orjson

from callpark.flows.contact import Collecting, Contact, Conversing, Iterating, Memory, Party, Viewing, to_bytes
from callpark.flows.coverage import Coverage, FlowEdge, coverage
from callpark.flows.declared import (
    Agent,
    Assistant,
    Bot,
    Case,
    Declared,
    Hours,
    Intent,
    Profile,
    Queue,
    TaskTemplate,
    ThirdParty,
    VoiceId,
)
from callpark.flows.engine import compiled, handle, new_contact
from callpark.flows.events import (
    AgentAccepted,
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
from callpark.flows.happenings import ActionEntered
from callpark.flows.language import Flow
from callpark.flows.program import Done, Failed, Handlers, Outcome, Program, Result
from callpark.flows.references import template
from tests.flows.building import INSTANCE_ARN
from tests.flows.driving import CONTACT_ID, PlainWorld

_SEEDS = {"WorkingQueue": "Support", "PhoneNumber": "+15555550100", "CaseIdFromOriginalContact": "1"}
EVERY_DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_STATES = 4_000


@dataclass(slots=True)
class Exploration:
    """What exploring found: every action entered, and how contacts ended. `unforced`: before anything was forced."""

    entered: list[ActionEntered] = field(default_factory=list)
    ends: set[str] = field(default_factory=set)
    states: int = 0
    unforced: Coverage = field(default_factory=lambda: Coverage("", frozenset(), frozenset()))


def explore(
    flow: Flow, others: Sequence[Flow] = (), channels: Sequence[str] = ("VOICE",)
) -> tuple[Coverage, Exploration]:
    """Every branch of a flow. `others`: flows and modules it may go to."""
    found = Exploration()
    programs = [compiled(flow), *[compiled(other) for other in others]]
    for world in _worlds(programs):
        for start in (start for channel in channels for start in _starts(flow, channel)):
            _walk(world, programs[0], start, found)
    found.unforced = coverage(flow, found.entered)
    for edge in sorted(found.unforced.missing, key=str):
        forced = _forced(programs[0], edge)
        for world in _worlds([forced, *programs[1:]])[:1]:
            for start in (start for channel in channels for start in _starts(flow, channel)):
                _walk(world, forced, msgspec.structs.replace(start, position=edge.action), found)
    return coverage(flow, found.entered), found


def _walk(world: PlainWorld, program: Program, start: Contact, found: Exploration) -> None:
    """Depth first over everything that can happen; a state is visited once."""
    seen: set[bytes] = set()
    waiting: list[tuple[Contact, Program, Event, float]] = [(start, program, Started(), 0.0)]
    while waiting and len(seen) < MOST_STATES:
        contact, program_, event, now = waiting.pop()
        after, program_, effects = handle(world, program_, contact, event, now)
        assert after.ended is not None or _is_parked(after)
        found.entered += [effect for effect in effects if isinstance(effect, ActionEntered)]
        found.states += 1
        if after.ended is not None:
            found.ends.add(after.ended.reason)
            continue
        key = _key(after)
        if key not in seen:
            seen.add(key)
            waiting += [(after, program_, event, max(now, at)) for event, at in _events(after, program_)]


def _is_parked(contact: Contact) -> bool:
    """Somebody or something can still move it."""
    pending = any(invocation.state == "pending" for invocation in contact.invocations.values())
    return bool(contact.timers) or pending or isinstance(contact.activity, Viewing)


def _key(contact: Contact) -> bytes:
    """The state without instants and ids that only count up."""
    plain = msgspec.structs.replace(
        contact,
        timers=tuple((name, 0.0) for name, _ in sorted(contact.timers)),
        actions_run=0,
        function_seconds=0.0,
        functions_started=0,
        invocations={},
        wait=None if contact.wait is None else msgspec.structs.replace(contact.wait, not_before=0.0, events=()),
        desk=None if contact.desk is None else msgspec.structs.replace(contact.desk, since=0.0),
        activity=Iterating() if isinstance(contact.activity, Iterating) else contact.activity,
        memory=msgspec.structs.replace(
            contact.memory,
            invocation_id=None,
            found={},
            loop_rounds={k: min(v, 1) for k, v in contact.memory.loop_rounds.items()},
            record=msgspec.structs.replace(contact.memory.record, started=0),
        ),
    )
    pending = sorted(i.state for i in contact.invocations.values())
    return to_bytes(plain) + repr(pending).encode()


def _events(contact: Contact, program: Program) -> Iterator[tuple[Event, float]]:
    action = program.flow.actions[contact.position]
    operands = [operand for condition in action.conditions for operand in condition.operands]
    for name, at in contact.timers:  # any may be the next: prompts and people take as long as they like
        yield TimerFired(name, at), at
    now = min((at for _, at in contact.timers), default=0.0) - 0.001
    if isinstance(contact.activity, Collecting):
        for key in {*[o for o in operands if len(o) == 1], "9", "1", "#"}:
            yield KeyPressed(key), now
    if isinstance(contact.activity, Conversing):
        for text in (*operands, "gibberish"):
            yield Spoke(text), now
    if isinstance(contact.activity, Viewing):
        for answer in (*operands, "another"):
            yield ViewAnswered(answer, {}), now
    if contact.desk is not None and contact.desk.stage == "queued":
        yield AgentAccepted("alice"), now
    for signal in contact.wait.signals if contact.wait is not None else ():
        yield Signalled(signal), now
    for invocation in contact.invocations.values():
        if invocation.state == "pending":
            for value in _answers(program.flow):
                yield FunctionReturned(invocation.id, FunctionAnswer(orjson.dumps(value))), now
            yield FunctionReturned(invocation.id, FunctionAnswer(b"", failed=True, message="boom")), now
    yield HungUp(), now


def _answers(flow: Flow) -> list[Mapping[str, str]]:
    """Answers that make each condition on `$.External` true once."""
    return [{}, *[{path[1]: value} for path, value in _compared(flow, "External") if len(path) == 2]]


def _compared(flow: Flow, namespace: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for action in flow.actions.values():
        path = template(str(action.parameters.get("ComparisonValue", ""))).whole
        if path is not None and path[0] == namespace:
            for condition in action.conditions:
                yield path, condition.operands[0]


def _starts(flow: Flow, channel: str) -> Iterator[Contact]:
    """Contacts with every attribute that is compared, and with different luck."""
    attributes = [{}, *[{path[1]: value} for path, value in _compared(flow, "Attributes") if len(path) == 2]]
    for number in range(12 if any(a.type == "DistributeByPercentage" for a in flow.actions.values()) else 1):
        id_ = str(uuid5(UUID(CONTACT_ID), str(number)))
        party = Party(id_, INSTANCE_ARN, "us-east-1", "+441632960001", "+441632960000", 0.0)
        party = msgspec.structs.replace(party, channel=channel)
        for values in attributes:
            yield new_contact(party, compiled(flow), Memory(attributes={**_SEEDS, **values}))


def _worlds(programs: Sequence[Program]) -> list[PlainWorld]:
    """Everything declared; nothing; closed and full; two of each."""
    texts = [
        text for program in programs for action in program.flow.actions.values() for text in _texts(action.parameters)
    ]
    queues = {"Support", *[text for text in texts if "/queue/" in text or "QUEUE" in text]}
    week = dict.fromkeys(EVERY_DAY, ("00:00-00:00",))
    profile = Profile(id="1", fields={"PhoneNumber": "+15555550100", "_all": ""})
    everything = Declared(
        hours=(Hours(name="Office", days=week),),
        queues=tuple(Queue(name=name, arn=name, hours="Office", agents=("alice",)) for name in sorted(queues)),
        agents=(Agent(name="alice", answers_after=1.0, hold_after=5.0),),
        bots=tuple(Bot(name=text, intents=_intents(programs)) for text in sorted(set(texts)) if ":bot-alias/" in text),
        profiles=(profile,),
        cases=(Case(id="1"),),
        task_templates=tuple(TaskTemplate(name=text) for text in texts if "task-template" in text),
        assistants=tuple(Assistant(name=text) for text in sorted(set(texts)) if ":assistant/" in text),
        third_parties=tuple(ThirdParty(number=text) for text in sorted(set(texts)) if text.startswith("+")),
        voice_id=VoiceId(),
        media_streams="arn:aws:kinesisvideo:us-east-1:123456789012:stream/line",
    )
    closed = msgspec.structs.replace(
        everything,
        hours=(Hours(name="Office", days={}),),
        queues=tuple(msgspec.structs.replace(queue, capacity=0) for queue in everything.queues),
        voice_id=VoiceId(authentication="NotAuthenticated"),
        profiles=(),
    )
    two = msgspec.structs.replace(
        everything,
        profiles=(profile, msgspec.structs.replace(profile, id="2")),
        cases=(Case(id="1"), Case(id="2")),
        voice_id=VoiceId(authentication="Inconclusive"),
    )
    flows = {program.flow.arn: program for program in programs if program.flow.type != "MODULE"}
    modules = {program.flow.id: program for program in programs if program.flow.type == "MODULE"}
    voices = [
        msgspec.structs.replace(everything, voice_id=VoiceId(authentication=answer))
        for answer in ("NotEnrolled", "OptedOut")
        if any("voiceAuthentication" in text for text in texts)
    ]
    return [
        PlainWorld(programs=flows, modules=modules, declared=declared)
        for declared in (everything, Declared(), closed, two, *voices)
    ]


def _intents(programs: Sequence[Program]) -> tuple[Intent, ...]:
    names = {
        operand
        for program in programs
        for action in program.flow.actions.values()
        if action.type == "ConnectParticipantWithLexBot"
        for condition in action.conditions
        for operand in condition.operands
    }
    return tuple(Intent(name=name, phrases=(name,)) for name in sorted(names))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _forced(program: Program, edge: FlowEdge) -> Program:
    """The program with one action that does what leads over an edge, whatever the world is like."""
    step = program.steps[edge.action]
    outcome: Outcome = Done()
    if edge.name.startswith("error "):
        outcome = Failed(edge.name.removeprefix("error "), "forced")
    elif edge.name.startswith("condition "):
        outcome = Result(step.action.conditions[int(edge.name.removeprefix("condition "))].operands[0])
    forced = dataclasses.replace(step, handlers=Handlers(lambda turn: outcome))
    return dataclasses.replace(program, steps={**program.steps, edge.action: forced})

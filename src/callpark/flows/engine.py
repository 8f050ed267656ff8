"""The flow engine: `handle(world, program, contact, event, now)` → the contact afterwards, its program, effects. Pure.

Called by `service.py` for everything that happens to a contact. One table says what each event does; actions are
dispatched through `actions.ACTION_TYPES`. A contact runs on until it parks (something is being heard, keyed, computed
or waited for) or ends. Functions are known by ids derived from the contact's, so a replay gives the same history.

The state machine of asynchronous functions:
  invoke → pending → succeeded | failed | timed_out, kept with the contact until it ends;
  a Wait is ended by the first of (an id of its events leaves pending, its limit), not before its minimum;
  the Continue branch runs meanwhile and is left at once when the Wait ends.

https://docs.aws.amazon.com/connect/latest/adminguide/wait.html
"""

from collections.abc import Callable
from typing import NamedTuple, Never

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.actions.attributes import set_attributes
from callpark.flows.actions.responses import InvalidResponse, read_response
from callpark.flows.chat.items import view_answer
from callpark.flows.chat.model import INTERACTIVE_RESPONSE
from callpark.flows.chat.turns import bot_connected, bot_gone, bot_invited, chat_begun, rehydrated, streams_changed
from callpark.flows.contact import (
    Activity,
    Calling,
    Collecting,
    Contact,
    Conversing,
    Invocation,
    Memory,
    Party,
    Viewing,
)
from callpark.flows.desk import DESK_EVENTS, DESK_TIMERS, desk_timer
from callpark.flows.effects import Effect, Post
from callpark.flows.endings import fatal
from callpark.flows.events import (
    AttributesSet,
    BotConnected,
    BotInvited,
    BotLeft,
    Event,
    FunctionReturned,
    HungUp,
    KeyPressed,
    Posted,
    Prepared,
    RecordChanged,
    Rehydrated,
    Rescheduled,
    Signalled,
    Spoke,
    Started,
    StreamsChanged,
    TimerFired,
    ViewAnswered,
)
from callpark.flows.happenings import (
    ContactPrepared,
    ContactStarted,
    KeyTaken,
    WordsTaken,
)
from callpark.flows.language import Flow
from callpark.flows.legs import end_leg, on_agents_leg
from callpark.flows.logs import FUNCTION_FAILED
from callpark.flows.modules import leave_modules
from callpark.flows.program import (
    Program,
    Result,
    compile_flow,
)
from callpark.flows.turn import BEGINNING, BOT, CHAT_OVER, CONNECTION, FUNCTION, LEG, WAIT_LIMIT, WAIT_MINIMUM, Turn
from callpark.flows.walking import enter, follow
from callpark.flows.world import World


class Handled(NamedTuple):
    """A contact after an event, the program it is in now, and what is to be done, in order."""

    contact: Contact
    program: Program
    effects: list[Effect]


def compiled(flow: Flow) -> Program:
    """A flow compiled against the actions that callpark runs."""
    return compile_flow(flow, ACTION_TYPES)


def new_contact(party: Party, program: Program, memory: Memory | None = None) -> Contact:
    """A contact that stands before the first action of a flow; the event Started sets it going, or the timer
    `beginning`."""
    return Contact(party, program.flow.arn, program.flow.start, memory or _BLANK, invocations=_NOTHING)


#: Shared by all contacts, since nothing in a contact is ever changed in place: a hundred thousand empty maps are 8 MB.
_BLANK = Memory()
_NOTHING: dict[str, Never] = {}


def handle(world: World, program: Program, contact: Contact, event: Event, now: float) -> Handled:
    """Let an event happen to a contact at `now` (epoch seconds). An ended contact only takes answers of functions."""
    turn = Turn(world, program, contact, now)
    if contact.ended is None:
        _EVENTS[type(event)](turn, event)
        _run_leg(turn)
    elif isinstance(event, FunctionReturned):
        _drop_answer(turn, event)
    return Handled(turn.contact(), turn.program, turn.effects)


def _run_leg(turn: Turn) -> None:
    """The agent's leg begins once the customer's path stands, and ends with the contact."""
    if turn.leg is None:
        return
    if turn.ended is not None:
        end_leg(turn)
    elif not turn.leg.begun:
        on_agents_leg(turn, lambda: enter(turn, turn.step))


def _started(turn: Turn, event: Event) -> None:
    """A chat begins when its customer connects, once."""
    party = turn.party
    if CHAT_OVER in turn.timers and CONNECTION not in turn.timers:
        return
    turn.disarm(CONNECTION)
    turn.effects.append(ContactStarted(turn.subject, turn.program.flow.name, party.caller, party.number))
    chat_begun(turn)
    enter(turn, turn.step)


def _prepared(turn: Turn, event: Event) -> None:
    """Saved, and nothing more: the customer may connect."""
    turn.effects.append(ContactPrepared(turn.subject, turn.program.flow.name))


def _key_pressed(turn: Turn, event: Event) -> None:
    assert isinstance(event, KeyPressed)
    activity = turn.activity
    wanted = isinstance(activity, Collecting) or (isinstance(activity, Conversing) and activity.invocation_id is None)
    turn.effects.append(KeyTaken(turn.subject, event.key, wanted))
    if wanted:
        _resume(turn, event)


def _timer_fired(turn: Turn, event: Event) -> None:
    """A timer that was disarmed or put off since it went off in the service changes nothing."""
    assert isinstance(event, TimerFired)
    if turn.timers.get(event.name) != event.at:
        return
    if event.name.startswith(LEG):
        of_leg = TimerFired(event.name.removeprefix(LEG), event.at)
        on_agents_leg(turn, lambda: _due(turn, of_leg))
    else:
        _due(turn, event)


def _due(turn: Turn, event: TimerFired) -> None:
    name = event.name
    turn.disarm(name)
    if name in (WAIT_LIMIT, WAIT_MINIMUM):
        _end_wait_if_over(turn)
    elif name.startswith(FUNCTION):
        invocation = turn.invocations[name.removeprefix(FUNCTION)]
        seconds = invocation.deadline - invocation.started_at
        _outcome(turn, turn.settle(invocation, "timed_out", reason=f"no answer within {seconds:g} s"), event)
    elif name in DESK_TIMERS:
        follow(turn, turn.step, desk_timer(turn, name))
    elif name == BEGINNING:
        _started(turn, event)
    elif name == CONNECTION:
        turn.end("OTHER", f"nobody connected within {turn.world.limits.chat_connection_seconds:g} s")
    elif name == CHAT_OVER:
        turn.end("EXPIRED", "the chat has lasted as long as it may")
    elif name == BOT:
        _bot_left(turn, event)
    else:
        _resume(turn, event)


def _function_returned(turn: Turn, event: Event) -> None:
    """Only the first outcome of an invocation counts; an answer after its limit is dropped."""
    assert isinstance(event, FunctionReturned)
    invocation = turn.invocations.get(event.invocation_id)
    if invocation is None or invocation.state != "pending":
        _drop_answer(turn, event)
        return
    answer = event.answer
    if answer.failed:
        _outcome(turn, turn.settle(invocation, "failed", reason=answer.message), event)
        return
    try:
        result = read_response(answer.payload, invocation.validation, turn.world.limits)
    except InvalidResponse as problem:
        _outcome(turn, turn.settle(invocation, "failed", reason=str(problem)), event)
    else:
        _outcome(turn, turn.settle(invocation, "succeeded", result=result), event)


def _hung_up(turn: Turn, event: Event) -> None:
    assert isinstance(event, HungUp)
    turn.end(event.reason, event.detail)


def _spoke(turn: Turn, event: Event) -> None:
    """Words are for a bot; whatever it is, the customer is back, which a Wait may wait for."""
    assert isinstance(event, Spoke)
    listening = isinstance(turn.activity, Conversing) and turn.activity.invocation_id is None
    turn.effects.append(WordsTaken(turn.subject, event.text, listening))
    if listening:
        _resume(turn, event)
    else:
        _signal(turn, "CustomerReturned")


def _posted(turn: Turn, event: Event) -> None:
    """It is in the transcript; what the customer says is heard as well."""
    assert isinstance(event, Posted)
    draft = event.draft
    turn.effects.append(Post(draft))
    if draft.author.role != "CUSTOMER":
        return
    if draft.file is not None:  # nothing that a bot could understand
        _signal(turn, "CustomerReturned")
        return
    answer = view_answer(draft.content) if draft.content_type == INTERACTIVE_RESPONSE else None
    if answer is not None and isinstance(turn.activity, Viewing):
        _resume(turn, ViewAnswered(*answer))
    else:
        _spoke(turn, Spoke(draft.content))


def _view_answered(turn: Turn, event: Event) -> None:
    if isinstance(turn.activity, Viewing):
        _resume(turn, event)


def _signalled(turn: Turn, event: Event) -> None:
    assert isinstance(event, Signalled)
    _signal(turn, event.name)


def _bot_left(turn: Turn, event: Event) -> None:
    if bot_gone(turn):
        _signal(turn, "BotParticipantDisconnected")


def _at_the_desk(turn: Turn, event: Event) -> None:
    follow(turn, turn.step, DESK_EVENTS[type(event)](turn, event))


def _attributes_set(turn: Turn, event: Event) -> None:
    assert isinstance(event, AttributesSet)
    set_attributes(turn, event.attributes)


def _record_changed(turn: Turn, event: Event) -> None:
    assert isinstance(event, RecordChanged)
    record = turn.memory.record
    tags = {**record.tags, **event.tags}
    turn.record(
        **event.members,
        tags={key: value for key, value in tags.items() if key not in event.untagged},
        references={**record.references, **event.references},
    )


def _rescheduled(turn: Turn, event: Event) -> None:
    """One that has begun meanwhile goes on."""
    assert isinstance(event, Rescheduled)
    if BEGINNING in turn.timers:
        turn.arm(BEGINNING, event.at)


_EVENTS: dict[type, Callable[[Turn, Event], None]] = {
    Started: _started,
    Prepared: _prepared,
    KeyPressed: _key_pressed,
    TimerFired: _timer_fired,
    FunctionReturned: _function_returned,
    HungUp: _hung_up,
    Spoke: _spoke,
    Posted: _posted,
    ViewAnswered: _view_answered,
    Signalled: _signalled,
    StreamsChanged: streams_changed,
    BotInvited: bot_invited,
    BotConnected: bot_connected,
    BotLeft: _bot_left,
    Rehydrated: rehydrated,
    **dict.fromkeys(DESK_EVENTS, _at_the_desk),
    AttributesSet: _attributes_set,
    RecordChanged: _record_changed,
    Rescheduled: _rescheduled,
}


def _drop_answer(turn: Turn, event: FunctionReturned) -> None:
    """Too late or unknown: recorded in the flow log, and nothing more (rule A18)."""
    turn.log(turn.step.action, {"InvocationId": event.invocation_id}, Results="Answer dropped: nobody waits for it")


def _outcome(turn: Turn, invocation: Invocation, event: Event) -> None:
    """An invocation has got its outcome: whoever stands still for it goes on."""
    if invocation.asynchronous:
        _log_asynchronous_end(turn, invocation)
        _end_wait_if_over(turn)
        on_agents_leg(turn, lambda: _end_wait_if_over(turn))
    elif _stands_for(turn.activity, invocation):
        _resume(turn, event)
    elif turn.leg is not None and _stands_for(turn.leg.activity, invocation):
        on_agents_leg(turn, lambda: _resume(turn, event))


def _stands_for(activity: Activity, invocation: Invocation) -> bool:
    return isinstance(activity, Calling | Conversing) and activity.invocation_id == invocation.id


def _log_asynchronous_end(turn: Turn, invocation: Invocation) -> None:
    """Under the action that started it, wherever the contact is by now."""
    members = {} if invocation.state == "succeeded" else {"Results": FUNCTION_FAILED}
    program = turn.world.flow(invocation.flow_arn) or turn.world.module(invocation.flow_arn) or turn.program
    step = program.steps.get(invocation.action, turn.step)
    turn.log_in(
        program.flow,
        step.action,
        {"FunctionArn": invocation.function_arn, "InvocationType": "ASYNCHRONOUS", "InvocationId": invocation.id},
        members,
    )


def _end_wait_if_over(turn: Turn) -> None:
    """End the Wait in force when one of its events has happened or its limit is reached, the event first (rule A15),
    neither before the minimum (rule A1)."""
    wait = turn.wait
    if wait is None:
        return
    branch = turn.first_over(wait.events)
    if turn.now < wait.not_before:
        if branch is not None and not turn.armed(WAIT_MINIMUM):
            turn.arm(WAIT_MINIMUM, wait.not_before)
        return
    if branch is None:
        if turn.armed(WAIT_LIMIT):
            return
        branch = "WaitCompleted"
    _end_wait(turn, branch)


def _signal(turn: Turn, name: str) -> None:
    """Something a Wait may be waiting for has happened, beside functions."""
    if turn.wait is not None and name in turn.wait.signals:
        _end_wait(turn, name)


def _end_wait(turn: Turn, branch: str) -> None:
    """Back to the Wait, out of whatever its Continue branch was in, and on by the branch."""
    turn.abandon_activity()
    wait = turn.leave_wait(branch)
    assert wait is not None
    if len(turn.frames) > wait.depth and leave_modules(turn, wait.depth) is None:
        ended = fatal(turn, turn.step, "the flow around the module is gone")
        turn.end(ended.reason, ended.detail)
        return
    step = turn.program.steps[wait.action]
    turn.step = step
    turn.log(step.action, {}, Results=branch)
    follow(turn, step, Result(branch))


def _resume(turn: Turn, event: Event) -> None:
    step = turn.step
    resume = None if step.handlers is None else step.handlers.resume
    if resume is not None:
        follow(turn, step, resume(turn, event))

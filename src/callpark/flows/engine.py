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
from callpark.flows.actions.responses import InvalidResponse, read_response
from callpark.flows.contact import Calling, Collecting, Contact, Invocation, Memory, Party
from callpark.flows.effects import Effect, Warn
from callpark.flows.events import Event, FunctionReturned, HungUp, KeyPressed, Started, TimerFired
from callpark.flows.happenings import ActionEntered, ActionFailed, ContactStarted, FlowEntered, KeyTaken
from callpark.flows.language import Flow
from callpark.flows.logs import FUNCTION_FAILED
from callpark.flows.program import (
    NO_MATCHING_ERROR,
    Done,
    Ended,
    Failed,
    Jump,
    Outcome,
    Parked,
    Program,
    Result,
    Step,
    compile_flow,
)
from callpark.flows.transitions import next_action
from callpark.flows.turn import FUNCTION, WAIT_LIMIT, WAIT_MINIMUM, Turn, World


class Handled(NamedTuple):
    """A contact after an event, the program it is in now, and what is to be done, in order."""

    contact: Contact
    program: Program
    effects: list[Effect]


def compiled(flow: Flow) -> Program:
    """A flow compiled against the actions that callpark runs."""
    return compile_flow(flow, ACTION_TYPES)


def new_contact(party: Party, program: Program) -> Contact:
    """A contact that stands before the first action of a flow; the event Started sets it going."""
    return Contact(party, program.flow.arn, program.flow.start, _BLANK, timers=_NOTHING, invocations=_NOTHING)


#: Shared by all contacts, since nothing in a contact is ever changed in place: a hundred thousand empty maps are 8 MB.
_BLANK = Memory()
_NOTHING: dict[str, Never] = {}


def handle(world: World, program: Program, contact: Contact, event: Event, now: float) -> Handled:
    """Let an event happen to a contact at `now` (epoch seconds). An ended contact only takes answers of functions."""
    turn = Turn(world, program, contact, now)
    if contact.ended is None:
        _EVENTS[type(event)](turn, event)
    elif isinstance(event, FunctionReturned):
        _drop_answer(turn, event)
    return Handled(turn.contact(), turn.program, turn.effects)


def _started(turn: Turn, event: Event) -> None:
    party = turn.party
    turn.effects.append(ContactStarted(turn.subject, turn.program.flow.name, party.caller, party.number))
    _enter(turn, turn.step)


def _key_pressed(turn: Turn, event: Event) -> None:
    assert isinstance(event, KeyPressed)
    wanted = isinstance(turn.activity, Collecting)
    turn.effects.append(KeyTaken(turn.subject, event.key, wanted))
    if wanted:
        _resume(turn, event)


def _timer_fired(turn: Turn, event: Event) -> None:
    """A timer that was disarmed or put off since it went off in the service changes nothing."""
    assert isinstance(event, TimerFired)
    name = event.name
    if turn.timers.get(name) != event.at:
        return
    turn.note_fired(name)
    if name in (WAIT_LIMIT, WAIT_MINIMUM):
        _end_wait_if_over(turn)
    elif name.startswith(FUNCTION):
        invocation = turn.invocations[name.removeprefix(FUNCTION)]
        seconds = invocation.deadline - invocation.started_at
        _outcome(turn, turn.settle(invocation, "timed_out", reason=f"no answer within {seconds:g} s"), event)
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


_EVENTS: dict[type, Callable[[Turn, Event], None]] = {
    Started: _started,
    KeyPressed: _key_pressed,
    TimerFired: _timer_fired,
    FunctionReturned: _function_returned,
    HungUp: _hung_up,
}


def _drop_answer(turn: Turn, event: FunctionReturned) -> None:
    """Too late or unknown: recorded in the flow log, and nothing more (rule A18)."""
    turn.log(turn.step.action, {"InvocationId": event.invocation_id}, Results="Answer dropped: nobody waits for it")


def _outcome(turn: Turn, invocation: Invocation, event: Event) -> None:
    """An invocation has got its outcome: whoever stands still for it goes on."""
    if invocation.asynchronous:
        _log_asynchronous_end(turn, invocation)
        _end_wait_if_over(turn)
    elif isinstance(turn.activity, Calling) and turn.activity.invocation_id == invocation.id:
        _resume(turn, event)


def _log_asynchronous_end(turn: Turn, invocation: Invocation) -> None:
    members = {} if invocation.state == "succeeded" else {"Results": FUNCTION_FAILED}
    turn.log(
        turn.step.action,
        {"FunctionArn": invocation.function_arn, "InvocationType": "ASYNCHRONOUS", "InvocationId": invocation.id},
        **members,
    )


def _end_wait_if_over(turn: Turn) -> None:
    """End the Wait in force when one of its events has happened or its limit is reached, the event first (rule A15),
    neither before the minimum (rule A1)."""
    wait = turn.wait
    if wait is None:
        return
    branch = turn.first_over(wait.events)
    if turn.now < wait.not_before:
        if branch is not None and WAIT_MINIMUM not in turn.timers:
            turn.arm(WAIT_MINIMUM, wait.not_before)
        return
    if branch is None:
        if WAIT_LIMIT in turn.timers:
            return
        branch = "WaitCompleted"
    turn.abandon_activity()
    turn.leave_wait(branch)
    step = turn.program.steps[wait.action]
    turn.log(step.action, {}, Results=branch)
    _follow(turn, step, Result(branch))


def _resume(turn: Turn, event: Event) -> None:
    step = turn.step
    resume = None if step.handlers is None else step.handlers.resume
    if resume is not None:
        _follow(turn, step, resume(turn, event))


def _enter(turn: Turn, step: Step) -> None:
    _follow(turn, step, _run(turn, step))


def _follow(turn: Turn, step: Step, outcome: Outcome) -> None:
    """Go from action to action until the contact parks or ends."""
    while not isinstance(outcome, Parked):
        if isinstance(outcome, Done | Result | Failed):
            if isinstance(outcome, Failed):
                turn.effects.append(ActionFailed(turn.subject, step.action.identifier, outcome.error, outcome.reason))
            following = next_action(step, outcome)
            if not following:
                _dead_end(turn, step, outcome)
                return
            step = turn.program.steps[following]
        elif isinstance(outcome, Jump):
            step = _jump(turn, outcome.program)
        else:
            turn.end(outcome.reason, outcome.detail)
            return
        outcome = _run(turn, step)


def _run(turn: Turn, step: Step) -> Outcome:
    turn.step = step
    turn.activity = None
    turn.actions_run += 1
    action = step.action
    turn.effects.append(ActionEntered(turn.subject, action.identifier, action.type, turn.in_branch))
    if turn.actions_run > turn.world.limits.actions_per_contact:
        return _fatal(turn, step, f"stopped after {turn.world.limits.actions_per_contact} actions: an endless flow")
    if step.handlers is not None:
        return step.handlers.enter(turn)
    if step.type is None:
        return _fatal(turn, step, f"action {action.identifier!r}: {step.problem}")
    turn.effects.append(Warn(f"flow {turn.program.flow.name}, action {action.identifier!r}: {step.problem}"))
    turn.log(action, {}, Results=step.problem)
    return Failed(NO_MATCHING_ERROR, step.problem)


def _jump(turn: Turn, program: Program) -> Step:
    """TransferToFlow: a Wait around it is dropped (rule A16), flow attributes and loop rounds stay behind."""
    turn.leave_wait("")
    turn.program = program
    turn.flow_arn = program.flow.arn
    turn.remember(flow_attributes={}, loop_rounds={})
    turn.effects.append(FlowEntered(turn.subject, program.flow.name))
    return program.steps[program.flow.start]


def _dead_end(turn: Turn, step: Step, outcome: Outcome) -> None:
    name = step.action.identifier
    if isinstance(outcome, Failed):
        detail = f"action {name!r} failed ({outcome.error}: {outcome.reason}) and has no error branch"
    else:
        detail = f"action {name!r} leads nowhere: its branch is not wired"
    ended = _fatal(turn, step, detail)
    turn.end(ended.reason, ended.detail)


def _fatal(turn: Turn, step: Step, detail: str) -> Ended:
    """The flow cannot go on: what Connect counts under ContactFlowFatalErrors. The reason is OTHER (our rule)."""
    turn.log(step.action, {}, Results=detail, Metric="ContactFlowFatalErrors")
    turn.effects.append(Warn(f"flow {turn.program.flow.name}: {detail}"))
    return Ended("OTHER", detail)

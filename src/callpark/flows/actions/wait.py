"""Wait: stand still until a function has returned or the time is up, or go on talking meanwhile (the Continue branch).

Identifiers are resolved once, on entry. An id that has its outcome already fires at once, an unknown one never. On
voice a Wait needs a Continue branch or an event. How a Wait ends is the engine's business (`engine._end_wait_if_over`).

https://docs.aws.amazon.com/connect/latest/adminguide/wait.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.contact import Awaited, WaitState
from callpark.flows.happenings import WaitEntered
from callpark.flows.language import Action
from callpark.flows.logs import NESTED_WAIT
from callpark.flows.parameters import ParameterProblem, flag, members, number, required, scalar
from callpark.flows.program import NO_MATCHING_ERROR, PARKED, ActionType, Failed, Handlers, Outcome, Result
from callpark.flows.references import Template, template
from callpark.flows.turn import WAIT_LIMIT, WAIT_MINIMUM, Turn

COMPLETION_EVENT = "AsyncLambdaCompletionEvent"
SIGNALS = ("CustomerReturned", "BotParticipantDisconnected")


@dataclass(frozen=True, slots=True)
class Wait:
    """`events`: branch names with the identifiers they wait for, in declaration order. `signals`: of participants."""

    action: Action
    limit: Template
    fixed_limit: float | None
    minimum: float
    continuing: bool
    events: tuple[tuple[str, Template], ...]
    signals: tuple[str, ...] = ()

    def enter(self, turn: Turn) -> Outcome:
        if turn.in_branch:
            return self._fail(turn, NESTED_WAIT)
        if turn.party.channel == "VOICE":
            if not self.continuing and not self.events:  # Events are of participants, whom voice does not wait for
                return self._fail(turn, "a voice contact waits only with ContinueExecution or for an event")
            if turn.program.flow.type not in ("CONTACT_FLOW", "MODULE"):
                return self._fail(turn, "a voice contact waits only in an inbound flow")
        if "BotParticipantDisconnected" in self.signals and (turn.chat is None or turn.chat.bot is None):
            turn.log(self.action, {}, Results="ParticipantNotFound")
            return Failed("ParticipantNotFound", "no bot takes part in this contact")
        seconds = self.fixed_limit if self.fixed_limit is not None else number(self.limit.text(turn.namespace))
        if seconds is None or not 1 <= seconds <= turn.world.limits.wait_seconds:
            return self._fail(turn, f"TimeLimitSeconds is not in 1 to {turn.world.limits.wait_seconds}")
        return self._begin(turn, seconds)

    def _begin(self, turn: Turn, seconds: float) -> Outcome:
        now = turn.now
        events = tuple([Awaited(branch, identifier.text(turn.namespace)) for branch, identifier in self.events])
        over = turn.first_over(events)
        turn.log(self.action, {"TimeLimitSeconds": f"{seconds:g}"})
        if over is not None and self.minimum <= 0:
            turn.log(self.action, {}, Results=over)
            return Result(over)
        signals = () if turn.party.channel == "TASK" else self.signals
        not_before = now + self.minimum if self.minimum > 0 else 0.0
        turn.wait = WaitState(self.action.identifier, not_before, events, self.continuing, len(turn.frames), signals)
        turn.effects.append(WaitEntered(turn.party.contact_id, self.action.identifier, seconds, self.continuing))
        turn.arm(WAIT_LIMIT, now + max(seconds, self.minimum))
        if over is not None:
            turn.arm(WAIT_MINIMUM, now + self.minimum)
        return Result("Continue") if self.continuing else PARKED

    def _fail(self, turn: Turn, reason: str) -> Outcome:
        turn.log(self.action, {}, Results=reason)
        return Failed(NO_MATCHING_ERROR, reason)


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    limit = template(required(parameters, "TimeLimitSeconds"))
    text = scalar(parameters, "MinimumWaitTimeSeconds")
    minimum = 0.0 if text is None else number(text)
    if minimum is None or minimum < 0:
        raise ParameterProblem("MinimumWaitTimeSeconds", f"must be a number of seconds, not {text!r}")
    wait = Wait(
        action,
        limit,
        fixed_limit=number(limit.source) if limit.fixed is not None else None,
        minimum=minimum,
        continuing=flag(parameters, "ContinueExecution"),
        events=_read_events(members(parameters, "InterruptibleEvents")),
        signals=_read_signals(parameters.get("Events")),
    )
    return Handlers(wait.enter)


def _read_signals(events: object) -> tuple[str, ...]:
    if events is None:
        return ()
    if not isinstance(events, list) or not events or any(event not in SIGNALS for event in events):
        raise ParameterProblem("Events", f"is a list of {', '.join(SIGNALS)}; functions are InterruptibleEvents")
    return tuple(str(event) for event in events)


def _read_events(events: Mapping[str, object]) -> tuple[tuple[str, Template], ...]:
    found: list[tuple[str, Template]] = []
    for branch in events:
        path = f"InterruptibleEvents.{branch}"
        event = members(events, branch, "InterruptibleEvents.")
        if list(event) != [COMPLETION_EVENT]:
            raise ParameterProblem(path, f"holds one {COMPLETION_EVENT}; other events are not known to callpark")
        identifier = members(event, COMPLETION_EVENT, f"{path}.")
        found.append((branch, template(required(identifier, "Identifier", f"{path}.{COMPLETION_EVENT}."))))
    return tuple(found)


WAIT = ActionType(
    "Wait",
    _prepare,
    frozenset(("TimeLimitSeconds", "ContinueExecution", "MinimumWaitTimeSeconds", "InterruptibleEvents", "Events")),
    errors=frozenset((NO_MATCHING_ERROR, "ParticipantNotFound")),
)

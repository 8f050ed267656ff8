"""ShowView: a view is shown, the user's action decides. On chat only.

The participant answers, or what `views:` in connect.yaml declares for it. `$.Views.Action` and `.ViewResultData` hold
the answer. Inputs and contact attributes together take 16 KB at most.

https://docs.aws.amazon.com/connect/latest/devguide/participant-actions-showview.html
"""

from dataclasses import dataclass

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.contact import Viewing
from callpark.flows.effects import ShowForm
from callpark.flows.events import Event, TimerFired, ViewAnswered
from callpark.flows.happenings import ViewClosed, ViewShown
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, members, number, required, scalar
from callpark.flows.program import (
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    PARKED,
    ActionType,
    Failed,
    Handlers,
    Outcome,
    Result,
    Results,
)
from callpark.flows.references import Template, as_text, template
from callpark.flows.resources import look_up
from callpark.flows.turn import INPUT, VIEW, Turn

TIME_LIMIT = "TimeLimitExceeded"


@dataclass(frozen=True, slots=True)
class ShowView:
    action: Action
    view: Template
    seconds: float | None
    data: object

    def enter(self, turn: Turn) -> Outcome:
        reference = self.view.text(turn.namespace)
        data = resolve_nested(self.data, turn.namespace)
        views = turn.world.resources.views
        declared = look_up(views, reference)
        size = len(as_text(data).encode()) + len(as_text(turn.memory.attributes).encode())
        problem = None
        if views and declared is None:
            problem = f"there is no view {reference!r}"
            turn.warn(f"{problem}: declare it under `views:` in connect.yaml")
        elif size > turn.world.limits.view_bytes:
            problem = f"{size} bytes of inputs and attributes, more than {turn.world.limits.view_bytes}"
        if problem is not None:
            turn.log(self.action, {"ViewId": reference}, Results=problem)
            return Failed(NO_MATCHING_ERROR, problem)
        answer = None if declared is None else declared.answer
        turn.activity = Viewing(reference, None if answer is None else (answer.action, answer.data))
        shown = data if isinstance(data, dict) else {}
        turn.effects.append(ShowForm(reference, shown))
        turn.effects.append(ViewShown(turn.subject, reference, shown))
        if answer is not None:
            turn.arm(VIEW, turn.now + answer.after)
        turn.arm(INPUT, turn.now + (turn.world.limits.view_seconds if self.seconds is None else self.seconds))
        return PARKED

    def resume(self, turn: Turn, event: Event) -> Outcome:
        activity = turn.activity
        assert isinstance(activity, Viewing)
        turn.activity = None
        turn.disarm(VIEW)
        turn.disarm(INPUT)
        action, data = "", {}
        if isinstance(event, ViewAnswered):
            action, data = event.action, dict(event.data)
        elif isinstance(event, TimerFired) and event.name == VIEW and activity.answer is not None:
            action, data = activity.answer[0], dict(activity.answer[1])
        turn.effects.append(ViewClosed(turn.subject, activity.view, action))
        turn.log(self.action, {"ViewId": activity.view}, Results=action or TIME_LIMIT)
        if not action:
            return Failed(TIME_LIMIT, "nobody answered the view in time")
        turn.find("Views", {"Action": action, "ViewResultData": data})
        return Result(action)


def _prepare(action: Action) -> Handlers:
    resource = members(action.parameters, "ViewResource")
    view = template(required(resource, "Id", "ViewResource."))
    scalar(resource, "Version", "ViewResource.")
    text = scalar(action.parameters, "InvocationTimeLimitSeconds")
    seconds = None if text is None else number(text)
    if text is not None and (seconds is None or seconds < 1):
        raise ParameterProblem("InvocationTimeLimitSeconds", f"must be a number from 1, not {text!r}")
    data = compile_nested(members(action.parameters, "ViewData"))
    show = ShowView(action, view, seconds, data)
    return Handlers(show.enter, show.resume)


_ERRORS = frozenset((NO_MATCHING_CONDITION, NO_MATCHING_ERROR, TIME_LIMIT))
SHOW_VIEW = ActionType(
    "ShowView",
    _prepare,
    frozenset(("ViewResource", "InvocationTimeLimitSeconds", "ViewData", "SensitiveDataConfiguration")),
    errors=_ERRORS,
    required_errors=_ERRORS,
    results=Results(),
    static=frozenset(("InvocationTimeLimitSeconds", "SensitiveDataConfiguration")),
)

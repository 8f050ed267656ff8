"""UpdateContactEventHooks: which flow runs in the queue, on hold, as whisper, after the agent has left.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontacteventhooks.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, flag, members, required
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn

HOOKS: Mapping[str, str] = {
    "AgentHold": "AGENT_HOLD",
    "AgentWhisper": "AGENT_WHISPER",
    "CustomerHold": "CUSTOMER_HOLD",
    "CustomerQueue": "CUSTOMER_QUEUE",
    "CustomerRemaining": "CONTACT_FLOW",
    "CustomerWhisper": "CUSTOMER_WHISPER",
    "DefaultAgentUI": "CONTACT_FLOW",
    "DisconnectAgentUI": "CONTACT_FLOW",
    "PauseContact": "CONTACT_FLOW",
    "ResumeContact": "CONTACT_FLOW",
}
"""The hooks with the type of the flow each takes."""

IDLE = frozenset(("DefaultAgentUI", "DisconnectAgentUI", "PauseContact", "ResumeContact"))
"""Kept, and never run: callpark has no agent's desktop and pauses nobody."""


@dataclass(frozen=True, slots=True)
class SetHook:
    """`flow` None switches the hook off."""

    action: Action
    hook: str
    flow: Template | None

    def enter(self, turn: Turn) -> Outcome:
        reference = "" if self.flow is None else self.flow.text(turn.namespace)
        if self.flow is not None:
            program = turn.world.flow(reference)
            if program is None or program.flow.type != HOOKS[self.hook]:
                reason = f"there is no flow {reference!r} of type {HOOKS[self.hook]}"
                turn.log(self.action, {self.hook: reference}, Results=reason)
                return Failed(NO_MATCHING_ERROR, reason)
        if self.hook in IDLE:
            turn.warn(f"the hook {self.hook} is kept, and nothing in callpark runs it")
        turn.record(hooks={**turn.memory.record.hooks, self.hook: reference})
        turn.log(self.action, {self.hook: reference})
        return DONE


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    if "EventHooksConfiguration" in parameters and "EventHooks" not in parameters:
        whisper = members(members(parameters, "EventHooksConfiguration"), "AgentWhisper", "EventHooksConfiguration.")
        if not flag(whisper, "DisableExecution", "EventHooksConfiguration.AgentWhisper."):
            raise ParameterProblem("EventHooksConfiguration", "AgentWhisper with DisableExecution is all there is")
        return Handlers(SetHook(action, "AgentWhisper", None).enter)
    hooks = members(parameters, "EventHooks")
    if len(hooks) != 1:
        raise ParameterProblem("EventHooks", "Invalid contact flow format: exactly one hook", missing=not hooks)
    (hook,) = hooks
    if hook not in HOOKS:
        raise ParameterProblem(f"EventHooks.{hook}", f"there is {', '.join(HOOKS)}")
    return Handlers(SetHook(action, hook, template(required(hooks, hook, "EventHooks."))).enter)


UPDATE_CONTACT_EVENT_HOOKS = ActionType(
    "UpdateContactEventHooks", _prepare, frozenset(("EventHooks", "EventHooksConfiguration")), results=NO_RESULT
)

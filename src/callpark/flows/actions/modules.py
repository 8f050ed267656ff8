"""InvokeFlowModule and EndFlowModuleExecution: flows that are called and come back, with input, a result and data.

The module has flow attributes of its own; `$.Modules.Input` is readable inside, `$.Modules.Result` and `.ResultData`
afterwards. Nested five deep at most.

https://docs.aws.amazon.com/connect/latest/adminguide/contact-flow-modules.html
"""

from dataclasses import dataclass

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.language import Action
from callpark.flows.parameters import members, required, scalar
from callpark.flows.program import (
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    NO_RESULT,
    ActionType,
    Call,
    Failed,
    Handlers,
    Outcome,
    Results,
    Return,
)
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class InvokeModule:
    action: Action
    module: Template
    input: object

    def enter(self, turn: Turn) -> Outcome:
        reference = self.module.text(turn.namespace)
        turn.log(self.action, {"FlowModuleId": reference})
        program = turn.world.module(reference)
        if program is None:
            turn.warn(f"there is no flow module {reference!r}: declare it under `modules:` in connect.yaml")
            return self._fail(turn, f"there is no flow module {reference!r}")
        if len(turn.frames) >= turn.world.limits.module_depth:
            return self._fail(turn, f"modules are nested deeper than {turn.world.limits.module_depth}")
        return Call(program, resolve_nested(self.input, turn.namespace))

    def _fail(self, turn: Turn, reason: str) -> Outcome:
        turn.log(self.action, {}, Results=reason)
        return Failed(NO_MATCHING_ERROR, reason)


@dataclass(frozen=True, slots=True)
class EndModule:
    action: Action
    result: str | None
    data: object

    def enter(self, turn: Turn) -> Outcome:
        turn.log(self.action, {}, **({} if self.result is None else {"Results": self.result}))
        return Return(self.result, resolve_nested(self.data, turn.namespace))


def _prepare_invoke(action: Action) -> Handlers:
    parameters = action.parameters
    input_ = compile_nested(members(parameters, "Input"))
    return Handlers(InvokeModule(action, template(required(parameters, "FlowModuleId")), input_).enter)


def _prepare_end(action: Action) -> Handlers:
    parameters = action.parameters
    return Handlers(
        EndModule(action, scalar(parameters, "Result"), compile_nested(members(parameters, "ResultData"))).enter
    )


INVOKE_FLOW_MODULE = ActionType(
    "InvokeFlowModule",
    _prepare_invoke,
    frozenset(("FlowModuleId", "Input")),
    errors=frozenset((NO_MATCHING_ERROR, NO_MATCHING_CONDITION)),
    results=Results(),
)
END_FLOW_MODULE_EXECUTION = ActionType(
    "EndFlowModuleExecution",
    _prepare_end,
    frozenset(("Result", "ResultData")),
    terminal=True,
    errors=frozenset(),
    required_errors=frozenset(),
    results=NO_RESULT,
    static=frozenset(("Result",)),
)

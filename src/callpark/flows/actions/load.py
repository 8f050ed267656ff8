"""LoadLambdaFunctionResult: fetch the result of an asynchronous function into `$.External`.

Unfinished: InProgress (A3). Failed, timed out, or an id this contact never had: NoMatchingError (A2, A4). Loading twice
gives the same (A5).
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import required
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Load:
    action: Action
    invocation_id: Template

    def enter(self, turn: Turn) -> Outcome:
        invocation_id = self.invocation_id.text(turn.namespace)
        invocation = turn.invocations.get(invocation_id)
        parameters = {"LambdaInvocationId": invocation_id}
        if invocation is None:
            turn.log(self.action, parameters, Results=NO_MATCHING_ERROR)
            return Failed(NO_MATCHING_ERROR, f"no function of this contact has the id {invocation_id!r}")
        if invocation.state == "pending":
            turn.log(self.action, parameters, Results="InProgress")
            return Failed("InProgress", f"{invocation.function_arn} is still running")
        if invocation.state != "succeeded":
            turn.log(self.action, parameters, Results=NO_MATCHING_ERROR)
            return Failed(NO_MATCHING_ERROR, f"{invocation.function_arn} {invocation.state}: {invocation.reason}")
        turn.remember(external=invocation.result)
        turn.log(self.action, parameters, Results="Success", ExternalResults=invocation.result)
        return DONE


def _prepare(action: Action) -> Handlers:
    return Handlers(Load(action, template(required(action.parameters, "LambdaInvocationId"))).enter)


LOAD_LAMBDA_FUNCTION_RESULT = ActionType(
    "LoadLambdaFunctionResult",
    _prepare,
    frozenset(("LambdaInvocationId",)),
    errors=frozenset((NO_MATCHING_ERROR, "InProgress")),
    required_errors=frozenset((NO_MATCHING_ERROR, "InProgress")),
    results=NO_RESULT,
)

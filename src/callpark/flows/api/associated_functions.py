"""Functions that flows may call: AssociateLambdaFunction and its kin.

Associating asks what a call asks: the function exists, and its resource policy lets the instance invoke it.
https://docs.aws.amazon.com/connect/latest/APIReference/API_AssociateLambdaFunction.html
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import text
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_parameter, invalid_request, not_found, refusal
from callpark.flows.logs import FUNCTION_FORBIDDEN
from callpark.kernel.arn import function_name
from callpark.kernel.operations import Call, OperationTable


class AssociatedFunctionOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "AssociateLambdaFunction"): self.associate,
            ("connect", "DisassociateLambdaFunction"): self.disassociate,
            ("connect", "ListLambdaFunctions"): self.list_functions,
        }

    async def associate(self, call: Call) -> Mapping[str, object]:
        plane, arn = self._plane, text(call, "FunctionArn")
        if function_name(arn) is None:
            raise invalid_parameter(f"{arn!r} is not the ARN of a Lambda function.")
        refused = plane.functions.refusal(arn)
        if refused is not None and refused.startswith(FUNCTION_FORBIDDEN):
            raise invalid_request(refused)
        if refused is not None:
            raise not_found("The function", arn)
        async with plane.changing:
            if arn in plane.associated():
                return {}
            if len(plane.associated()) >= plane.limits.instance_functions:
                message = f"An instance has {plane.limits.instance_functions} Lambda functions at most."
                raise refusal("ServiceQuotaExceededException", 402, message)
            functions = (*(plane.settings.functions or ()), arn)
            await plane.put_settings(msgspec.structs.replace(plane.settings, functions=functions))
        return {}

    async def disassociate(self, call: Call) -> Mapping[str, object]:
        plane, arn = self._plane, text(call, "FunctionArn")
        async with plane.changing:
            if arn not in plane.associated():
                raise not_found("The association with the function", arn)
            await plane.disassociate(arn)
        return {}

    async def list_functions(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._plane.associated(), str, 25)
        return {"LambdaFunctions": shown, **token}

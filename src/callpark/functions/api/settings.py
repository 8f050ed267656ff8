"""Recursion, runtime management and code signing of a function: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html and its neighbours
"""

from collections.abc import Mapping

from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable


class SettingOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._publishing = functions.publishing

    def table(self) -> OperationTable:
        return {
            ("lambda", "PutFunctionRecursionConfig"): self.put_recursion,
            ("lambda", "GetFunctionRecursionConfig"): self.get_recursion,
            ("lambda", "GetRuntimeManagementConfig"): self.get_runtime_management,
            ("lambda", "GetFunctionCodeSigningConfig"): self.get_code_signing,
        }

    async def put_recursion(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        changed = await self._publishing.put_recursion(str(given["FunctionName"]), str(given["RecursiveLoop"]))
        return {"RecursiveLoop": changed.recursive_loop}

    async def get_recursion(self, call: Call) -> Mapping[str, object]:
        return {"RecursiveLoop": self._publishing.recursion(str(call.parameters["FunctionName"]))}

    async def get_runtime_management(self, call: Call) -> Mapping[str, object]:
        """Runtimes are what this machine has installed; nobody updates them behind a function's back."""
        qualifier = call.parameters.get("Qualifier")
        given = str(call.parameters["FunctionName"])
        function, version = self._functions.version(given, qualifier if isinstance(qualifier, str) else None)
        arn = self._functions.arn(function.configuration.name)
        return {"UpdateRuntimeOn": "Auto", "FunctionArn": f"{arn}:{version.number}"}

    async def get_code_signing(self, call: Call) -> Mapping[str, object]:
        function = self._functions.function(str(call.parameters["FunctionName"]))
        signing = function.inert.get("CodeSigningConfigArn")
        return {"CodeSigningConfigArn": signing or "", "FunctionName": function.configuration.name}

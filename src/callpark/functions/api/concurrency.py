"""Reserved concurrency and the account's settings: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
"""

from collections.abc import Mapping

from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable


class ConcurrencyOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._administration = functions.administration

    def table(self) -> OperationTable:
        return {
            ("lambda", "PutFunctionConcurrency"): self.put,
            ("lambda", "GetFunctionConcurrency"): self.get,
            ("lambda", "DeleteFunctionConcurrency"): self.delete,
            ("lambda", "GetAccountSettings"): self.account,
        }

    async def put(self, call: Call) -> Mapping[str, object]:
        reserved = call.parameters["ReservedConcurrentExecutions"]
        assert isinstance(reserved, int), "the gateway types integers"
        await self._administration.put_concurrency(str(call.parameters["FunctionName"]), reserved)
        return {"ReservedConcurrentExecutions": reserved}

    async def get(self, call: Call) -> Mapping[str, object]:
        reserved = self._administration.concurrency(str(call.parameters["FunctionName"]))
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    async def delete(self, call: Call) -> Mapping[str, object]:
        await self._administration.delete_concurrency(str(call.parameters["FunctionName"]))
        return {}

    async def account(self, call: Call) -> Mapping[str, object]:
        limits, functions = self._functions.limits, self._functions.functions()
        return {
            "AccountLimit": {
                "TotalCodeSize": limits.code_storage_bytes,
                "CodeSizeUnzipped": limits.unzipped_bytes,
                "CodeSizeZipped": limits.zip_bytes,
                "ConcurrentExecutions": limits.account_concurrency,
                "UnreservedConcurrentExecutions": limits.account_concurrency - self._functions.reserved_concurrency(),
            },
            "AccountUsage": {
                "TotalCodeSize": sum(function.identity.size for function in functions),
                "FunctionCount": len(functions),
            },
        }

"""Reserved and provisioned concurrency, and the account's settings: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
"""

from collections.abc import Mapping

from callpark.functions import names
from callpark.functions.api.pages import page
from callpark.functions.api.shapes import last_modified
from callpark.functions.provisioning import Provisioned
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable

_PAGE = 50


class ConcurrencyOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._administration = functions.administration

    def table(self) -> OperationTable:
        return {
            ("lambda", "PutFunctionConcurrency"): self.put,
            ("lambda", "GetFunctionConcurrency"): self.get,
            ("lambda", "DeleteFunctionConcurrency"): self.delete,
            ("lambda", "PutProvisionedConcurrencyConfig"): self.put_provisioned,
            ("lambda", "GetProvisionedConcurrencyConfig"): self.get_provisioned,
            ("lambda", "DeleteProvisionedConcurrencyConfig"): self.delete_provisioned,
            ("lambda", "ListProvisionedConcurrencyConfigs"): self.list_provisioned,
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

    async def put_provisioned(self, call: Call) -> Mapping[str, object]:
        requested = call.parameters["ProvisionedConcurrentExecutions"]
        assert isinstance(requested, int), "the gateway types integers"
        return _members(await self._functions.provisioning.put(*_target(call), requested))

    async def get_provisioned(self, call: Call) -> Mapping[str, object]:
        return _members(self._functions.provisioning.get(*_target(call)))

    async def delete_provisioned(self, call: Call) -> Mapping[str, object]:
        await self._functions.provisioning.delete(*_target(call))
        return {}

    async def list_provisioned(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        name = str(given["FunctionName"])
        found = {provisioned.qualifier: provisioned for provisioned in self._functions.provisioning.all_of(name)}
        shown, following = page(sorted(found), given.get("Marker"), given.get("MaxItems"), _PAGE)
        arn = self._functions.arn(names.parse(name, None, self._functions.place).name)
        listed = [{"FunctionArn": f"{arn}:{key}", **_members(found[key])} for key in sorted(shown)]
        members: dict[str, object] = {"ProvisionedConcurrencyConfigs": listed}
        if following is not None:
            members["NextMarker"] = following
        return members

    async def account(self, call: Call) -> Mapping[str, object]:
        limits, functions = self._functions.limits, self._functions.functions()
        return {
            "AccountLimit": {
                "TotalCodeSize": limits.code_storage_bytes,
                "CodeSizeUnzipped": limits.unzipped_bytes,
                "CodeSizeZipped": limits.zip_bytes,
                "ConcurrentExecutions": limits.account_concurrency,
                "UnreservedConcurrentExecutions": limits.account_concurrency - self._functions.taken_concurrency(),
            },
            "AccountUsage": {
                "TotalCodeSize": self._functions.stored_code_bytes(),
                "FunctionCount": len(functions),
            },
        }


def _target(call: Call) -> tuple[str, str]:
    return str(call.parameters["FunctionName"]), str(call.parameters["Qualifier"])


def _members(provisioned: Provisioned) -> dict[str, object]:
    members: dict[str, object] = {
        "RequestedProvisionedConcurrentExecutions": provisioned.requested,
        "AvailableProvisionedConcurrentExecutions": provisioned.available,
        "AllocatedProvisionedConcurrentExecutions": provisioned.available,
        "Status": provisioned.status,
        "LastModified": last_modified(provisioned.last_modified),
    }
    if provisioned.reason is not None:
        members["StatusReason"] = provisioned.reason
    return members

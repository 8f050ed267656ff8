"""CreateFunction (a pipeline function) and its family: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateFunction.html
"""

from collections.abc import Mapping

from callpark.graphql.api.pages import page
from callpark.graphql.control import changes, refusals, resolvers
from callpark.graphql.control.model import ManagedApi, Members
from callpark.graphql.control.plane import ControlPlane
from callpark.kernel.operations import Call, OperationTable


class FunctionOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateFunction"): self.create,
            ("appsync", "GetFunction"): self.get,
            ("appsync", "ListFunctions"): self.list_functions,
            ("appsync", "UpdateFunction"): self.update,
            ("appsync", "DeleteFunction"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, self._plane.token(), new=True)

    async def update(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, str(call.parameters["functionId"]), new=False)

    async def get(self, call: Call) -> Mapping[str, object]:
        api, function_id = self._plane.api(str(call.parameters["apiId"])), str(call.parameters["functionId"])
        if function_id not in api.functions:
            raise refusals.function_not_found(function_id)
        return {"functionConfiguration": self._shown(api, function_id, api.functions[function_id])}

    async def list_functions(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        listed = list(api.functions.items())
        return page("functions", listed, lambda item: item[0], lambda item: self._shown(api, *item), call.parameters)

    async def delete(self, call: Call) -> Mapping[str, object]:
        function_id = str(call.parameters["functionId"])
        await self._plane.change(str(call.parameters["apiId"]), lambda api: changes.delete_function(api, function_id))
        return {}

    async def _put(self, call: Call, function_id: str, *, new: bool) -> Mapping[str, object]:
        plane = self._plane
        members = {name: value for name, value in call.parameters.items() if name not in ("apiId", "functionId")}
        api = await plane.change(
            str(call.parameters["apiId"]),
            lambda api: changes.put_function(api, function_id, members, plane.check, new=new),
        )
        plane.warn_inert(f"function {members['name']} of GraphQL API {api.definition.name}", resolvers.inert(members))
        return {"functionConfiguration": self._shown(api, function_id, members)}

    def _shown(self, api: ManagedApi, function_id: str, members: Members) -> Members:
        version = {} if "code" in members else {"functionVersion": resolvers.VTL_VERSION}
        arn = self._plane.arn(api.api_id, "functions", function_id)
        return {"maxBatchSize": 0, **version, **members, "functionId": function_id, "functionArn": arn}

"""CreateResolver and its family: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateResolver.html
"""

from collections.abc import Mapping, Sequence

from callpark.graphql.api.pages import page
from callpark.graphql.control import changes, refusals, resolvers, types
from callpark.graphql.control.model import ManagedApi, Members
from callpark.graphql.control.plane import ControlPlane
from callpark.kernel.operations import Call, OperationTable


class ResolverOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateResolver"): self.create,
            ("appsync", "GetResolver"): self.get,
            ("appsync", "ListResolvers"): self.list_resolvers,
            ("appsync", "ListResolversByFunction"): self.list_by_function,
            ("appsync", "UpdateResolver"): self.update,
            ("appsync", "DeleteResolver"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, new=True)

    async def update(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, new=False)

    async def get(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        type_name, field_name = str(call.parameters["typeName"]), str(call.parameters["fieldName"])
        members = api.resolvers.get((type_name, field_name))
        if members is None:
            raise refusals.resolver_not_found(type_name, field_name)
        return {"resolver": self._shown(api, members)}

    async def list_resolvers(self, call: Call) -> Mapping[str, object]:
        api, type_name = self._plane.api(str(call.parameters["apiId"])), str(call.parameters["typeName"])
        listed = [members for (name, _), members in api.resolvers.items() if name == type_name]
        if not listed and type_name not in types.fields_of(api.definition.schema):
            raise refusals.type_not_found(type_name)
        return self._page(api, listed, call)

    async def list_by_function(self, call: Call) -> Mapping[str, object]:
        api, function_id = self._plane.api(str(call.parameters["apiId"])), str(call.parameters["functionId"])
        if function_id not in api.functions:
            raise refusals.function_not_found(function_id)
        users = changes.users_of(api, function_id)
        return self._page(api, [api.resolvers[each.type_name, each.field_name] for each in users], call)

    async def delete(self, call: Call) -> Mapping[str, object]:
        type_name, field_name = str(call.parameters["typeName"]), str(call.parameters["fieldName"])
        await self._plane.change(
            str(call.parameters["apiId"]), lambda api: changes.delete_resolver(api, type_name, field_name)
        )
        return {}

    async def _put(self, call: Call, *, new: bool) -> Mapping[str, object]:
        plane = self._plane
        members = {name: value for name, value in call.parameters.items() if name != "apiId"}
        api = await plane.change(
            str(call.parameters["apiId"]), lambda api: changes.put_resolver(api, members, plane.check, new=new)
        )
        what = f"resolver {members['typeName']}.{members['fieldName']} of GraphQL API {api.definition.name}"
        plane.warn_inert(what, resolvers.inert(members))
        return {"resolver": self._shown(api, members)}

    def _page(self, api: ManagedApi, listed: Sequence[Members], call: Call) -> Mapping[str, object]:
        def key(members: Members) -> str:
            return f"{members['typeName']}.{members['fieldName']}"

        return page("resolvers", listed, key, lambda members: self._shown(api, members), call.parameters)

    def _shown(self, api: ManagedApi, members: Members) -> Members:
        arn = self._plane.arn(api.api_id, "types", str(members["typeName"]), "resolvers", str(members["fieldName"]))
        return {"kind": "UNIT", "maxBatchSize": 0, **members, "resolverArn": arn}

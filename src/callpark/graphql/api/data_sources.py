"""CreateDataSource and its family: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateDataSource.html
"""

from collections.abc import Mapping

from callpark.graphql.api.pages import page
from callpark.graphql.control import changes, refusals, sources
from callpark.graphql.control.model import ManagedApi, Members
from callpark.graphql.control.plane import ControlPlane
from callpark.kernel.operations import Call, OperationTable


class DataSourceOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateDataSource"): self.create,
            ("appsync", "GetDataSource"): self.get,
            ("appsync", "ListDataSources"): self.list_sources,
            ("appsync", "UpdateDataSource"): self.update,
            ("appsync", "DeleteDataSource"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, new=True)

    async def update(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, new=False)

    async def get(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        members = api.sources.get(str(call.parameters["name"]))
        if members is None:
            raise refusals.source_not_found(str(call.parameters["name"]))
        return {"dataSource": self._shown(api, members)}

    async def list_sources(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        listed = list(api.sources.values())
        return page("dataSources", listed, _name, lambda members: self._shown(api, members), call.parameters)

    async def delete(self, call: Call) -> Mapping[str, object]:
        name = str(call.parameters["name"])
        await self._plane.change(str(call.parameters["apiId"]), lambda api: changes.delete_source(api, name))
        return {}

    async def _put(self, call: Call, *, new: bool) -> Mapping[str, object]:
        plane = self._plane
        members = {name: value for name, value in call.parameters.items() if name != "apiId"}
        region = plane.place.region
        api = await plane.change(
            str(call.parameters["apiId"]), lambda api: changes.put_source(api, members, region, plane.check, new=new)
        )
        plane.warn_inert(f"data source {members['name']} of GraphQL API {api.definition.name}", sources.inert(members))
        return {"dataSource": self._shown(api, members)}

    def _shown(self, api: ManagedApi, members: Members) -> Members:
        arn = self._plane.arn(api.api_id, "datasources", str(members["name"]))
        return {**members, "dataSourceArn": arn}


def _name(members: Members) -> str:
    return str(members["name"])

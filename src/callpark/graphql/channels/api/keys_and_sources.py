"""CreateApiKey, CreateDataSource and their families, for Event APIs: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateApiKey.html, …/API_CreateDataSource.html
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from callpark.graphql.api.pages import page
from callpark.graphql.channels.control.model import ManagedEventApi, Members
from callpark.graphql.channels.control.model import definition as definition_of
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.graphql.control import refusals, sources
from callpark.graphql.control.keys import expiry, key_members
from callpark.graphql.model import ApiKey
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call, OperationTable


class EventApiKeyOperations:
    def __init__(self, plane: EventControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateApiKey"): self.create,
            ("appsync", "ListApiKeys"): self.list_keys,
            ("appsync", "UpdateApiKey"): self.update,
            ("appsync", "DeleteApiKey"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        ends = expiry(call.parameters.get("expires"), plane.clock.now(), plane.limits)
        key = ApiKey(f"da2-{plane.token()}", ends, str(call.parameters.get("description") or ""))

        def change(api: ManagedEventApi) -> ManagedEventApi:
            if len(api.keys) >= plane.limits.api_keys:
                message = f"Only {plane.limits.api_keys} API keys are allowed for an API."
                raise CallerError("ApiKeyLimitExceededException", 400, message)
            return msgspec.structs.replace(api, keys=[*api.keys, key])

        await plane.change(str(call.parameters["apiId"]), change)
        return {"apiKey": key_members(key, plane.limits)}

    async def list_keys(self, call: Call) -> Mapping[str, object]:
        limits = self._plane.limits
        keys = self._plane.api(str(call.parameters["apiId"])).keys
        return page("apiKeys", keys, lambda key: key.key, lambda key: key_members(key, limits), call.parameters)

    async def update(self, call: Call) -> Mapping[str, object]:
        plane, key_id, given = self._plane, str(call.parameters["id"]), call.parameters

        def change(api: ManagedEventApi) -> ManagedEventApi:
            key = _key(api, key_id)
            if "expires" in given:
                key = replace(key, expires=expiry(given["expires"], plane.clock.now(), plane.limits))
            if "description" in given:
                key = replace(key, description=str(given["description"] or ""))
            return msgspec.structs.replace(api, keys=[key if each.key == key_id else each for each in api.keys])

        api = await plane.change(str(given["apiId"]), change)
        return {"apiKey": key_members(_key(api, key_id), plane.limits)}

    async def delete(self, call: Call) -> Mapping[str, object]:
        key_id = str(call.parameters["id"])

        def change(api: ManagedEventApi) -> ManagedEventApi:
            gone = _key(api, key_id)
            return msgspec.structs.replace(api, keys=[each for each in api.keys if each is not gone])

        await self._plane.change(str(call.parameters["apiId"]), change)
        return {}


class EventSourceOperations:
    def __init__(self, plane: EventControlPlane) -> None:
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
        return {"dataSource": self._shown(api, _source(api, str(call.parameters["name"])))}

    async def list_sources(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        listed = list(api.sources.values())
        return page("dataSources", listed, _name, lambda members: self._shown(api, members), call.parameters)

    async def delete(self, call: Call) -> Mapping[str, object]:
        name = str(call.parameters["name"])

        def change(api: ManagedEventApi) -> ManagedEventApi:
            _source(api, name)
            used = definition_of(api, self._plane.place.region).namespaces
            users = [
                f"namespace {each.name}"
                for each in used
                if name in [handler.data_source for handler in (each.on_publish, each.on_subscribe) if handler]
            ]
            if users:
                raise refusals.source_in_use(name, users)
            left = {key: members for key, members in api.sources.items() if key != name}
            return msgspec.structs.replace(api, sources=left)

        await self._plane.change(str(call.parameters["apiId"]), change)
        return {}

    async def _put(self, call: Call, *, new: bool) -> Mapping[str, object]:
        members = {name: value for name, value in call.parameters.items() if name != "apiId"}
        name = str(members["name"])

        def change(api: ManagedEventApi) -> ManagedEventApi:
            if new and name in api.sources:
                raise refusals.source_exists(name)
            if not new:
                _source(api, name)
            return msgspec.structs.replace(api, sources={**api.sources, name: members})

        api = await self._plane.change(str(call.parameters["apiId"]), change)
        for each in sources.inert(members):
            self._plane.warn(f"data source {name} of Event API {api.settings['name']}", each)
        return {"dataSource": self._shown(api, members)}

    def _shown(self, api: ManagedEventApi, members: Members) -> Members:
        return {**members, "dataSourceArn": self._plane.arn(api.api_id, "datasources", str(members["name"]))}


def _key(api: ManagedEventApi, key_id: str) -> ApiKey:
    found = next((each for each in api.keys if each.key == key_id), None)
    if found is None:
        raise refusals.key_not_found(key_id)
    return found


def _source(api: ManagedEventApi, name: str) -> Members:
    found = api.sources.get(name)
    if found is None:
        raise refusals.source_not_found(name)
    return found


def _name(members: Members) -> str:
    return str(members["name"])

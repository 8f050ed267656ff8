"""CreateApiKey, CreateApiCache and their families: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateApiKey.html, …/API_CreateApiCache.html
"""

from collections.abc import Mapping
from dataclasses import replace

from callpark.graphql.api.pages import page
from callpark.graphql.control import changes, refusals
from callpark.graphql.control.keys import expiry, key_members
from callpark.graphql.control.model import ManagedApi, Members
from callpark.graphql.control.plane import ControlPlane
from callpark.graphql.model import ApiKey
from callpark.kernel.operations import Call, OperationTable


class ApiKeyOperations:
    def __init__(self, plane: ControlPlane) -> None:
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
        await plane.change(str(call.parameters["apiId"]), lambda api: changes.put_key(api, key, plane.limits))
        return {"apiKey": key_members(key, plane.limits)}

    async def list_keys(self, call: Call) -> Mapping[str, object]:
        limits = self._plane.limits
        keys = self._plane.api(str(call.parameters["apiId"])).definition.api_keys
        return page("apiKeys", keys, lambda key: key.key, lambda key: key_members(key, limits), call.parameters)

    async def update(self, call: Call) -> Mapping[str, object]:
        plane, key_id, given = self._plane, str(call.parameters["id"]), call.parameters

        def change(api: ManagedApi) -> ManagedApi:
            key = changes.key_of(api, key_id)
            if "expires" in given:
                key = replace(key, expires=expiry(given["expires"], plane.clock.now(), plane.limits))
            if "description" in given:
                key = replace(key, description=str(given["description"] or ""))
            return changes.put_key(api, key, plane.limits)

        api = await plane.change(str(call.parameters["apiId"]), change)
        return {"apiKey": key_members(changes.key_of(api, key_id), plane.limits)}

    async def delete(self, call: Call) -> Mapping[str, object]:
        key_id = str(call.parameters["id"])
        await self._plane.change(str(call.parameters["apiId"]), lambda api: changes.delete_key(api, key_id))
        return {}


class ApiCacheOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateApiCache"): self.create,
            ("appsync", "GetApiCache"): self.get,
            ("appsync", "UpdateApiCache"): self.update,
            ("appsync", "DeleteApiCache"): self.delete,
            ("appsync", "FlushApiCache"): self.flush,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, new=True)

    async def update(self, call: Call) -> Mapping[str, object]:
        return await self._put(call, new=False)

    async def get(self, call: Call) -> Mapping[str, object]:
        return _shown(self._plane.api(str(call.parameters["apiId"])), "get")

    async def delete(self, call: Call) -> Mapping[str, object]:
        await self._plane.change(str(call.parameters["apiId"]), changes.delete_cache)
        return {}

    async def flush(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        if api.cache is None:
            raise refusals.cache_missing("flush")
        await self._plane.flush_cache(api.api_id)
        return {}

    async def _put(self, call: Call, *, new: bool) -> Mapping[str, object]:
        members: Members = {name: value for name, value in call.parameters.items() if name != "apiId"}
        limits = self._plane.limits
        api = await self._plane.change(
            str(call.parameters["apiId"]), lambda api: changes.put_cache(api, members, limits, new=new)
        )
        return _shown(api, "get")


def _shown(api: ManagedApi, verb: str) -> Mapping[str, object]:
    if api.cache is None:
        raise refusals.cache_missing(verb)
    defaults = {"transitEncryptionEnabled": False, "atRestEncryptionEnabled": False, "status": "AVAILABLE"}
    return {"apiCache": {**defaults, **api.cache}}

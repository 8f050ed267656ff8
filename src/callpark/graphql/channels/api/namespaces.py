"""CreateChannelNamespace and its family: translate and call the control plane.

An update says all of a namespace: what it leaves out is gone.
https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateChannelNamespace.html
"""

from collections.abc import Mapping

import msgspec

from callpark.graphql.api.pages import page
from callpark.graphql.channels.control.model import ManagedEventApi, Members
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.graphql.control.refusals import not_found
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call, OperationTable


class NamespaceOperations:
    def __init__(self, plane: EventControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateChannelNamespace"): self.create,
            ("appsync", "GetChannelNamespace"): self.get,
            ("appsync", "ListChannelNamespaces"): self.list_namespaces,
            ("appsync", "UpdateChannelNamespace"): self.update,
            ("appsync", "DeleteChannelNamespace"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        name, now = str(call.parameters["name"]), self._plane.clock.now()
        members = {**_given(call), "created": now, "lastModified": now}

        def change(api: ManagedEventApi) -> ManagedEventApi:
            if name in api.namespaces:
                raise CallerError("ConflictException", 409, f"Channel namespace {name} already exists.")
            return _with(api, name, members)

        return self._answer(await self._plane.change(str(call.parameters["apiId"]), change), name)

    async def get(self, call: Call) -> Mapping[str, object]:
        return self._answer(self._plane.api(str(call.parameters["apiId"])), str(call.parameters["name"]))

    async def list_namespaces(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        listed = list(api.namespaces)
        return page("channelNamespaces", listed, str, lambda name: self._shown(api, name), call.parameters)

    async def update(self, call: Call) -> Mapping[str, object]:
        name, now = str(call.parameters["name"]), self._plane.clock.now()

        def change(api: ManagedEventApi) -> ManagedEventApi:
            before = _namespace(api, name)
            stays = {key: before[key] for key in ("created", "tags") if key in before}
            return _with(api, name, {**_given(call), **stays, "lastModified": now})

        return self._answer(await self._plane.change(str(call.parameters["apiId"]), change), name)

    async def delete(self, call: Call) -> Mapping[str, object]:
        name = str(call.parameters["name"])

        def change(api: ManagedEventApi) -> ManagedEventApi:
            _namespace(api, name)
            left = {key: members for key, members in api.namespaces.items() if key != name}
            return msgspec.structs.replace(api, namespaces=left)

        await self._plane.change(str(call.parameters["apiId"]), change)
        return {}

    def _answer(self, api: ManagedEventApi, name: str) -> Mapping[str, object]:
        return {"channelNamespace": self._shown(api, name)}

    def _shown(self, api: ManagedEventApi, name: str) -> Members:
        arn = self._plane.arn(api.api_id, "channelNamespace", name)
        return {**_namespace(api, name), "apiId": api.api_id, "channelNamespaceArn": arn}


def _namespace(api: ManagedEventApi, name: str) -> Members:
    found = api.namespaces.get(name)
    if found is None:
        raise not_found(f"Channel namespace {name} not found.")
    return found


def _with(api: ManagedEventApi, name: str, members: dict[str, object]) -> ManagedEventApi:
    return msgspec.structs.replace(api, namespaces={**api.namespaces, name: members})


def _given(call: Call) -> dict[str, object]:
    return {name: value for name, value in call.parameters.items() if name != "apiId"}

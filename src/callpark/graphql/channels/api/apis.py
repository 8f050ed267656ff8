"""CreateApi and its family, and tags: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateApi.html
"""

from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit

import msgspec

from callpark.graphql.api.pages import page
from callpark.graphql.channels.control.model import ManagedEventApi, Members
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.graphql.channels.urls import event_realtime_url, event_url
from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call, OperationTable


class EventApiOperations:
    def __init__(self, plane: EventControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateApi"): self.create,
            ("appsync", "GetApi"): self.get,
            ("appsync", "ListApis"): self.list_apis,
            ("appsync", "UpdateApi"): self.update,
            ("appsync", "DeleteApi"): self.delete,
            ("appsync", "TagResource"): self.tag,
            ("appsync", "UntagResource"): self.untag,
            ("appsync", "ListTagsForResource"): self.list_tags,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        tags = cast("Mapping[str, str]", call.parameters.get("tags") or {})

        def make() -> ManagedEventApi:
            if sum(not each.declared for each in plane.apis()) >= plane.limits.apis:
                message = f"Only {plane.limits.apis} Event APIs are allowed in a Region."
                raise CallerError("ServiceQuotaExceededException", 402, message)
            return ManagedEventApi(plane.token(), _settings(call), plane.clock.now(), tags=dict(tags))

        api = await plane.add(make)
        return {"api": self._shown(api)}

    async def get(self, call: Call) -> Mapping[str, object]:
        return {"api": self._shown(self._plane.api(str(call.parameters["apiId"])))}

    async def list_apis(self, call: Call) -> Mapping[str, object]:
        return page("apis", self._plane.apis(), lambda api: api.api_id, self._shown, call.parameters)

    async def update(self, call: Call) -> Mapping[str, object]:
        def change(api: ManagedEventApi) -> ManagedEventApi:
            return msgspec.structs.replace(api, settings=_settings(call))

        api = await self._plane.change(str(call.parameters["apiId"]), change)
        return {"api": self._shown(api)}

    async def delete(self, call: Call) -> Mapping[str, object]:
        await self._plane.remove(str(call.parameters["apiId"]))
        return {}

    async def tag(self, call: Call) -> Mapping[str, object]:
        added = cast("Mapping[str, str]", call.parameters["tags"])
        await self._plane.change(api_id_of(call), lambda api: msgspec.structs.replace(api, tags={**api.tags, **added}))
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        removed = cast("Sequence[str]", call.parameters["tagKeys"])

        def change(api: ManagedEventApi) -> ManagedEventApi:
            left = {key: value for key, value in api.tags.items() if key not in removed}
            return msgspec.structs.replace(api, tags=left)

        await self._plane.change(api_id_of(call), change)
        return {}

    async def list_tags(self, call: Call) -> Mapping[str, object]:
        return {"tags": dict(self._plane.api(api_id_of(call)).tags)}

    def _shown(self, api: ManagedEventApi) -> Members:
        base_url, api_id = self._plane.base_url, api.api_id
        urls = {"HTTP": event_url(base_url, api_id), "REALTIME": event_realtime_url(base_url, api_id)}
        return {
            **api.settings,
            "apiId": api_id,
            "apiArn": self._plane.arn(api_id),
            "dns": {kind: urlsplit(url).netloc for kind, url in urls.items()},
            "created": api.created,
            "xrayEnabled": False,
            "tags": dict(api.tags),
        }


def api_id_of(call: Call) -> str:
    """The API that an operation is about: by its id, or in the ARN of a tagged resource."""
    if "apiId" in call.parameters:
        return str(call.parameters["apiId"])
    arn = Arn.parse(str(call.parameters.get("resourceArn", "")))
    return "" if arn is None else arn.resource.partition("/")[2]


def _settings(call: Call) -> dict[str, object]:
    return {name: value for name, value in call.parameters.items() if name not in ("apiId", "tags")}

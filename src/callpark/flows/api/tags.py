"""Tags of everything that the instance owns, by ARN.

https://docs.aws.amazon.com/connect/latest/APIReference/API_TagResource.html and its kin.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.instances import is_ours
from callpark.flows.api.parameters import tags, text, texts
from callpark.flows.control.kept import Tags
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_request, not_found
from callpark.kernel.operations import Call, OperationTable


class TagOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "TagResource"): self.tag,
            ("connect", "UntagResource"): self.untag,
            ("connect", "ListTagsForResource"): self.list_tags,
        }

    async def tag(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            arn = text(call, "resourceArn")
            merged = {**self._tags(arn), **tags(call, "tags")}
            if len(merged) > self._plane.limits.resource_tags:
                raise invalid_request(f"A resource has {self._plane.limits.resource_tags} tags at most.")
            await self._put(arn, merged)
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            arn, gone = text(call, "resourceArn"), set(texts(call, "tagKeys"))
            await self._put(arn, {key: value for key, value in self._tags(arn).items() if key not in gone})
        return {}

    async def list_tags(self, call: Call) -> Mapping[str, object]:
        return {"tags": dict(self._tags(text(call, "resourceArn")))}

    def _tags(self, arn: str) -> Tags:
        if is_ours(self._plane, arn) and arn.startswith("arn:"):
            return self._plane.settings.tags
        record = self._plane.by_arn(arn)
        if record is None:
            raise not_found("The resource", arn)
        return record.tags

    async def _put(self, arn: str, changed: Tags) -> None:
        record = self._plane.by_arn(arn)
        if record is None:
            await self._plane.put_settings(msgspec.structs.replace(self._plane.settings, tags=changed))
        else:
            await self._plane.put(msgspec.structs.replace(record, tags=changed))

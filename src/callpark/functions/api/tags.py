"""ListTags, TagResource, UntagResource: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
"""

from collections.abc import Mapping, Sequence

from callpark.functions.service import Functions
from callpark.kernel.arn import Arn
from callpark.kernel.operations import Call, OperationTable


class TagOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._administration = functions.administration

    def table(self) -> OperationTable:
        return {
            ("lambda", "ListTags"): self.list_tags,
            ("lambda", "TagResource"): self.tag,
            ("lambda", "UntagResource"): self.untag,
        }

    async def list_tags(self, call: Call) -> Mapping[str, object]:
        resource = str(call.parameters["Resource"])
        mapping_id = _mapping_id(resource)
        if mapping_id is not None:
            return {"Tags": dict(self._functions.sources.get(mapping_id)[0].tags)}
        return {"Tags": dict(self._functions.function(resource).tags)}

    async def tag(self, call: Call) -> Mapping[str, object]:
        tags = call.parameters.get("Tags")
        added = {str(key): str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {}
        await self._change(str(call.parameters["Resource"]), added, [])
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        keys = call.parameters.get("TagKeys")
        removed = [str(key) for key in keys] if isinstance(keys, Sequence) and not isinstance(keys, str) else []
        await self._change(str(call.parameters["Resource"]), {}, removed)
        return {}

    async def _change(self, resource: str, added: Mapping[str, str], removed: Sequence[str]) -> None:
        mapping_id = _mapping_id(resource)
        if mapping_id is not None:
            await self._functions.sources.change_tags(mapping_id, added, removed)
        else:
            await self._administration.change_tags(resource, added, removed)


def _mapping_id(resource: str) -> str | None:
    """The UUID in the ARN of an event source mapping; None for a function's."""
    arn = Arn.parse(resource)
    kind, _, mapping_id = arn.resource.partition(":") if arn is not None else ("", "", "")
    return mapping_id if kind == "event-source-mapping" else None

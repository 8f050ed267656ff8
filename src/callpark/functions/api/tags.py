"""ListTags, TagResource, UntagResource: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
"""

from collections.abc import Mapping, Sequence

from callpark.functions.service import Functions
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
        return {"Tags": dict(self._functions.function(str(call.parameters["Resource"])).tags)}

    async def tag(self, call: Call) -> Mapping[str, object]:
        tags = call.parameters.get("Tags")
        added = {str(key): str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {}
        await self._administration.change_tags(str(call.parameters["Resource"]), added)
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        keys = call.parameters.get("TagKeys")
        removed = [str(key) for key in keys] if isinstance(keys, Sequence) and not isinstance(keys, str) else []
        await self._administration.change_tags(str(call.parameters["Resource"]), {}, removed)
        return {}

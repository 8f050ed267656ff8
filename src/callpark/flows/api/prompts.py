"""Recordings that flows play. callpark does not fetch the audio: it lasts `connect.recorded_prompt_seconds`, and says
its name (our rule); `connect.yaml` under the same name says better.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreatePrompt.html and its kin.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import optional, tags, text
from callpark.flows.control.model import PromptRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.declared import PromptFile
from callpark.kernel.operations import Call, OperationTable


class PromptOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreatePrompt"): self.create,
            ("connect", "DescribePrompt"): self.describe,
            ("connect", "ListPrompts"): self.list_prompts,
            ("connect", "UpdatePrompt"): self.update,
            ("connect", "DeletePrompt"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name = self._plane, text(call, "Name")
        async with plane.changing:
            plane.check_new(PromptRecord, "The prompt", name, plane.limits.instance_prompts, "prompts")
            id_ = plane.ids.uuid()
            record = PromptRecord(
                value=PromptFile(name=name, id=id_, arn=f"{plane.arn}/prompt/{id_}", text=f"[{name}]"),
                s3_uri=text(call, "S3Uri"),
                description=text(call, "Description"),
                tags=tags(call),
                modified_at=plane.clock.now(),
            )
            await plane.put(record)
        return {"PromptARN": record.arn, "PromptId": id_}

    async def describe(self, call: Call) -> Mapping[str, object]:
        record = self._prompt(call)
        members: dict[str, object] = {
            "PromptARN": record.arn,
            "PromptId": record.id,
            "Name": record.name,
            "Tags": dict(record.tags),
            "LastModifiedTime": record.modified_at,
            "LastModifiedRegion": self._plane.region,
        }
        return {"Prompt": {**members, **({"Description": record.description} if record.description else {})}}

    async def list_prompts(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._plane.records(PromptRecord), lambda record: f"{record.name}\n{record.id}")
        members = [
            {"Id": record.id, "Arn": record.arn, "Name": record.name, "LastModifiedTime": record.modified_at}
            for record in shown
        ]
        return {"PromptSummaryList": members, **token}

    async def update(self, call: Call) -> Mapping[str, object]:
        plane, name, description = self._plane, optional(call, "Name"), optional(call, "Description")
        async with plane.changing:
            record = self._prompt(call)
            if name is not None:
                plane.check_name(record, "The prompt", name)
            changed = msgspec.structs.replace(
                record,
                value=msgspec.structs.replace(record.value, name=record.name if name is None else name),
                description=record.description if description is None else description,
                s3_uri=optional(call, "S3Uri") or record.s3_uri,
                modified_at=plane.clock.now(),
            )
            await plane.put(changed)
        return {"PromptARN": record.arn, "PromptId": record.id}

    async def delete(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._plane.put(removed=[self._prompt(call)])
        return {}

    def _prompt(self, call: Call) -> PromptRecord:
        return self._plane.find(PromptRecord, "The prompt", text(call, "PromptId"))

"""Which files may be attached, by scope: the instance's rules in place of AWS's. Those of CHAT are acted on, no others.

https://docs.aws.amazon.com/connect/latest/APIReference/API_UpdateAttachedFilesConfiguration.html
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, number, structure, text
from callpark.flows.chat.file_types import TYPES
from callpark.flows.control.model import CHAT_FILES, FileRule
from callpark.flows.control.plane import ControlPlane
from callpark.kernel.operations import Call, OperationTable

SCOPES: Final = (CHAT_FILES, "CASE", "EMAIL", "TASK")


class FileRuleOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "UpdateAttachedFilesConfiguration"): self.update,
            ("connect", "DescribeAttachedFilesConfiguration"): self.describe,
            ("connect", "ListAttachedFilesConfigurations"): self.list,
        }

    async def update(self, call: Call) -> Mapping[str, object]:
        """What the request does not name stays."""
        plane, scope = self._plane, text(call, "AttachmentScope")
        if scope != CHAT_FILES:
            plane.warn_inert("attached files", [f"the configuration of {scope}"])
        async with plane.changing:
            before = plane.settings.files.get(scope, FileRule())
            extensions = self._extensions(call)
            rule = FileRule(
                most=before.most if (most := number(call, "MaximumSizeLimitInBytes")) is None else most,
                extensions=before.extensions if extensions is None else extensions,
                modified_at=plane.clock.now(),
            )
            files = {**plane.settings.files, scope: rule}
            await plane.put_settings(msgspec.structs.replace(plane.settings, files=files))
        return {**self._members(scope), "LastModifiedTime": rule.modified_at}

    async def describe(self, call: Call) -> Mapping[str, object]:
        scope = text(call, "AttachmentScope")
        rule = self._plane.settings.files.get(scope)
        changed = {} if rule is None else {"LastModifiedTime": rule.modified_at}
        return {"AttachedFilesConfiguration": {**self._members(scope), **changed}}

    async def list(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, SCOPES, str)
        return {"AttachedFilesConfigurations": [self._members(scope) for scope in shown], **token}

    def _extensions(self, call: Call) -> tuple[str, ...] | None:
        configuration = call.parameters.get("ExtensionConfiguration")
        if configuration is None:
            return None
        listed = items(structure(configuration).get("AllowedExtensions"))
        return tuple(str(structure(each).get("Extension", "")).lower() for each in listed)

    def _members(self, scope: str) -> dict[str, object]:
        rule = self._plane.settings.files.get(scope, FileRule())
        extensions = TYPES if rule.extensions is None else rule.extensions
        return {
            "InstanceId": self._plane.instance_id,
            "AttachmentScope": scope,
            "MaximumSizeLimitInBytes": rule.most or self._plane.limits.chat_attachment_bytes,
            "ExtensionConfiguration": {"AllowedExtensions": [{"Extension": each} for each in extensions]},
        }

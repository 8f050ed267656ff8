"""Integration associations of the instance: kept and shown; a FILE_SCANNER scans the attachments of chats.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateIntegrationAssociation.html
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import optional, tags, text
from callpark.flows.control.model import FILE_SCANNER, Integration
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import duplicate, invalid_request, not_found
from callpark.kernel.arn import function_name
from callpark.kernel.operations import Call, OperationTable


class IntegrationOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateIntegrationAssociation"): self.create,
            ("connect", "ListIntegrationAssociations"): self.list,
            ("connect", "DeleteIntegrationAssociation"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, kind, arn = self._plane, text(call, "IntegrationType"), text(call, "IntegrationArn")
        async with plane.changing:
            known = plane.settings.integrations
            if any((each.type, each.arn) == (kind, arn) for each in known):
                raise duplicate(f"The integration {kind} with", arn)
            if kind == FILE_SCANNER:
                self._check_scanner(arn)
            else:
                plane.warn(f"integration {kind} with {arn}: it is kept and shown, but changes nothing here")
            made = Integration(
                id=plane.ids.uuid(),
                type=kind,
                arn=arn,
                application_url=optional(call, "SourceApplicationUrl"),
                application_name=optional(call, "SourceApplicationName"),
                source_type=optional(call, "SourceType"),
                tags=tags(call),
                modified_at=plane.clock.now(),
            )
            await plane.put_settings(msgspec.structs.replace(plane.settings, integrations=(*known, made)))
        return {"IntegrationAssociationId": made.id, "IntegrationAssociationArn": self._arn(made)}

    async def list(self, call: Call) -> Mapping[str, object]:
        kind, arn = optional(call, "IntegrationType"), optional(call, "IntegrationArn")
        found = [
            each for each in self._plane.settings.integrations if kind in (None, each.type) and arn in (None, each.arn)
        ]
        shown, token = page(call, found, lambda each: each.id)
        return {"IntegrationAssociationSummaryList": [self._summary(each) for each in shown], **token}

    async def delete(self, call: Call) -> Mapping[str, object]:
        plane, wanted = self._plane, text(call, "IntegrationAssociationId")
        async with plane.changing:
            left = tuple(each for each in plane.settings.integrations if each.id != wanted)
            if len(left) == len(plane.settings.integrations):
                raise not_found("The integration association", wanted)
            await plane.put_settings(msgspec.structs.replace(plane.settings, integrations=left))
        return {}

    def _check_scanner(self, arn: str) -> None:
        """One function scans, and it has to be there. Raises CallerError."""
        if function_name(arn) is None:
            raise invalid_request(f"IntegrationArn {arn} is not the ARN of a Lambda function")
        if self._plane.file_scanner() is not None:
            raise duplicate("A FILE_SCANNER of the instance", self._plane.instance_id)
        if (refusal := self._plane.functions.refusal(arn)) is not None:
            raise invalid_request(refusal)

    def _arn(self, one: Integration) -> str:
        return f"{self._plane.arn}/integration-association/{one.id}"

    def _summary(self, one: Integration) -> Mapping[str, object]:
        members = {
            "IntegrationAssociationId": one.id,
            "IntegrationAssociationArn": self._arn(one),
            "InstanceId": self._plane.instance_id,
            "IntegrationType": one.type,
            "IntegrationArn": one.arn,
            "SourceApplicationUrl": one.application_url,
            "SourceApplicationName": one.application_name,
            "SourceType": one.source_type,
            "LastModifiedTime": one.modified_at,
            "LastModifiedRegion": self._plane.region,
        }
        return {name: value for name, value in members.items() if value is not None}

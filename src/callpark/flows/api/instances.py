"""The instance: there is one, the project's or callpark's own; and the guard of every operation that names one.

https://docs.aws.amazon.com/connect/latest/APIReference/API_DescribeInstance.html and its kin.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import text
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_parameter, not_found
from callpark.kernel.arn import Arn
from callpark.kernel.operations import Answer, Call, Operation, OperationTable

ATTRIBUTES: Final[Mapping[str, str]] = {
    "INBOUND_CALLS": "true",
    "OUTBOUND_CALLS": "true",
    "CONTACTFLOW_LOGS": "true",
    "CONTACT_LENS": "false",
    "AUTO_RESOLVE_BEST_VOICES": "true",
    "USE_CUSTOM_TTS_VOICES": "false",
    "EARLY_MEDIA": "true",
    "MULTI_PARTY_CONFERENCE": "false",
    "HIGH_VOLUME_OUTBOUND": "false",
    "ENHANCED_CONTACT_MONITORING": "false",
    "ENHANCED_CHAT_MONITORING": "false",
    "MULTI_PARTY_CHAT_CONFERENCE": "false",
    "MESSAGE_STREAMING": "false",
}


def guarded(plane: ControlPlane, table: OperationTable) -> OperationTable:
    """Every operation refuses an InstanceId or TargetArn that is not the instance's."""
    return {name: _guarded(plane, operation) for name, operation in table.items()}


def _guarded(plane: ControlPlane, operation: Operation) -> Operation:
    async def guard(call: Call) -> Mapping[str, object] | Answer:
        for member in ("InstanceId", "TargetArn"):
            reference = call.parameters.get(member)
            if isinstance(reference, str) and not is_ours(plane, reference):
                raise not_found("The instance", reference)
        return await operation(call)

    return guard


def is_ours(plane: ControlPlane, reference: str) -> bool:
    """By id or by ARN; the ARN's account and region may be another's, as in exported code."""
    arn = Arn.parse(reference)
    if arn is None:
        return reference == plane.instance_id
    return arn.service == "connect" and arn.resource == f"instance/{plane.instance_id}"


class InstanceOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "ListInstances"): self.list_instances,
            ("connect", "DescribeInstance"): self.describe,
            ("connect", "DescribeInstanceAttribute"): self.describe_attribute,
            ("connect", "ListInstanceAttributes"): self.list_attributes,
            ("connect", "UpdateInstanceAttribute"): self.update_attribute,
        }

    async def list_instances(self, call: Call) -> Mapping[str, object]:
        return {"InstanceSummaryList": [self._summary()]}

    async def describe(self, call: Call) -> Mapping[str, object]:
        return {"Instance": {**self._summary(), "Tags": dict(self._plane.settings.tags)}}

    async def describe_attribute(self, call: Call) -> Mapping[str, object]:
        name = text(call, "AttributeType")
        return {"Attribute": {"AttributeType": name, "Value": self._value(name)}}

    async def list_attributes(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, list(ATTRIBUTES), str, 7)
        return {"Attributes": [{"AttributeType": name, "Value": self._value(name)} for name in shown], **token}

    async def update_attribute(self, call: Call) -> Mapping[str, object]:
        plane, name, value = self._plane, text(call, "AttributeType"), text(call, "Value").lower()
        if value not in ("true", "false"):
            raise invalid_parameter(f"The value of {name} is true or false.")
        plane.warn_inert("the Connect instance", [name])
        async with plane.changing:
            attributes = {**plane.settings.attributes, name: value}
            await plane.put_settings(msgspec.structs.replace(plane.settings, attributes=attributes))
        return {}

    def _value(self, name: str) -> str:
        return self._plane.settings.attributes.get(name) or ATTRIBUTES.get(name, "false")

    def _summary(self) -> dict[str, object]:
        plane = self._plane
        alias = plane.definition.alias or "callpark"
        return {
            "Id": plane.instance_id,
            "Arn": plane.arn,
            "IdentityManagementType": "CONNECT_MANAGED",
            "InstanceAlias": alias,
            "CreatedTime": plane.started_at,
            "ServiceRole": f"arn:aws:iam::{plane.place.account}:role/aws-service-role/connect.amazonaws.com/callpark",
            "InstanceStatus": "ACTIVE",
            "InboundCallsEnabled": self._value("INBOUND_CALLS") == "true",
            "OutboundCallsEnabled": self._value("OUTBOUND_CALLS") == "true",
            "InstanceAccessUrl": f"https://{alias}.my.connect.aws",
        }

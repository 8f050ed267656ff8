"""Contacts through the API of Amazon Connect: stop one, read and write its attributes, describe it.

https://docs.aws.amazon.com/connect/latest/APIReference/API_DescribeContact.html
"""

from collections.abc import Mapping

from callpark.flows.api.reading import text, text_map
from callpark.flows.chat import refusals
from callpark.flows.contact import Contact
from callpark.flows.namespaces import segment_attributes
from callpark.flows.service import Flows
from callpark.flows.turn import BEGINNING
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.operations import Call, OperationTable


class ContactOperations:
    def __init__(self, flows: Flows, limits: ConnectLimits) -> None:
        self._flows = flows
        self._limits = limits

    def table(self) -> OperationTable:
        return {
            ("connect", "StopContact"): self.stop,
            ("connect", "GetContactAttributes"): self.get_attributes,
            ("connect", "UpdateContactAttributes"): self.update_attributes,
            ("connect", "DescribeContact"): self.describe,
        }

    async def stop(self, call: Call) -> Mapping[str, object]:
        check_instance(self._flows, text(call.parameters, "InstanceId"))
        if not await self._flows.stop(text(call.parameters, "ContactId")):
            raise refusals.no_contact()
        return {}

    async def get_attributes(self, call: Call) -> Mapping[str, object]:
        contact = self._contact(call, "InitialContactId")
        return {"Attributes": dict(contact.memory.attributes)}

    async def update_attributes(self, call: Call) -> Mapping[str, object]:
        """All of them or none: 32 KB together with those that are there."""
        contact = self._contact(call, "InitialContactId")
        attributes = text_map(call.parameters, "Attributes")
        check_attributes({**contact.memory.attributes, **attributes}, self._limits)
        if not await self._flows.update_attributes(contact.id, attributes):
            raise refusals.no_resource(f"The contact {contact.id}")
        return {}

    async def describe(self, call: Call) -> Mapping[str, object]:
        return {"Contact": described(self._contact(call, "ContactId"))}

    def _contact(self, call: Call, name: str) -> Contact:
        """Open, or ended and kept. Raises CallerError."""
        check_instance(self._flows, text(call.parameters, "InstanceId"))
        contact_id = text(call.parameters, name)
        contact = self._flows.contact(contact_id)
        if contact is None:
            raise refusals.no_resource(f"The contact {contact_id}")
        return contact


def check_instance(flows: Flows, reference: str) -> None:
    """There is one instance; its id or ARN names it. Raises CallerError."""
    arn = flows.instance.definition.arn
    if reference not in (arn, arn.rsplit("/", 1)[-1]):
        raise refusals.no_resource(f"The instance {reference} (callpark serves {arn})")


def check_attributes(attributes: Mapping[str, str], limits: ConnectLimits) -> None:
    """Raises CallerError."""
    size = sum(len(name.encode()) + len(value.encode()) for name, value in attributes.items())
    if size > limits.attributes_bytes:
        text = f"The attributes have {size} bytes; a contact has at most {limits.attributes_bytes}"
        raise refusals.invalid_request(text)


def described(contact: Contact) -> Mapping[str, object]:
    """`Contact` of DescribeContact; members without a value are left out. Instants in epoch seconds."""
    party, record, desk = contact.party, contact.memory.record, contact.desk
    agent = contact.memory.found.get("Agent")
    agent_arn = agent.get("ARN") if isinstance(agent, Mapping) else None
    members: dict[str, object] = {
        "Arn": f"{party.instance_arn}/contact/{contact.id}",
        "Id": contact.id,
        "InitialContactId": party.initial_contact_id,
        "PreviousContactId": party.initial_contact_id,
        "ContactAssociationId": party.initial_contact_id or contact.id,
        "InitiationMethod": party.initiation_method,
        "Name": record.name,
        "Description": record.description,
        "Channel": party.channel,
        "QueueInfo": None
        if desk is None
        else {"Id": desk.target.arn.rsplit("/", 1)[-1], "EnqueueTimestamp": desk.since},
        "AgentInfo": {"Id": agent_arn.rsplit("/", 1)[-1]} if isinstance(agent_arn, str) else None,
        "InitiationTimestamp": party.started_at,
        "ConnectedToSystemTimestamp": None if contact.due(BEGINNING) is not None else party.started_at,
        "DisconnectTimestamp": contact.ended_at or None,
        "LastUpdateTimestamp": contact.ended_at or party.started_at,
        "ScheduledTimestamp": contact.due(BEGINNING),
        "RelatedContactId": party.related_contact_id,
        "CustomerId": record.customer_id,
        "CustomerEndpoint": _endpoint(party.caller),
        "SystemEndpoint": _endpoint(party.number),
        "QueuePriority": None if desk is None else desk.priority,
        "QueueTimeAdjustmentSeconds": record.time_adjustment or None,
        "Tags": dict(record.tags),
        "DisconnectReason": None if contact.ended is None else contact.ended.reason,
        "SegmentAttributes": {
            name: {"ValueString": value} for name, value in segment_attributes(party).items() if value is not None
        },
        "Attributes": dict(contact.memory.attributes),
    }
    return {name: value for name, value in members.items() if value not in (None, "", {})}


def _endpoint(address: str | None) -> Mapping[str, str] | None:
    return None if address is None else {"Type": "TELEPHONE_NUMBER", "Address": address}

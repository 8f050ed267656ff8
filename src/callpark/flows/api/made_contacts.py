"""Contacts that the API makes and moves: tasks, outbound calls, transfers, schedules, tags, references.

Nobody is at the other end of an outbound call: a simulated customer answers at once, listens and says nothing (our
rule). Tasks have nobody to talk to anyway.
https://docs.aws.amazon.com/connect/latest/APIReference/API_StartTaskContact.html and its kin.
"""

from collections.abc import Mapping
from typing import Final

from callpark.flows.api.contact_operations import check_attributes
from callpark.flows.api.parameters import instant, optional, structure, tags, text, text_map, texts
from callpark.flows.contact import Contact, Memory, Record, Target
from callpark.flows.control.model import QueueRecord
from callpark.flows.control.people import UserRecord
from callpark.flows.control.plane import ControlPlane, flow_of
from callpark.flows.control.refusals import invalid_parameter, invalid_request, not_found, unsupported
from callpark.flows.events import HungUp, RecordChanged, Rescheduled
from callpark.flows.everywhere import Everywhere, id_for
from callpark.flows.turn import BEGINNING
from callpark.kernel.operations import Call, OperationTable

#: As ListContactReferences names a reference of each type; files and messages are not kept here.
_REFERENCES: Final[Mapping[str, str]] = {
    "URL": "Url",
    "STRING": "String",
    "NUMBER": "Number",
    "DATE": "Date",
    "EMAIL": "Email",
}


class MadeContactOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._flows = plane.flows
        self._everywhere = Everywhere(plane.flows)

    def table(self) -> OperationTable:
        return {
            ("connect", "StartTaskContact"): self.start_task,
            ("connect", "StartOutboundVoiceContact"): self.start_call,
            ("connect", "TransferContact"): self.transfer,
            ("connect", "UpdateContactSchedule"): self.reschedule,
            ("connect", "UpdateContact"): self.update,
            ("connect", "TagContact"): self.tag,
            ("connect", "UntagContact"): self.untag,
            ("connect", "ListContactReferences"): self.list_references,
        }

    async def start_task(self, call: Call) -> Mapping[str, object]:
        for member in ("TaskTemplateId", "QuickConnectId"):
            if optional(call, member) and not optional(call, "ContactFlowId"):
                raise unsupported(f"StartTaskContact with {member} and without ContactFlowId")
        _refuse(call, "Attachments", "SegmentAttributes", "TaskTemplateId", "QuickConnectId")
        previous = await self._named(call, "PreviousContactId")
        related = await self._named(call, "RelatedContactId")
        if previous is not None and related is not None:
            raise invalid_request("PreviousContactId and RelatedContactId exclude each other.")
        before = previous or related
        party: dict[str, object] = {
            "channel": "TASK",
            "initiation_method": "API",
            "initial_contact_id": None if previous is None else previous.party.initial_contact_id or previous.id,
            "related_contact_id": None if related is None else related.id,
        }
        record = Record(
            name=text(call, "Name"), description=optional(call, "Description"), references=_references(call)
        )
        return {"ContactId": await self._begin(call, party, before, record, self._scheduled(call))}

    async def start_call(self, call: Call) -> Mapping[str, object]:
        _refuse(call, "OutboundStrategy", "AnswerMachineDetectionConfig", "CampaignId")
        if call.parameters.get("TrafficType") == "CAMPAIGN":
            raise unsupported("StartOutboundVoiceContact with TrafficType CAMPAIGN")
        queue = self._queue(call)
        source = optional(call, "SourcePhoneNumber") or (None if queue is None else queue.value.caller_id)
        if source is None and queue is None:
            raise invalid_parameter("SourcePhoneNumber or QueueId is needed.")
        related = await self._named(call, "RelatedContactId")
        party: dict[str, object] = {
            "initiation_method": "API",
            "caller": text(call, "DestinationPhoneNumber"),
            "number": source,
            "related_contact_id": None if related is None else related.id,
        }
        record = Record(
            name=optional(call, "Name"),
            description=optional(call, "Description"),
            references=_references(call),
            target=_target(queue),
        )
        return {"ContactId": await self._begin(call, party, None, record, None)}

    async def transfer(self, call: Call) -> Mapping[str, object]:
        """The task goes on as a new contact of its chain, in the flow that is named."""
        contact, plane = self._open(call), self._plane
        if contact.party.channel not in ("TASK", "EMAIL"):
            raise invalid_request(f"A contact of the channel {contact.party.channel} cannot be transferred by the API.")
        record = contact.memory.record
        if record.segments >= plane.limits.queue_transfers:
            raise invalid_request(f"A contact is transferred {plane.limits.queue_transfers} times at most.")
        moved = Record(
            name=record.name,
            description=record.description,
            customer_id=record.customer_id,
            tags=record.tags,
            references=record.references,
            priority=record.priority,
            segments=record.segments + 1,
            target=self._user(call) or _target(self._queue(call)) or record.target,
        )
        party: dict[str, object] = {
            "channel": contact.party.channel,
            "initiation_method": "TRANSFER",
            "initial_contact_id": contact.party.initial_contact_id or contact.id,
        }
        made = await self._begin(call, party, contact, moved, None)
        await self._flows.tell(contact.id, HungUp("API", f"transferred to contact {made}"))
        return {"ContactId": made, "ContactArn": f"{plane.arn}/contact/{made}"}

    async def reschedule(self, call: Call) -> Mapping[str, object]:
        contact = self._open(call)
        if contact.party.channel != "TASK" or contact.due(BEGINNING) is None:
            raise invalid_request(f"The contact {contact.id} is not a task that is scheduled.")
        at = self._scheduled(call)
        await self._flows.tell(contact.id, Rescheduled(self._plane.clock.now() if at is None else at))
        return {}

    async def update(self, call: Call) -> Mapping[str, object]:
        _refuse(
            call,
            "SegmentAttributes",
            "QueueInfo",
            "UserInfo",
            "CustomerEndpoint",
            "SystemEndpoint",
            "AdditionalRecipients",
        )
        given = {"name": optional(call, "Name"), "description": optional(call, "Description")}
        members = {name: value for name, value in given.items() if value is not None}
        await self._flows.tell(self._open(call).id, RecordChanged(references=_references(call), members=members))
        return {}

    async def tag(self, call: Call) -> Mapping[str, object]:
        contact = self._open(call)
        merged = {**contact.memory.record.tags, **tags(call)}
        if len(merged) > self._plane.limits.contact_tags:
            raise invalid_request(f"A contact has {self._plane.limits.contact_tags} tags at most.")
        await self._flows.tell(contact.id, RecordChanged(tags=tags(call)))
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        await self._flows.tell(self._open(call).id, RecordChanged(untagged=tuple(texts(call, "TagKeys"))))
        return {}

    async def list_references(self, call: Call) -> Mapping[str, object]:
        contact = self._flows.contact(text(call, "ContactId"))
        if contact is None:
            raise not_found("The contact", text(call, "ContactId"))
        types = texts(call, "ReferenceTypes")
        found = [
            {_REFERENCES[reference["Type"]]: {"Name": name, "Value": reference.get("Value", "")}}
            for name, reference in contact.memory.record.references.items()
            if reference.get("Type") in types and reference.get("Type") in _REFERENCES
        ]
        return {"ReferenceSummaryList": found}

    async def _begin(
        self, call: Call, party: Mapping[str, object], before: Contact | None, record: Record, at: float | None
    ) -> str:
        """The same request again has the same answer, as long as the contact is kept. Attributes of the contact before
        are there too."""
        flow = flow_of(self._plane, text(call, "ContactFlowId"), module=False)
        if token := text(call, "ClientToken"):
            id_ = id_for(self._plane.arn, call.operation, token)
            if await self._everywhere.contact(id_) is not None:
                return id_
            party = {**party, "contact_id": id_}
        attributes = {} if before is None else dict(before.memory.attributes)
        attributes |= text_map(call.parameters.get("Attributes"))
        check_attributes(attributes, self._plane.limits)
        if flow.content is None:
            raise invalid_request(f"The flow {flow.name} has not been published.")
        return await self._flows.begin(flow.arn, party, Memory(attributes=attributes, record=record), at)

    def _scheduled(self, call: Call) -> float | None:
        """Raises CallerError for a time that is past, or too far away."""
        at, now = instant(call, "ScheduledTime"), self._plane.clock.now()
        most = self._plane.limits.task_delay_seconds
        if at is not None and not now <= at <= now + most:
            raise invalid_parameter(f"ScheduledTime is not in the past, and within {most:,} seconds.")
        return at

    def _queue(self, call: Call) -> QueueRecord | None:
        reference = optional(call, "QueueId")
        return None if reference is None else self._plane.find(QueueRecord, "The queue", reference)

    def _user(self, call: Call) -> Target | None:
        reference = optional(call, "UserId")
        user = None if reference is None else self._plane.find(UserRecord, "The user", reference)
        return None if user is None else Target(user.arn, user.name, agent=True)

    async def _named(self, call: Call, member: str) -> Contact | None:
        """Open at any node, or ended and kept."""
        contact_id = optional(call, member)
        contact = None if contact_id is None else await self._everywhere.contact(contact_id)
        if contact_id is not None and contact is None:
            raise not_found("The contact", contact_id)
        return contact

    def _open(self, call: Call) -> Contact:
        contact = self._flows.contact(text(call, "ContactId"))
        if contact is None or contact.ended is not None:
            raise not_found("The open contact", text(call, "ContactId"))
        return contact


def _target(queue: QueueRecord | None) -> Target | None:
    return None if queue is None else Target(queue.arn, queue.name, caller_id=queue.value.caller_id)


def _references(call: Call) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for name, reference in structure(call.parameters.get("References")).items():
        kept = text_map(reference)
        if kept.get("Type") not in _REFERENCES:
            raise unsupported(f"references of type {kept.get('Type')}")
        found[name] = {"Value": kept.get("Value", ""), "Type": kept["Type"]}
    return found


def _refuse(call: Call, *members: str) -> None:
    """Never accept and ignore."""
    for member in members:
        if call.parameters.get(member):
            raise unsupported(f"{member} of {call.operation}")

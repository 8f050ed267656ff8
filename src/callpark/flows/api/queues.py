"""Queues, as flows route to them.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateQueue.html and its kin.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import number, optional, tags, text, text_map, texts
from callpark.flows.api.searching import matches
from callpark.flows.control.model import HoursRecord, NumberRecord, QueueRecord
from callpark.flows.control.people import ProfileRecord, UserRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import in_use
from callpark.flows.declared import Queue
from callpark.kernel.operations import Call, OperationTable


class QueueOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateQueue"): self.create,
            ("connect", "DescribeQueue"): self.describe,
            ("connect", "ListQueues"): self.list_queues,
            ("connect", "SearchQueues"): self.search,
            ("connect", "UpdateQueueName"): self.update_name,
            ("connect", "UpdateQueueHoursOfOperation"): self.update_hours,
            ("connect", "UpdateQueueMaxContacts"): self.update_capacity,
            ("connect", "UpdateQueueStatus"): self.update_status,
            ("connect", "UpdateQueueOutboundCallerConfig"): self.update_outbound,
            ("connect", "DeleteQueue"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name = self._plane, text(call, "Name")
        inert = {"QuickConnectIds", "OutboundEmailConfig", "EmailAddressesConfig"} & call.parameters.keys()
        plane.warn_inert(f"queue {name}", sorted(inert))
        async with plane.changing:
            plane.check_new(QueueRecord, "The queue", name, plane.limits.instance_queues, "queues")
            id_ = plane.ids.uuid()
            record = QueueRecord(
                value=Queue(
                    name=name,
                    id=id_,
                    arn=f"{plane.arn}/queue/{id_}",
                    hours=self._hours(text(call, "HoursOfOperationId")),
                    capacity=number(call, "MaxContacts"),
                ),
                description=text(call, "Description"),
                outbound=self._outbound(name, call),
                tags=tags(call),
                modified_at=plane.clock.now(),
            )
            await plane.put(record)
        return {"QueueArn": record.arn, "QueueId": id_}

    async def describe(self, call: Call) -> Mapping[str, object]:
        return {"Queue": self._shown(self._queue(call))}

    async def list_queues(self, call: Call) -> Mapping[str, object]:
        """Standard queues, and each user's own when they are asked for."""
        types = texts(call, "QueueTypes")
        found: list[dict[str, object]] = []
        if not types or "STANDARD" in types:
            found += [
                {
                    "Id": record.id,
                    "Arn": record.arn,
                    "Name": record.name,
                    "QueueType": "STANDARD",
                    "LastModifiedTime": record.modified_at,
                }
                for record in self._plane.records(QueueRecord)
            ]
        if not types or "AGENT" in types:
            found += [
                {"Id": user.id, "Arn": f"{self._plane.arn}/queue/agent/{user.id}", "QueueType": "AGENT"}
                for user in self._plane.records(UserRecord)
            ]
        shown, token = page(call, found, lambda queue: f"{queue.get('Name', '')}\n{queue['Id']}")
        return {"QueueSummaryList": shown, **token}

    async def search(self, call: Call) -> Mapping[str, object]:
        found = [
            each
            for each in self._plane.records(QueueRecord)
            if matches(call, each.tags, each.name, each.description, "STANDARD")
        ]
        shown, token = page(call, found, _key)
        return {"Queues": [self._shown(each) for each in shown], "ApproximateTotalCount": len(found), **token}

    async def update_name(self, call: Call) -> Mapping[str, object]:
        plane, name, description = self._plane, optional(call, "Name"), optional(call, "Description")
        async with plane.changing:
            record = self._queue(call)
            if name is not None:
                plane.check_name(record, "The queue", name)
            value = msgspec.structs.replace(record.value, name=record.name if name is None else name)
            kept = record.description if description is None else description
            await self._put(record, value=value, description=kept)
        return {}

    async def update_hours(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            record = self._queue(call)
            hours = self._hours(text(call, "HoursOfOperationId"))
            await self._put(record, value=msgspec.structs.replace(record.value, hours=hours))
        return {}

    async def update_capacity(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            record = self._queue(call)
            capacity = number(call, "MaxContacts")
            await self._put(record, value=msgspec.structs.replace(record.value, capacity=capacity))
        return {}

    async def update_status(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._put(self._queue(call), status=text(call, "Status"))
        return {}

    async def update_outbound(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            record = self._queue(call)
            await self._put(record, outbound=self._outbound(record.name, call))
        return {}

    async def delete(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            record = self._queue(call)
            for profile in self._plane.records(ProfileRecord):
                if any(entry.queue in (record.id, record.arn, record.name) for entry in profile.value.queues):
                    raise in_use("QUEUE", record.id, f"Routing profile {profile.name} has the queue.")
            await self._plane.put(removed=[record])
        return {}

    async def _put(self, record: QueueRecord, **changed: object) -> None:
        changes = {**changed, "modified_at": self._plane.clock.now()}
        await self._plane.put(msgspec.structs.replace(record, **changes))

    def _queue(self, call: Call) -> QueueRecord:
        return self._plane.find(QueueRecord, "The queue", text(call, "QueueId"))

    def _hours(self, reference: str) -> str:
        return self._plane.find(HoursRecord, "The hours of operation", reference).id

    def _outbound(self, queue: str, call: Call) -> Mapping[str, str]:
        """Raises CallerError for a number that is not claimed."""
        outbound = text_map(call.parameters.get("OutboundCallerConfig"))
        self._plane.warn_inert(f"queue {queue}", sorted({"OutboundCallerIdName", "OutboundFlowId"} & outbound.keys()))
        caller = outbound.get("OutboundCallerIdNumberId")
        if caller:
            self._plane.find(NumberRecord, "The phone number", caller)
        return outbound

    def _shown(self, record: QueueRecord) -> dict[str, object]:
        value = record.value
        members: dict[str, object] = {
            "Name": record.name,
            "QueueArn": record.arn,
            "QueueId": record.id,
            "Description": record.description or None,
            "OutboundCallerConfig": dict(record.outbound) or None,
            "HoursOfOperationId": None if value.hours is None else self._hours_id(value.hours),
            "MaxContacts": value.capacity,
            "Status": record.status,
            "Tags": dict(record.tags),
            "LastModifiedTime": record.modified_at,
            "LastModifiedRegion": self._plane.region,
        }
        return {name: member for name, member in members.items() if member is not None}

    def _hours_id(self, reference: str) -> str:
        """A project names hours as it likes."""
        known = {key: each.id for each in self._plane.records(HoursRecord) for key in (each.id, each.arn, each.name)}
        return known.get(reference, reference)


def _key(record: QueueRecord) -> str:
    return f"{record.name}\n{record.id}"

"""Quick connects: where agents transfer to.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateQuickConnect.html and its kin.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, optional, structure, tags, text, text_map
from callpark.flows.control.model import FlowRecord, QueueRecord
from callpark.flows.control.people import QuickConnectRecord, UserRecord
from callpark.flows.control.plane import ControlPlane, flow_of
from callpark.flows.control.refusals import invalid_parameter
from callpark.flows.declared import QuickConnect
from callpark.kernel.operations import Call, OperationTable

_MEMBERS = {"USER": "UserConfig", "QUEUE": "QueueConfig", "PHONE_NUMBER": "PhoneConfig", "FLOW": "FlowConfig"}


class QuickConnectOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateQuickConnect"): self.create,
            ("connect", "DescribeQuickConnect"): self.describe,
            ("connect", "ListQuickConnects"): self.list_connects,
            ("connect", "UpdateQuickConnectName"): self.update_name,
            ("connect", "UpdateQuickConnectConfig"): self.update_config,
            ("connect", "DeleteQuickConnect"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name = self._plane, text(call, "Name")
        async with plane.changing:
            most = plane.limits.instance_quick_connects
            plane.check_new(QuickConnectRecord, "The quick connect", name, most, "quick connects")
            id_ = plane.ids.uuid()
            value = QuickConnect(name=name, id=id_, arn=f"{plane.arn}/transfer-destination/{id_}")
            record = QuickConnectRecord(
                value=value, type="FLOW", description=text(call, "Description"), tags=tags(call)
            )
            await self._put(self._configured(record, call))
        return {"QuickConnectARN": value.arn, "QuickConnectId": id_}

    async def describe(self, call: Call) -> Mapping[str, object]:
        record = self._connect(call)
        return {
            "QuickConnect": {
                "QuickConnectARN": record.arn,
                "QuickConnectId": record.id,
                "Name": record.name,
                "Description": record.description,
                "QuickConnectConfig": {
                    "QuickConnectType": record.type,
                    _MEMBERS[record.type]: dict(record.config) or self._config(record.value),
                },
                "Tags": dict(record.tags),
                "LastModifiedTime": record.modified_at,
                "LastModifiedRegion": self._plane.region,
            }
        }

    async def list_connects(self, call: Call) -> Mapping[str, object]:
        types = items(call.parameters.get("QuickConnectTypes"))
        found = [each for each in self._plane.records(QuickConnectRecord) if not types or each.type in types]
        shown, token = page(call, found, lambda each: f"{each.name}\n{each.id}")
        members = [
            {
                "Id": each.id,
                "Arn": each.arn,
                "Name": each.name,
                "QuickConnectType": each.type,
                "LastModifiedTime": each.modified_at,
                "LastModifiedRegion": self._plane.region,
            }
            for each in shown
        ]
        return {"QuickConnectSummaryList": members, **token}

    async def update_name(self, call: Call) -> Mapping[str, object]:
        name, description = optional(call, "Name"), optional(call, "Description")
        async with self._plane.changing:
            record = self._connect(call)
            if name is not None:
                self._plane.check_name(record, "The quick connect", name)
                record = msgspec.structs.replace(record, value=msgspec.structs.replace(record.value, name=name))
            kept = record.description if description is None else description
            await self._put(msgspec.structs.replace(record, description=kept))
        return {}

    async def update_config(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._put(self._configured(self._connect(call), call))
        return {}

    async def delete(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._plane.put(removed=[self._connect(call)])
        return {}

    async def _put(self, record: QuickConnectRecord) -> None:
        await self._plane.put(msgspec.structs.replace(record, modified_at=self._plane.clock.now()))

    def _connect(self, call: Call) -> QuickConnectRecord:
        return self._plane.find(QuickConnectRecord, "The quick connect", text(call, "QuickConnectId"))

    def _configured(self, record: QuickConnectRecord, call: Call) -> QuickConnectRecord:
        """With the config of a call. Raises CallerError for what it names and is not there."""
        given = structure(call.parameters.get("QuickConnectConfig"))
        kind = str(given.get("QuickConnectType"))
        config = text_map(given.get(_MEMBERS[kind]))
        if not config or any(member in given for type_, member in _MEMBERS.items() if type_ != kind):
            raise invalid_parameter(f"A quick connect of type {kind} has a {_MEMBERS[kind]} and no other.")
        if "ContactFlowId" in config:
            flow: FlowRecord = flow_of(self._plane, config["ContactFlowId"], module=False)
            config["ContactFlowId"] = flow.id
        queue, agent = config.get("QueueId"), config.get("UserId")
        if queue is not None:
            queue = config["QueueId"] = self._plane.find(QueueRecord, "The queue", queue).id
        if agent is not None:
            agent = config["UserId"] = self._plane.find(UserRecord, "The user", agent).id
        if kind not in ("USER", "QUEUE"):
            self._plane.warn_inert(f"quick connect {record.name}", [f"its type {kind}"])
        value = msgspec.structs.replace(
            record.value, queue=queue, agent=agent, flow=config.get("ContactFlowId") if queue or agent else None
        )
        changed: Mapping[str, object] = {"value": value, "type": kind, "config": config}
        return msgspec.structs.replace(record, **changed)

    def _config(self, value: QuickConnect) -> dict[str, str]:
        """Of one that the project declares, by ids."""
        found: dict[str, str] = {}
        for queue in self._plane.records(QueueRecord):
            if value.queue in (queue.id, queue.arn, queue.name):
                found["QueueId"] = queue.id
        for user in self._plane.records(UserRecord):
            if value.agent in (user.id, user.arn, user.name):
                found["UserId"] = user.id
        for flow in self._plane.records(FlowRecord):
            if value.flow in (flow.id, flow.arn, flow.name):
                found["ContactFlowId"] = flow.id
        return found

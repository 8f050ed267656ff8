"""The statuses that agents can have, and what agents are doing now.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateAgentStatus.html and its kin,
https://docs.aws.amazon.com/connect/latest/APIReference/API_PutUserStatus.html,
https://docs.aws.amazon.com/connect/latest/APIReference/API_GetCurrentUserData.html
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from callpark.flows.agents.model import AgentContact, AgentView
from callpark.flows.agents.routing import CHANNELS
from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items as listed
from callpark.flows.api.parameters import number, optional, structure, tags, text
from callpark.flows.control.model import QueueRecord
from callpark.flows.control.people import BASIC, ProfileRecord, StatusRecord, UserRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_parameter, invalid_request, not_found, unsupported
from callpark.kernel.operations import Call, OperationTable

_FILTERS: Final = ("Queues", "RoutingProfiles", "Agents")


class AgentStatusOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateAgentStatus"): self.create,
            ("connect", "DescribeAgentStatus"): self.describe,
            ("connect", "ListAgentStatuses"): self.list_statuses,
            ("connect", "UpdateAgentStatus"): self.update,
            ("connect", "PutUserStatus"): self.put,
            ("connect", "DismissUserContact"): self.dismiss,
            ("connect", "GetCurrentUserData"): self.current,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name = self._plane, text(call, "Name")
        async with plane.changing:
            most = plane.limits.instance_agent_statuses
            plane.check_new(StatusRecord, "The agent status", name, most, "agent statuses")
            id_ = plane.ids.uuid()
            record = StatusRecord(
                id=id_,
                arn=f"{plane.arn}/agent-state/{id_}",
                name=name,
                description=text(call, "Description"),
                state="DISABLED" if text(call, "State") == "DISABLED" else "ENABLED",
                order=number(call, "DisplayOrder"),
                tags=tags(call),
                modified_at=plane.clock.now(),
            )
            await plane.put(record)
        return {"AgentStatusARN": record.arn, "AgentStatusId": id_}

    async def describe(self, call: Call) -> Mapping[str, object]:
        status = self._status(call)
        members: dict[str, object] = {
            "AgentStatusARN": status.arn,
            "AgentStatusId": status.id,
            "Name": status.name,
            "Description": status.description,
            "Type": status.type,
            "State": status.state,
            "Tags": dict(status.tags),
            "LastModifiedTime": status.modified_at,
            "LastModifiedRegion": self._plane.region,
        }
        return {"AgentStatus": members if status.order is None else {**members, "DisplayOrder": status.order}}

    async def list_statuses(self, call: Call) -> Mapping[str, object]:
        types = listed(call.parameters.get("AgentStatusTypes"))
        found = [each for each in self._plane.records(StatusRecord) if not types or each.type in types]
        shown, token = page(call, found, lambda each: f"{each.name}\n{each.id}")
        members = [
            {
                "Id": each.id,
                "Arn": each.arn,
                "Name": each.name,
                "Type": each.type,
                "LastModifiedTime": each.modified_at,
                "LastModifiedRegion": self._plane.region,
            }
            for each in shown
        ]
        return {"AgentStatusSummaryList": members, **token}

    async def update(self, call: Call) -> Mapping[str, object]:
        name, description, state = (optional(call, each) for each in ("Name", "Description", "State"))
        async with self._plane.changing:
            status = self._status(call)
            if status.type != "CUSTOM" and (name not in (None, status.name) or state == "DISABLED"):
                raise invalid_request(f"The status {status.name} cannot be renamed or disabled.")
            if name is not None:
                self._plane.check_name(status, "The agent status", name)
            order = None if call.parameters.get("ResetOrderNumber") is True else number(call, "DisplayOrder")
            changed = msgspec.structs.replace(
                status,
                name=status.name if name is None else name,
                description=status.description if description is None else description,
                state="DISABLED" if state == "DISABLED" else "ENABLED" if state == "ENABLED" else status.state,
                order=order if order is not None or call.parameters.get("ResetOrderNumber") else status.order,
                modified_at=self._plane.clock.now(),
            )
            await self._plane.put(changed)
        return {}

    async def put(self, call: Call) -> Mapping[str, object]:
        """At once, also while the agent has contacts; those stay."""
        user, status = self._user(call), self._status(call)
        if status.state == "DISABLED":
            raise invalid_request(f"The status {status.name} is disabled.")
        await self._floor()
        self._plane.flows.switchboard.floor.set_status(user.name, status.name)
        await self._plane.flows.agent_states.saved()
        return {}

    async def dismiss(self, call: Call) -> Mapping[str, object]:
        user, contact_id = self._user(call), text(call, "ContactId")
        await self._floor()
        if not self._plane.flows.switchboard.floor.clear(user.name, contact_id):
            known = self._plane.flows.switchboard.floor.view(user.name)
            if known is not None and any(each.contact_id == contact_id for each in known.contacts):
                raise invalid_request("Only contacts in state MISSED, ERROR, ENDED or REJECTED can be dismissed.")
            raise not_found("The contact", contact_id)
        await self._plane.flows.agent_states.saved()
        return {}

    async def current(self, call: Call) -> Mapping[str, object]:
        """Of the users that one of the filters names."""
        filters = structure(call.parameters.get("Filters"))
        users = self._filtered(filters)
        await self._floor()
        states = listed(structure(filters.get("ContactFilter")).get("ContactStates"))
        floor = self._plane.flows.switchboard.floor
        views = [(user, view) for user in users if (view := floor.view(user.name)) is not None]
        if states:
            views = [(user, view) for user, view in views if any(each.state in states for each in view.contacts)]
        shown, token = page(call, views, lambda pair: f"{pair[0].name}\n{pair[0].id}")
        data = [self._data(user, view) for user, view in shown]
        return {"UserDataList": data, "ApproximateTotalCount": len(views), **token}

    async def _floor(self) -> None:
        """Until the floor is here. Raises CallerError."""
        await self._plane.flows.switchboard.neighbours.floor()

    def _filtered(self, filters: Mapping[str, object]) -> list[UserRecord]:
        if filters.get("UserHierarchyGroups"):
            raise unsupported("user hierarchy groups")
        given = {name: [str(each).rsplit("/", 1)[-1] for each in listed(filters.get(name))] for name in _FILTERS}
        asked = [name for name in _FILTERS if given[name]]
        if len(asked) != 1:
            raise invalid_parameter(f"One of {', '.join(_FILTERS)} is needed as a filter.")
        users = self._plane.records(UserRecord)
        if asked == ["Agents"]:
            return [user for user in users if user.id in given["Agents"]]
        if asked == ["RoutingProfiles"]:
            return [user for user in users if self._profile(user)["Id"] in given["RoutingProfiles"]]
        queues = [self._plane.find(QueueRecord, "The queue", each) for each in given["Queues"]]
        staff = {each.agent.name: each for each in self._plane.flows.instance.resources.staff}
        arns = {queue.arn for queue in queues}
        return [user for user in users if any(entry.queue in arns for entry in staff[user.name].serves)]

    def _data(self, user: UserRecord, view: AgentView) -> dict[str, object]:
        statuses = {each.name: each for each in self._plane.records(StatusRecord)}
        room = {channel: self._plane.flows.switchboard.floor.room(user.name, channel) for channel in CHANNELS}
        return {
            "User": {"Id": user.id, "Arn": user.arn},
            "RoutingProfile": self._profile(user),
            "Status": {
                "StatusStartTimestamp": view.since or user.modified_at,
                "StatusArn": statuses[view.status].arn,
                "StatusName": view.status,
            },
            "AvailableSlotsByChannel": {channel: room[channel] for channel in view.most},
            "MaxSlotsByChannel": dict(view.most),
            "ActiveSlotsByChannel": {channel: view.load.get(channel, 0) for channel in view.most},
            "Contacts": [self._contact(each) for each in view.contacts],
        }

    def _contact(self, contact: AgentContact) -> dict[str, object]:
        queue = next((each for each in self._plane.records(QueueRecord) if each.name == contact.queue), None)
        members: dict[str, object] = {
            "ContactId": contact.contact_id,
            "Channel": contact.channel,
            "InitiationMethod": contact.initiation_method,
            "AgentContactState": contact.state,
            "StateStartTimestamp": contact.connected_at or contact.since,
            "ConnectedToAgentTimestamp": contact.connected_at,
            "Queue": None if queue is None else {"Id": queue.id, "Arn": queue.arn},
        }
        return {name: member for name, member in members.items() if member is not None}

    def _profile(self, user: UserRecord) -> dict[str, str]:
        wanted = user.value.routing_profile or BASIC
        for profile in self._plane.records(ProfileRecord):
            if wanted in (profile.id, profile.arn, profile.name):
                return {"Id": profile.id, "Arn": profile.arn}
        return {}

    def _user(self, call: Call) -> UserRecord:
        return self._plane.find(UserRecord, "The user", text(call, "UserId"))

    def _status(self, call: Call) -> StatusRecord:
        return self._plane.find(StatusRecord, "The agent status", text(call, "AgentStatusId"))

"""Who works in the instance: its agents as users, one routing profile for them all, AWS's security profiles. Only to be
read: agents are declared in `connect.yaml`.

https://docs.aws.amazon.com/connect/latest/APIReference/API_DescribeUser.html and its kin.
"""

from collections.abc import Mapping
from typing import Final

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import text
from callpark.flows.control.declaring import made_id
from callpark.flows.control.model import QueueRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import not_found
from callpark.kernel.operations import Call, OperationTable

ROUTING_PROFILE: Final = "Basic Routing Profile"
SECURITY_PROFILES: Final = ("Admin", "Agent", "CallCenterManager", "QualityAnalyst")


class UserOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "ListUsers"): self.list_users,
            ("connect", "DescribeUser"): self.describe_user,
            ("connect", "ListRoutingProfiles"): self.list_routing_profiles,
            ("connect", "DescribeRoutingProfile"): self.describe_routing_profile,
            ("connect", "ListRoutingProfileQueues"): self.list_routing_profile_queues,
            ("connect", "ListSecurityProfiles"): self.list_security_profiles,
        }

    async def list_users(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._plane.agents(), lambda agent: f"{agent.name}\n{agent.id}")
        members = [{"Id": agent.id, "Arn": agent.arn, "Username": agent.name} for agent in shown]
        return {"UserSummaryList": members, **token}

    async def describe_user(self, call: Call) -> Mapping[str, object]:
        reference = text(call, "UserId")
        for agent in self._plane.agents():
            if reference in (agent.id, agent.arn):
                identity = {"FirstName": agent.first_name, "LastName": agent.last_name}
                return {
                    "User": {
                        "Id": agent.id,
                        "Arn": agent.arn,
                        "Username": agent.name,
                        "IdentityInfo": identity,
                        "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AutoAccept": True, "AfterContactWorkTimeLimit": 0},
                        "SecurityProfileIds": [self._id("security-profile", "Agent")],
                        "RoutingProfileId": self._id("routing-profile", ROUTING_PROFILE),
                    }
                }
        raise not_found("The user", reference)

    async def list_routing_profiles(self, call: Call) -> Mapping[str, object]:
        return {"RoutingProfileSummaryList": [self._summary("routing-profile", ROUTING_PROFILE)]}

    async def describe_routing_profile(self, call: Call) -> Mapping[str, object]:
        self._need_routing_profile(call)
        queues = self._plane.records(QueueRecord)
        summary = self._summary("routing-profile", ROUTING_PROFILE)
        profile: dict[str, object] = {
            "InstanceId": self._plane.instance_id,
            "Name": ROUTING_PROFILE,
            "RoutingProfileArn": summary["Arn"],
            "RoutingProfileId": summary["Id"],
            "Description": "All queues, one contact at a time.",
            "MediaConcurrencies": [{"Channel": channel, "Concurrency": 1} for channel in ("VOICE", "CHAT", "TASK")],
            "NumberOfAssociatedQueues": len(queues),
            "NumberOfAssociatedUsers": len(self._plane.agents()),
            "IsDefault": True,
            "AssociatedQueueIds": [queue.id for queue in queues],
        }
        if queues:
            profile["DefaultOutboundQueueId"] = queues[0].id
        return {"RoutingProfile": profile}

    async def list_routing_profile_queues(self, call: Call) -> Mapping[str, object]:
        self._need_routing_profile(call)
        shown, token = page(call, self._plane.records(QueueRecord), lambda queue: f"{queue.name}\n{queue.id}")
        members = [
            {
                "QueueId": queue.id,
                "QueueArn": queue.arn,
                "QueueName": queue.name,
                "Priority": 1,
                "Delay": 0,
                "Channel": "VOICE",
            }
            for queue in shown
        ]
        return {"RoutingProfileQueueConfigSummaryList": members, **token}

    async def list_security_profiles(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, SECURITY_PROFILES, str)
        return {"SecurityProfileSummaryList": [self._summary("security-profile", name) for name in shown], **token}

    def _need_routing_profile(self, call: Call) -> None:
        reference = text(call, "RoutingProfileId")
        if reference.rsplit("/", 1)[-1] != self._id("routing-profile", ROUTING_PROFILE):
            raise not_found("The routing profile", reference)

    def _summary(self, kind: str, name: str) -> dict[str, object]:
        id_ = self._id(kind, name)
        return {"Id": id_, "Arn": f"{self._plane.arn}/{kind}/{id_}", "Name": name}

    def _id(self, kind: str, name: str) -> str:
        return made_id(self._plane.arn, kind, name)

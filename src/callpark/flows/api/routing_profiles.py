"""Routing profiles: which contacts agents take, in which order, how many at once.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateRoutingProfile.html and its kin.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, optional, structure, tags, text
from callpark.flows.api.searching import matches
from callpark.flows.control.model import QueueRecord
from callpark.flows.control.people import ProfileRecord, UserRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import in_use, invalid_parameter, invalid_request
from callpark.flows.declared import ProfileQueue, RoutingProfile
from callpark.kernel.operations import Call, OperationTable

_MOST: Final = {"VOICE": 1}
"""Other channels take what the service model allows."""

_INERT: Final = ("ManualAssignmentQueueConfigs", "AgentAvailabilityTimer")


class RoutingProfileOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateRoutingProfile"): self.create,
            ("connect", "DescribeRoutingProfile"): self.describe,
            ("connect", "ListRoutingProfiles"): self.list_profiles,
            ("connect", "SearchRoutingProfiles"): self.search,
            ("connect", "UpdateRoutingProfileName"): self.update_name,
            ("connect", "UpdateRoutingProfileConcurrency"): self.update_concurrency,
            ("connect", "UpdateRoutingProfileDefaultOutboundQueue"): self.update_outbound,
            ("connect", "UpdateRoutingProfileQueues"): self.update_queues,
            ("connect", "AssociateRoutingProfileQueues"): self.associate,
            ("connect", "DisassociateRoutingProfileQueues"): self.disassociate,
            ("connect", "ListRoutingProfileQueues"): self.list_queues,
            ("connect", "DeleteRoutingProfile"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name = self._plane, text(call, "Name")
        plane.warn_inert(f"routing profile {name}", sorted(call.parameters.keys() & set(_INERT)))
        async with plane.changing:
            most = plane.limits.instance_routing_profiles
            plane.check_new(ProfileRecord, "The routing profile", name, most, "routing profiles")
            id_ = plane.ids.uuid()
            value = RoutingProfile(
                name=name,
                id=id_,
                arn=f"{plane.arn}/routing-profile/{id_}",
                queues=self._entries(call),
            )
            record = ProfileRecord(
                value=msgspec.structs.replace(value, **self._concurrency(name, call)),
                description=text(call, "Description"),
                outbound=self._queue(text(call, "DefaultOutboundQueueId")).id,
                tags=tags(call),
            )
            await self._put(record)
        return {"RoutingProfileArn": value.arn, "RoutingProfileId": id_}

    async def describe(self, call: Call) -> Mapping[str, object]:
        return {"RoutingProfile": self._shown(self._profile(call))}

    async def list_profiles(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._plane.records(ProfileRecord), _key)
        members = [
            {
                "Id": profile.id,
                "Arn": profile.arn,
                "Name": profile.name,
                "LastModifiedTime": profile.modified_at,
                "LastModifiedRegion": self._plane.region,
            }
            for profile in shown
        ]
        return {"RoutingProfileSummaryList": members, **token}

    async def search(self, call: Call) -> Mapping[str, object]:
        found = [
            each for each in self._plane.records(ProfileRecord) if matches(call, each.tags, each.name, each.description)
        ]
        shown, token = page(call, found, _key)
        members = [self._shown(profile) for profile in shown]
        return {"RoutingProfiles": members, "ApproximateTotalCount": len(found), **token}

    async def update_name(self, call: Call) -> Mapping[str, object]:
        name, description = optional(call, "Name"), optional(call, "Description")
        async with self._plane.changing:
            profile = self._profile(call)
            if name is not None:
                self._plane.check_name(profile, "The routing profile", name)
                profile = _valued(profile, name=name)
            kept = profile.description if description is None else description
            await self._put(msgspec.structs.replace(profile, description=kept))
        return {}

    async def update_concurrency(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            profile = self._profile(call)
            await self._put(_valued(profile, **self._concurrency(profile.name, call)))
        return {}

    async def update_outbound(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            outbound = self._queue(text(call, "DefaultOutboundQueueId")).id
            await self._put(msgspec.structs.replace(self._profile(call), outbound=outbound))
        return {}

    async def update_queues(self, call: Call) -> Mapping[str, object]:
        """Priority and delay of queues that the profile has."""
        async with self._plane.changing:
            profile = self._of_queues(call)
            given = {(each.queue, each.channel): each for each in self._entries(call)}
            known = {(each.queue, each.channel) for each in profile.value.queues}
            if strange := next((key for key in given if key not in known), None):
                raise invalid_parameter(f"The routing profile does not have queue {strange[0]} for {strange[1]}.")
            queues = tuple(given.get((each.queue, each.channel), each) for each in profile.value.queues)
            await self._put(_valued(profile, queues=queues))
        return {}

    async def associate(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            profile = self._of_queues(call)
            self._plane.warn_inert(f"routing profile {profile.name}", sorted(call.parameters.keys() & set(_INERT)))
            given = {(each.queue, each.channel): each for each in self._entries(call)}
            queues = {**{(each.queue, each.channel): each for each in profile.value.queues}, **given}
            await self._put(_valued(profile, queues=tuple(queues.values())))
        return {}

    async def disassociate(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            profile = self._of_queues(call)
            gone = {self._reference(structure(each)) for each in items(call.parameters.get("QueueReferences"))}
            kept = tuple(each for each in profile.value.queues if (each.queue, each.channel) not in gone)
            await self._put(_valued(profile, queues=kept))
        return {}

    async def list_queues(self, call: Call) -> Mapping[str, object]:
        found = self._queues(self._profile(call))
        shown, token = page(call, found, lambda each: f"{each['QueueName']}\n{each['QueueId']}\n{each['Channel']}")
        return {"RoutingProfileQueueConfigSummaryList": shown, **token}

    async def delete(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            profile = self._profile(call)
            if profile.basic:
                raise invalid_request(f"{profile.name} cannot be deleted.")
            for user in self._users(profile):
                raise in_use("ROUTING_PROFILE", profile.id, f"User {user.name} has the routing profile.")
            await self._plane.put(removed=[profile])
        return {}

    async def _put(self, profile: ProfileRecord) -> None:
        await self._plane.put(msgspec.structs.replace(profile, modified_at=self._plane.clock.now()))

    def _profile(self, call: Call) -> ProfileRecord:
        return self._plane.find(ProfileRecord, "The routing profile", text(call, "RoutingProfileId"))

    def _of_queues(self, call: Call) -> ProfileRecord:
        """One whose queues can be changed. Raises CallerError."""
        profile = self._profile(call)
        if profile.basic:
            raise invalid_request(f"{profile.name} has all queues of the instance.")
        return profile

    def _queue(self, reference: str) -> QueueRecord:
        return self._plane.find(QueueRecord, "The queue", reference)

    def _reference(self, given: Mapping[str, object]) -> tuple[str, str]:
        return self._queue(str(given.get("QueueId"))).id, str(given.get("Channel"))

    def _entries(self, call: Call) -> tuple[ProfileQueue, ...]:
        found: dict[tuple[str, str], ProfileQueue] = {}
        for given in map(structure, items(call.parameters.get("QueueConfigs"))):
            queue, channel = self._reference(structure(given.get("QueueReference")))
            entry = {"queue": queue, "channel": channel, "priority": given["Priority"], "delay": given["Delay"]}
            if (queue, channel) in found:
                raise invalid_parameter(f"Queue {queue} is given twice for {channel}.")
            found[queue, channel] = msgspec.convert(entry, ProfileQueue)
        return tuple(found.values())

    def _concurrency(self, profile: str, call: Call) -> dict[str, object]:
        """Members of a RoutingProfile. Raises CallerError."""
        concurrency: dict[str, int] = {}
        shared: list[str] = []
        for given in map(structure, items(call.parameters.get("MediaConcurrencies"))):
            channel, most = str(given.get("Channel")), given.get("Concurrency")
            if given.get("WorkloadTypeConcurrencies"):
                self._plane.warn_inert(f"routing profile {profile}", ["WorkloadTypeConcurrencies"])
            if channel in concurrency:
                raise invalid_parameter(f"MediaConcurrencies has {channel} twice.")
            concurrency[channel] = most if isinstance(most, int) else 1
            if concurrency[channel] > _MOST.get(channel, concurrency[channel]):
                raise invalid_parameter(f"The concurrency of {channel} is {_MOST[channel]} at most.")
            behavior = structure(given.get("CrossChannelBehavior")).get("BehaviorType")
            if behavior == "ROUTE_ANY_CHANNEL":
                shared.append(channel)
        return {"concurrency": concurrency, "shared": tuple(shared)}

    def _users(self, profile: ProfileRecord) -> list[UserRecord]:
        keys = (profile.id, profile.arn, profile.name)
        every = self._plane.records(UserRecord)
        return [user for user in every if user.value.routing_profile in (*keys, *((None,) if profile.basic else ()))]

    def _queues(self, profile: ProfileRecord) -> list[dict[str, object]]:
        known = {key: each for each in self._plane.records(QueueRecord) for key in (each.id, each.arn, each.name)}
        entries: Sequence[ProfileQueue] = profile.value.queues
        if profile.basic:
            entries = [ProfileQueue(queue=queue.id) for queue in self._plane.records(QueueRecord)]
        return [
            {
                "QueueId": queue.id,
                "QueueArn": queue.arn,
                "QueueName": queue.name,
                "Priority": entry.priority,
                "Delay": int(entry.delay),
                "Channel": entry.channel or "VOICE",
            }
            for entry in entries
            if (queue := known.get(entry.queue)) is not None
        ]

    def _shown(self, profile: ProfileRecord) -> dict[str, object]:
        value, queues = profile.value, self._queues(profile)
        concurrency: Mapping[str, int] = {str(channel): most for channel, most in value.concurrency.items()}
        outbound = profile.outbound or next((str(queue["QueueId"]) for queue in queues), "")
        return {
            "InstanceId": self._plane.instance_id,
            "Name": profile.name,
            "RoutingProfileArn": profile.arn,
            "RoutingProfileId": profile.id,
            "Description": profile.description,
            "MediaConcurrencies": [
                {
                    "Channel": channel,
                    "Concurrency": most,
                    "CrossChannelBehavior": {
                        "BehaviorType": "ROUTE_ANY_CHANNEL" if channel in value.shared else "ROUTE_CURRENT_CHANNEL_ONLY"
                    },
                }
                for channel, most in (concurrency or {"VOICE": 1, "CHAT": 1, "TASK": 1}).items()
            ],
            **({"DefaultOutboundQueueId": outbound} if outbound else {}),
            "Tags": dict(profile.tags),
            "NumberOfAssociatedQueues": len(queues),
            "NumberOfAssociatedUsers": len(self._users(profile)),
            "LastModifiedTime": profile.modified_at,
            "LastModifiedRegion": self._plane.region,
            "IsDefault": profile.basic,
            "AssociatedQueueIds": sorted({str(queue["QueueId"]) for queue in queues}),
        }


def _valued(profile: ProfileRecord, **members: object) -> ProfileRecord:
    return msgspec.structs.replace(profile, value=msgspec.structs.replace(profile.value, **members))


def _key(profile: ProfileRecord) -> str:
    return f"{profile.name}\n{profile.id}"

"""Users: the agents of the instance, and AWS's security profiles, which are only to be read.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateUser.html and its kin.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, structure, tags, text, text_map, texts
from callpark.flows.api.searching import matches
from callpark.flows.control.declaring import made_id
from callpark.flows.control.people import BASIC, SECURITY_PROFILES, ProfileRecord, UserRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_parameter, not_found
from callpark.flows.declared import Agent
from callpark.kernel.operations import Call, OperationTable

_CONFIGS: Final = ("PhoneNumberConfigs", "PersistentConnectionConfigs", "VoiceEnhancementConfigs", "HierarchyGroupId")
_BY_CHANNEL: Final = ("AutoAcceptConfigs", "AfterContactWorkConfigs")
_NAMES: Final = ("FirstName", "LastName")


class UserOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateUser"): self.create,
            ("connect", "DescribeUser"): self.describe,
            ("connect", "ListUsers"): self.list_users,
            ("connect", "SearchUsers"): self.search,
            ("connect", "UpdateUserIdentityInfo"): self.update_identity,
            ("connect", "UpdateUserPhoneConfig"): self.update_phone,
            ("connect", "UpdateUserRoutingProfile"): self.update_routing_profile,
            ("connect", "UpdateUserSecurityProfiles"): self.update_security_profiles,
            ("connect", "DeleteUser"): self.delete,
            ("connect", "ListSecurityProfiles"): self.list_security_profiles,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        """Offline until somebody sets a status. Passwords are for nobody: there is no login."""
        plane, name = self._plane, text(call, "Username")
        plane.warn_inert(f"user {name}", sorted(call.parameters.keys() & set(_CONFIGS)))
        async with plane.changing:
            plane.check_new(UserRecord, "The user", name, plane.limits.instance_users, "users")
            id_ = plane.ids.uuid()
            value = Agent(
                name=name,
                id=id_,
                arn=f"{plane.arn}/agent/{id_}",
                status="offline",
                routing_profile=self._profile(text(call, "RoutingProfileId")),
            )
            record = UserRecord(value=value, security_profiles=self._security(call), tags=tags(call))
            record = self._identified(record, call)
            record = self._phoned(record, call)
            await self._put(record)
        return {"UserId": id_, "UserArn": value.arn}

    async def describe(self, call: Call) -> Mapping[str, object]:
        return {"User": self._shown(self._user(call))}

    async def list_users(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._plane.records(UserRecord), _key)
        members = [
            {
                "Id": user.id,
                "Arn": user.arn,
                "Username": user.name,
                "LastModifiedTime": user.modified_at,
                "LastModifiedRegion": self._plane.region,
            }
            for user in shown
        ]
        return {"UserSummaryList": members, **token}

    async def search(self, call: Call) -> Mapping[str, object]:
        """By name and tags. Conditions on hierarchy groups and proficiencies find nobody: there are none."""
        found = [user for user in self._plane.records(UserRecord) if matches(call, user.tags, user.name, "", "USER")]
        shown, token = page(call, found, _key)
        return {"Users": [self._shown(user) for user in shown], "ApproximateTotalCount": len(found), **token}

    async def update_identity(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._put(self._identified(self._user(call), call))
        return {}

    async def update_phone(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._put(self._phoned(self._user(call), call))
        return {}

    async def update_routing_profile(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            profile = self._profile(text(call, "RoutingProfileId"))
            await self._put(_valued(self._user(call), routing_profile=profile))
        return {}

    async def update_security_profiles(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            user = msgspec.structs.replace(self._user(call), security_profiles=self._security(call))
            await self._put(user)
        return {}

    async def delete(self, call: Call) -> Mapping[str, object]:
        """Contacts that the agent has stay with them until they end."""
        async with self._plane.changing:
            user = self._user(call)
            await self._plane.put(removed=[user])
            await self._plane.flows.switchboard.neighbours.floor()
            self._plane.flows.switchboard.floor.forget_agent(user.name)
        return {}

    async def list_security_profiles(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, SECURITY_PROFILES, str)
        members = [
            {"Id": id_, "Arn": f"{self._plane.arn}/security-profile/{id_}", "Name": name}
            for name in shown
            for id_ in (self._security_id(name),)
        ]
        return {"SecurityProfileSummaryList": members, **token}

    async def _put(self, user: UserRecord) -> None:
        await self._plane.put(msgspec.structs.replace(user, modified_at=self._plane.clock.now()))

    def _user(self, call: Call) -> UserRecord:
        return self._plane.find(UserRecord, "The user", text(call, "UserId"))

    def _profile(self, reference: str) -> str:
        return self._plane.find(ProfileRecord, "The routing profile", reference).id

    def _security(self, call: Call) -> tuple[str, ...]:
        known = {self._security_id(name) for name in SECURITY_PROFILES}
        asked = texts(call, "SecurityProfileIds")
        for reference in asked:
            if reference.rsplit("/", 1)[-1] not in known:
                raise not_found("The security profile", reference)
        return tuple(reference.rsplit("/", 1)[-1] for reference in asked)

    def _security_id(self, name: str) -> str:
        return made_id(self._plane.arn, "security-profile", name)

    def _identified(self, user: UserRecord, call: Call) -> UserRecord:
        """With the IdentityInfo of a call: first and last name are read by flows."""
        given = text_map(call.parameters.get("IdentityInfo"))
        value = msgspec.structs.replace(
            user.value, first_name=given.get("FirstName", ""), last_name=given.get("LastName", "")
        )
        rest = {name: member for name, member in given.items() if name not in _NAMES}
        self._plane.warn_inert(f"user {user.name}", sorted(rest))
        return msgspec.structs.replace(user, value=value, identity=rest)

    def _phoned(self, user: UserRecord, call: Call) -> UserRecord:
        """With the PhoneConfig of a call, or what the newer members say of voice."""
        config = dict(structure(call.parameters.get("PhoneConfig")))
        for name in _BY_CHANNEL:
            for each in map(structure, items(call.parameters.get(name))):
                if each.get("Channel") == "VOICE":
                    config |= {"AutoAccept": each["AutoAccept"]} if "AutoAccept" in each else {}
                    config |= structure(each.get("AfterContactWorkConfig"))
                else:
                    self._plane.warn_inert(f"user {user.name}", [f"{name} of {each.get('Channel')}"])
        if config.get("PhoneType") == "DESK_PHONE" and not config.get("DeskPhoneNumber"):
            raise invalid_parameter("A DESK_PHONE needs a DeskPhoneNumber.")
        seconds = config.get("AfterContactWorkTimeLimit")
        value = msgspec.structs.replace(
            user.value,
            auto_accept=config.get("AutoAccept") is True,
            after_work=float(seconds) if isinstance(seconds, int) else 0.0,
        )
        phone = {name: str(config[name]) for name in ("PhoneType", "DeskPhoneNumber") if config.get(name)}
        return msgspec.structs.replace(user, value=value, phone=phone)

    def _shown(self, user: UserRecord) -> dict[str, object]:
        value = user.value
        names = dict(zip(_NAMES, (value.first_name, value.last_name), strict=True))
        phone: dict[str, object] = {
            "PhoneType": "SOFT_PHONE",
            **user.phone,
            "AutoAccept": value.auto_accept or value.answers_after is not None,
            "AfterContactWorkTimeLimit": int(value.after_work),
        }
        return {
            "Id": user.id,
            "Arn": user.arn,
            "Username": user.name,
            "IdentityInfo": {**names, **user.identity},
            "PhoneConfig": phone,
            "SecurityProfileIds": list(user.security_profiles),
            "RoutingProfileId": self._profile_id(value.routing_profile),
            "Tags": dict(user.tags),
            "LastModifiedTime": user.modified_at,
            "LastModifiedRegion": self._plane.region,
        }

    def _profile_id(self, reference: str | None) -> str:
        """A project names profiles as it likes; who has none is shown with the one that every instance has."""
        wanted = reference or BASIC
        for profile in self._plane.records(ProfileRecord):
            if wanted in (profile.id, profile.arn, profile.name):
                return profile.id
        return made_id(self._plane.arn, "routing-profile", BASIC)


def _valued(user: UserRecord, **members: object) -> UserRecord:
    return msgspec.structs.replace(user, value=msgspec.structs.replace(user.value, **members))


def _key(user: UserRecord) -> str:
    return f"{user.name}\n{user.id}"

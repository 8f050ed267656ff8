"""Who works in an instance, as the API sees it: users, routing profiles, agent statuses, quick connects.

Records like those of `model.py`, which lists them all. Values are those of `declared.py`; references are ids here.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from callpark.flows.declared import Agent, QuickConnect, RoutingProfile

BASIC: Final = "Basic Routing Profile"
"""What every instance has: all queues, one contact at a time."""

SECURITY_PROFILES: Final = ("Admin", "Agent", "CallCenterManager", "QualityAnalyst")


class UserRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="user"):
    """`identity`, `phone`: members of IdentityInfo and PhoneConfig that have no effect."""

    value: Agent
    security_profiles: tuple[str, ...] = ()
    identity: Mapping[str, str] = {}
    phone: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    modified_at: float = 0.0
    declared: bool = False

    @property
    def kind(self) -> str:
        return "agent"

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def arn(self) -> str:
        return self.value.arn

    @property
    def name(self) -> str:
        return self.value.name


class ProfileRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="routing-profile"
):
    """A routing profile. `basic`: its queues are all there are. `outbound`: the default outbound queue, which has no
    effect."""

    value: RoutingProfile
    description: str = ""
    outbound: str = ""
    basic: bool = False
    tags: Mapping[str, str] = {}
    modified_at: float = 0.0
    declared: bool = False

    @property
    def kind(self) -> str:
        return "routing-profile"

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def arn(self) -> str:
        return self.value.arn

    @property
    def name(self) -> str:
        return self.value.name


class StatusRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="agent-status"
):
    id: str
    arn: str
    name: str
    type: Literal["ROUTABLE", "CUSTOM", "OFFLINE"] = "CUSTOM"
    description: str = ""
    state: Literal["ENABLED", "DISABLED"] = "ENABLED"
    order: int | None = None
    tags: Mapping[str, str] = {}
    modified_at: float = 0.0
    declared: bool = False

    @property
    def kind(self) -> str:
        return "agent-state"


class QuickConnectRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="quick-connect"
):
    """`config`: as the API gave it, of the kinds that lead nowhere here (phone numbers, flows alone)."""

    value: QuickConnect
    type: Literal["USER", "QUEUE", "PHONE_NUMBER", "FLOW"]
    config: Mapping[str, str] = {}
    description: str = ""
    tags: Mapping[str, str] = {}
    modified_at: float = 0.0
    declared: bool = False

    @property
    def kind(self) -> str:
        return "transfer-destination"

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def arn(self) -> str:
        return self.value.arn

    @property
    def name(self) -> str:
        return self.value.name

"""Who works in an instance, as the API sees it: users, routing profiles, agent statuses, quick connects.

Records like those of `model.py`, which lists them all. Values are those of `declared.py`; references are ids here.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from callpark.flows.control.kept import Kept, KeptValue
from callpark.flows.declared import Agent, QuickConnect, RoutingProfile

BASIC: Final = "Basic Routing Profile"
"""What every instance has: all queues, one contact at a time."""

SECURITY_PROFILES: Final = ("Admin", "Agent", "CallCenterManager", "QualityAnalyst")


class UserRecord(KeptValue[Agent], frozen=True, kw_only=True, tag="user"):
    """`identity`, `phone`: members of IdentityInfo and PhoneConfig that have no effect."""

    kind: ClassVar[str] = "agent"

    security_profiles: tuple[str, ...] = ()
    identity: Mapping[str, str] = {}
    phone: Mapping[str, str] = {}


class ProfileRecord(KeptValue[RoutingProfile], frozen=True, kw_only=True, tag="routing-profile"):
    """A routing profile. `basic`: its queues are all there are. `outbound`: the default outbound queue, which has no
    effect."""

    kind: ClassVar[str] = "routing-profile"

    description: str = ""
    outbound: str = ""
    basic: bool = False


class StatusRecord(Kept, frozen=True, kw_only=True, tag="agent-status"):
    kind: ClassVar[str] = "agent-state"

    id: str
    arn: str
    name: str
    type: Literal["ROUTABLE", "CUSTOM", "OFFLINE"] = "CUSTOM"
    description: str = ""
    state: Literal["ENABLED", "DISABLED"] = "ENABLED"
    order: int | None = None


class QuickConnectRecord(KeptValue[QuickConnect], frozen=True, kw_only=True, tag="quick-connect"):
    """`config`: as the API gave it, of the kinds that lead nowhere here (phone numbers, flows alone)."""

    kind: ClassVar[str] = "transfer-destination"

    type: Literal["USER", "QUEUE", "PHONE_NUMBER", "FLOW"]
    config: Mapping[str, str] = {}
    description: str = ""

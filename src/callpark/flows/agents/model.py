"""What is kept of an agent, and how an agent sees a contact.

`AgentState` is a row of the store: statuses and what is not cleared survive a restart. Who has which contact is part of
the contacts (`contact.Desk`). Instants are epoch seconds.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from callpark.flows.agents.routing import StatusType

TABLE: Final = "connect/agents"

Ending: TypeAlias = Literal["missed", "rejected", "ended"]
"""ended: after contact work."""

AgentContactState: TypeAlias = Literal["CONNECTING", "CONNECTED", "CONNECTED_ONHOLD", "MISSED", "REJECTED", "ENDED"]
"""https://docs.aws.amazon.com/connect/latest/APIReference/API_AgentContactReference.html"""


class Uncleared(msgspec.Struct, frozen=True, omit_defaults=True):
    """A contact that the agent does not have any more, and that takes up its place until it is cleared, or `until`."""

    contact_id: str
    channel: str
    how: Ending
    since: float
    until: float | None = None
    queue: str = ""


class AgentState(msgspec.Struct, frozen=True, omit_defaults=True):
    """`status` by name; "": as declared, nobody has set one."""

    name: str
    status: str = ""
    since: float = 0.0
    uncleared: tuple[Uncleared, ...] = ()


class AgentContact(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A contact as its agent sees it. `since`: when it came to be so."""

    contact_id: str
    state: AgentContactState
    channel: str
    queue: str
    since: float
    queue_arn: str = ""
    initiation_method: str = "INBOUND"
    connected_at: float | None = None


class AgentView(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An agent now. `since`: when they got the status. `played`: somebody is at their desk.
    `most`, `load`: contacts that they can have and have, by channel."""

    name: str
    arn: str
    status: str
    status_type: StatusType
    since: float
    contacts: tuple[AgentContact, ...] = ()
    played: bool = False
    most: Mapping[str, int] = {}
    load: Mapping[str, int] = {}


_decoder: Final = msgspec.json.Decoder(AgentState)


def to_row(state: AgentState) -> bytes:
    return msgspec.json.encode(state)


def from_row(data: bytes) -> AgentState:
    """Raises msgspec.ValidationError (a ValueError)."""
    return _decoder.decode(data)

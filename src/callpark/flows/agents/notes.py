"""What an agent's panel is told: one value a thing that happens, JSON on the wire (`api/agent_socket.py`). Instants are
epoch seconds; `type` says which.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from callpark.flows.agents.model import AgentView


class Seated(msgspec.Struct, frozen=True, tag="seated", rename="camel"):
    """Somebody plays the agent now; contacts that the agent has already are among `agent.contacts`."""

    agent: AgentView
    at: float


class Offered(msgspec.Struct, frozen=True, tag="offered", rename="camel"):
    """A contact rings, for so many seconds."""

    contact_id: str
    at: float
    seconds: float
    channel: str
    queue: str
    customer: str | None = None
    attributes: Mapping[str, str] = {}


class OfferOver(msgspec.Struct, frozen=True, tag="offer_over", rename="camel"):
    """`outcome`: accepted, missed, rejected, withdrawn (the contact has left its queue, or its customer has)."""

    contact_id: str
    at: float
    outcome: str


class Connected(msgspec.Struct, frozen=True, tag="connected", rename="camel"):
    """The agent talks with the customer. `participant_token`: of a chat, for a chat client of the agent's own."""

    contact_id: str
    at: float
    participant_token: str = ""


class Held(msgspec.Struct, frozen=True, tag="held", rename="camel"):
    contact_id: str
    at: float


class Resumed(msgspec.Struct, frozen=True, tag="resumed", rename="camel"):
    contact_id: str
    at: float


class Transferring(msgspec.Struct, frozen=True, tag="transferring", rename="camel"):
    """A transfer flow runs; the agent is still there."""

    contact_id: str
    at: float


class Heard(msgspec.Struct, frozen=True, tag="heard", rename="camel"):
    """`who`: customer, system (a flow's message in a chat), whisper or hold (a flow's prompt for the agent)."""

    contact_id: str
    at: float
    who: str
    text: str


class Left(msgspec.Struct, frozen=True, tag="left", rename="camel"):
    """The agent does not have the contact any more. `why`: transferred, left, or the contact's disconnect reason. It
    takes up a place until it is cleared."""

    contact_id: str
    at: float
    why: str


class StatusSet(msgspec.Struct, frozen=True, tag="status", rename="camel"):
    status: str
    at: float


class Refused(msgspec.Struct, frozen=True, tag="refused", rename="camel"):
    """What was asked for cannot be done."""

    cause: str
    remedy: str


class Done(msgspec.Struct, frozen=True, tag="done", rename="camel"):
    """What was asked for is done, and durable. `number`: which request, counted from 1."""

    number: int


Note: TypeAlias = (
    Seated | Offered | OfferOver | Connected | Held | Resumed | Transferring | Heard | Left | StatusSet | Refused | Done
)

"""A contact as others see it: a line of a list, and Connect's contact record (CTR). Pure.

Called by `service.py` and `api/contacts.py` with a contact and its story. Names of the record are AWS's; instants are
ISO 8601 as in its JSON, durations whole seconds. What Connect has and callpark does not (recordings, hierarchy groups,
…) is left out.

https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from callpark.flows.contact import Contact
from callpark.flows.happenings import StageEntered
from callpark.flows.logs import timestamp
from callpark.flows.namespaces import segment_attributes
from callpark.flows.turn import BEGINNING, CONNECTION
from callpark.kernel.arn import Arn
from callpark.kernel.trace import Entry

FORMAT_VERSION: Final = "2017-03-10"

STATES: Final = ("scheduled", "in-flow", "waiting", "queued", "connected", "ended")
"""`connected` to an agent, or held by one; `waiting`: in a Wait block."""


class ContactLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a list says of a contact. Instants in epoch seconds; `flow` is the one it began in."""

    contact_id: str
    state: str
    channel: str
    initiation_method: str
    flow: str
    initiated_at: float
    customer: str | None = None
    system: str | None = None
    ended_at: float | None = None
    disconnect_reason: str | None = None
    detail: str = ""
    queue: str | None = None
    agent: str | None = None
    functions: int = 0


def state_of(contact: Contact) -> str:
    """One of STATES."""
    if contact.ended is not None:
        return "ended"
    if contact.due(BEGINNING) is not None or contact.due(CONNECTION) is not None:
        return "scheduled"
    if contact.desk is not None:
        return "queued" if contact.desk.stage == "queued" else "connected"
    return "in-flow" if contact.wait is None else "waiting"


def line(contact: Contact, flow_name: Callable[[str], str]) -> ContactLine:
    """`flow_name` gives the name of a flow's ARN."""
    party, desk, ended = contact.party, contact.desk, contact.ended
    return ContactLine(
        contact_id=contact.id,
        state=state_of(contact),
        channel=party.channel,
        initiation_method=party.initiation_method,
        flow=flow_name(party.flow_arn or contact.flow_arn),
        initiated_at=party.started_at,
        customer=party.caller,
        system=party.number,
        ended_at=None if ended is None else contact.ended_at,
        disconnect_reason=None if ended is None else ended.reason,
        detail="" if ended is None else ended.detail,
        queue=None if desk is None else desk.target.name,
        agent=None if desk is None else desk.agent,
        functions=contact.functions_started,
    )


def contact_record(contact: Contact, story: Iterable[Entry]) -> Mapping[str, object]:
    """The contact record, of an open contact as far as it has come. Members without a value are left out."""
    party, record = contact.party, contact.memory.record
    desks = _desk_times(contact, story)
    ended_at = None if contact.ended is None else contact.ended_at
    instance = Arn.parse(party.instance_arn)
    members: dict[str, object] = {
        "AWSAccountId": None if instance is None else instance.account,
        "AWSContactTraceRecordFormatVersion": FORMAT_VERSION,
        "ContactId": contact.id,
        "InitialContactId": party.initial_contact_id,
        "PreviousContactId": party.initial_contact_id,
        "RelatedContactId": party.related_contact_id,
        "InstanceARN": party.instance_arn,
        "Channel": party.channel,
        "InitiationMethod": party.initiation_method,
        "InitiationTimestamp": _instant(party.started_at),
        "ConnectedToSystemTimestamp": None if state_of(contact) == "scheduled" else _instant(party.started_at),
        "DisconnectTimestamp": _instant(ended_at),
        "DisconnectReason": None if contact.ended is None else contact.ended.reason,
        "LastUpdateTimestamp": _instant(ended_at),
        "CustomerEndpoint": _endpoint(party.caller),
        "SystemEndpoint": _endpoint(party.number),
        "CustomerId": record.customer_id,
        "Queue": desks.queue(),
        "Agent": desks.agent(),
        "ContactDetails": _given({"Name": record.name, "Description": record.description}),
        "References": [{"Name": name, **reference} for name, reference in record.references.items()],
        "SegmentAttributes": {
            name: {"ValueString": value} for name, value in segment_attributes(party).items() if value is not None
        },
        "Tags": record.tags,
    }
    return {**_given(members), "Attributes": contact.memory.attributes}


def _given(members: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in members.items() if value not in (None, "", {}, [])}


@dataclass(slots=True)
class _DeskTimes:
    """What the stages of a contact say about its queue and its agent, the last of each. Instants in epoch seconds."""

    contact: Contact
    enqueued: float | None = None
    dequeued: float | None = None
    connected: float | None = None
    left: float | None = None
    holds: tuple[tuple[float, float], ...] = ()

    def queue(self) -> Mapping[str, object] | None:
        desk = self.contact.desk
        if desk is None or self.enqueued is None:
            return None
        duration = None if self.dequeued is None else round(self.dequeued - self.enqueued)
        return _given(
            {
                "ARN": desk.target.arn,
                "Name": desk.target.name,
                "EnqueueTimestamp": _instant(self.enqueued),
                "DequeueTimestamp": _instant(self.dequeued),
                "Duration": duration,
            }
        )

    def agent(self) -> Mapping[str, object] | None:
        desk = self.contact.desk
        if desk is None or desk.agent is None:
            return None
        held = [end - start for start, end in self.holds]
        talked = None if self.connected is None or self.left is None else self.left - self.connected - sum(held)
        agent = self.contact.memory.found.get("Agent")
        return _given(
            {
                "ARN": agent.get("ARN") if isinstance(agent, dict) else None,
                "Username": desk.agent,
                "ConnectedToAgentTimestamp": _instant(self.connected),
                "AgentInteractionDuration": None if talked is None else round(talked),
                "CustomerHoldDuration": round(sum(held)),
                "LongestHoldDuration": round(max(held, default=0)),
                "NumberOfHolds": len(held),
                **self._after_work(desk.worked_until),
            }
        )

    def _after_work(self, until: float) -> Mapping[str, object]:
        """Work after the contact, once it is done."""
        if not until or self.left is None:
            return {}
        return {
            "AfterContactWorkStartTimestamp": _instant(self.left),
            "AfterContactWorkEndTimestamp": _instant(until),
            "AfterContactWorkDuration": round(until - self.left),
        }


def _desk_times(contact: Contact, story: Iterable[Entry]) -> _DeskTimes:
    times = _DeskTimes(contact)
    stage, since = "", 0.0
    stages = [(entry.at, entry.happening) for entry in story if isinstance(entry.happening, StageEntered)]
    over = [(contact.ended_at, None)] if contact.ended is not None else []
    for at, entered in [*stages, *over]:
        if stage == "queued":
            times.dequeued = at
        elif stage == "customer_hold":
            times.holds = (*times.holds, (since, at))
        following = "" if entered is None else entered.stage
        if following == "queued":
            times = _DeskTimes(contact, enqueued=at)
        elif following == "connected" and times.connected is None:
            times.connected = at
        elif following in ("remaining", "") and times.connected is not None and times.left is None:
            times.left = at
        stage, since = following, at
    return times


def _endpoint(address: str | None) -> Mapping[str, str] | None:
    return None if address is None else {"Address": address, "Type": "TELEPHONE_NUMBER"}


def _instant(at: float | None) -> str | None:
    return None if at is None else timestamp(at)

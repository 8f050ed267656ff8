"""SearchContacts, over open contacts and those that have ended and are kept.

https://docs.aws.amazon.com/connect/latest/APIReference/API_SearchContacts.html
"""

from collections.abc import Callable, Mapping
from typing import Final

from callpark.flows.api.contact_operations import described
from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, structure
from callpark.flows.calls import Wanted
from callpark.flows.contact import Contact
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_parameter, unsupported
from callpark.flows.everywhere import Everywhere
from callpark.flows.turn import BEGINNING
from callpark.kernel.operations import Call, OperationTable

#: Members of DescribeContact's answer that a search shows.
_SHOWN: Final = (
    *("Arn", "Id", "InitialContactId", "PreviousContactId", "InitiationMethod", "Channel", "QueueInfo", "AgentInfo"),
    *("InitiationTimestamp", "DisconnectTimestamp", "ScheduledTimestamp", "SegmentAttributes", "Name", "Tags"),
)
_FOREVER: Final = 1e12

Instant = Callable[[Contact], float | None]
_TIMES: Final[Mapping[str, Instant]] = {
    "INITIATION_TIMESTAMP": lambda contact: contact.party.started_at,
    "DISCONNECT_TIMESTAMP": lambda contact: contact.ended_at or None,
    "SCHEDULED_TIMESTAMP": lambda contact: contact.due(BEGINNING),
    "ENQUEUE_TIMESTAMP": lambda contact: None if contact.desk is None else contact.desk.since,
}


class SearchContactOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._everywhere = Everywhere(plane.flows)

    def table(self) -> OperationTable:
        return {("connect", "SearchContacts"): self.search}

    async def search(self, call: Call) -> Mapping[str, object]:
        wanted = structure(call.parameters.get("TimeRange"))
        time = _time(str(wanted.get("Type")))
        start, end = wanted.get("StartTime"), wanted.get("EndTime")
        if not isinstance(start, int | float) or not isinstance(end, int | float) or end < start:
            raise invalid_parameter("TimeRange begins before it ends.")
        criteria = structure(call.parameters.get("SearchCriteria"))
        unknown = sorted(criteria.keys() - _CRITERIA.keys())
        if unknown:
            raise unsupported(f"SearchContacts by {unknown[0]}")
        found = [
            contact
            for contact in await self._everywhere.find(Wanted())
            if (at := time(contact)) is not None
            and start <= at <= end
            and all(_CRITERIA[name](contact, value) for name, value in criteria.items())
        ]
        sort = structure(call.parameters.get("Sort"))
        field = str(sort.get("FieldName") or "INITIATION_TIMESTAMP")
        shown, token = page(call, found, _order(field, ascending=sort.get("Order") == "ASCENDING"))
        contacts = [
            {name: member for name, member in described(contact).items() if name in _SHOWN} for contact in shown
        ]
        return {"Contacts": contacts, "TotalCount": len(found), **token}


def _time(name: str) -> Instant:
    if name not in _TIMES:
        raise unsupported(f"SearchContacts by {name}")
    return _TIMES[name]


def _order(field: str, *, ascending: bool) -> Callable[[Contact], str]:
    """Keys that sort contacts by a time, first or last first."""
    time = _time(field)

    def key(contact: Contact) -> str:
        at = time(contact) or 0.0
        return f"{at if ascending else _FOREVER - at:024.6f}\n{contact.id}"

    return key


def _one_of(value: Callable[[Contact], str | None]) -> Callable[[Contact, object], bool]:
    return lambda contact, asked: not items(asked) or value(contact) in items(asked)


def _queue(contact: Contact) -> str | None:
    return None if contact.desk is None else contact.desk.target.arn.rsplit("/", 1)[-1]


def _matching(found: list[bool], how: object) -> bool:
    """MATCH_ALL, MATCH_NONE, otherwise any of them."""
    if how == "MATCH_NONE":
        return not any(found)
    return all(found) if how == "MATCH_ALL" else any(found) or not found


def _named(contact: Contact, asked: object) -> bool:
    """Words of the name in any case; MATCH_EXACT: the whole of it."""
    criterion, name = structure(asked), (contact.memory.record.name or "").lower()
    words = [str(word).lower() for word in items(criterion.get("SearchText"))]
    exact = criterion.get("MatchType") == "MATCH_EXACT"
    return _matching([name == word if exact else word in name for word in words], criterion.get("MatchType"))


def _attributes(contact: Contact, asked: object) -> bool:
    criterion = structure(asked)
    found = [
        contact.memory.attributes.get(str(one.get("Key"))) in items(one.get("Values"))
        for one in (structure(each) for each in items(criterion.get("Criteria")))
    ]
    return _matching(found, criterion.get("MatchType"))


_CRITERIA: Final[Mapping[str, Callable[[Contact, object], bool]]] = {
    "Channels": _one_of(lambda contact: contact.party.channel),
    "InitiationMethods": _one_of(lambda contact: contact.party.initiation_method),
    "QueueIds": _one_of(_queue),
    "Name": _named,
    "SearchableContactAttributes": _attributes,
}

"""`/_callpark/contacts`: callpark's own HTTP interface to contacts, mounted by the gateway for the CLI.

GET /_callpark/contacts?state=&flow=&since=&limit=   {"contacts": [newest first …], "total"}; since: seconds back
GET /_callpark/contacts/<contact id>                 {"contact", "record", "flows", "timeline", "seconds",
                                                     "secondsOfSilence", "log", "complete"}

`record` is Connect's contact record; `complete` is false when the story got too long (`connect.story_bytes`); `log`
says where the flow log is, null when the flow did not turn it on.
"""

import heapq
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import msgspec

from callpark.flows.calls import Wanted
from callpark.flows.contact import Contact
from callpark.flows.contact_record import STATES, contact_record, line
from callpark.flows.everywhere import Everywhere
from callpark.flows.happenings import FlowEntered
from callpark.flows.logs import log_group
from callpark.flows.service import Flows
from callpark.flows.timeline import timeline
from callpark.kernel.asgi import Receive, Scope, Send, path, respond
from callpark.kernel.limits import ConnectLimits

PATH = "/_callpark/contacts"
_LISTED = 100
_MOST = 1_000


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class ContactsPage:
    """An ASGI application for `/_callpark/contacts` and what is below it."""

    def __init__(self, flows: Flows, limits: ConnectLimits) -> None:
        self._flows = flows
        self._limits = limits

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and (path(scope) == PATH or path(scope).startswith(PATH + "/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer: object = await self._answer(scope)
            status = 200
        except _Refused as refusal:
            answer, status = {"message": refusal.message}, refusal.status
        headers = (b"content-type", b"application/json"), (b"cache-control", b"no-store")
        await respond(send, status, msgspec.json.encode(answer), headers, scope["method"])

    async def _answer(self, scope: Scope) -> object:
        parts = [unquote(part) for part in path(scope).removeprefix(PATH).split("/")[1:]]
        match scope["method"], parts:
            case (("GET" | "HEAD"), []):
                return await self._list(dict(parse_qsl(scope["query_string"].decode("latin-1"))))
            case (("GET" | "HEAD"), [contact_id]):
                contact = self._flows.contact(contact_id)
                if contact is None:
                    raise _Refused(404, f"no contact {contact_id} is known, or it ended too long ago")
                return await self._show(contact)
        raise _Refused(404, f"nothing is at {scope['method']} {path(scope)}")

    async def _list(self, query: Mapping[str, str]) -> Mapping[str, object]:
        unknown = set(query) - {"state", "flow", "since", "limit"}
        if unknown:
            raise _Refused(400, f"{PATH} knows no parameter {min(unknown)}")
        state, flow = query.get("state"), query.get("flow")
        if state is not None and state not in ("open", *STATES):
            raise _Refused(400, f"state is one of open, {', '.join(STATES)}")
        since = query.get("since")
        span = None if since is None else _number(since, "since", 1e9)
        wanted = Wanted(state, flow, None if span is None else self._flows.clock.now() - span)
        found = await Everywhere(self._flows).find(wanted)
        limit = int(_number(query.get("limit", str(_LISTED)), "limit", _MOST))
        newest = heapq.nlargest(limit, found, key=lambda contact: (contact.party.started_at, contact.id))
        return {"contacts": [line(contact, self._flows.flow_name) for contact in newest], "total": len(found)}

    async def _show(self, contact: Contact) -> Mapping[str, object]:
        story = await self._flows.story(contact.id)
        drawn = timeline(story)
        entered = [entry.happening.flow for entry in story if isinstance(entry.happening, FlowEntered)]
        group = log_group(self._flows.instance.definition.alias or "callpark")
        return {
            "contact": line(contact, self._flows.flow_name),
            "record": contact_record(contact, story),
            "flows": list(dict.fromkeys([drawn.flow, *entered])),
            "timeline": drawn,
            "seconds": round(drawn.seconds, 3),
            "secondsOfSilence": round(drawn.seconds_of_silence, 3),
            "log": {"group": group, "stream": contact.id} if contact.memory.logging else None,
            "complete": contact.page_bytes < self._limits.story_bytes,
        }


def _number(text: str, name: str, most: float) -> float:
    """A number of a query. Raises _Refused."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number <= most:
        raise _Refused(400, f"{name} is a number above 0 and up to {most:g}")
    return number

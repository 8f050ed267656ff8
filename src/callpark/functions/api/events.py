"""`/_callpark/events`: callpark's own HTTP interface to asynchronous events, mounted by the gateway for the CLI.

GET  /_callpark/events?function=&limit=         {"events": […], "discarded": […], "succeeded": […], "totals"}
GET  /_callpark/events/<request id>             the story of one
POST /_callpark/events/<request id>/replay      the body, if there is one, replaces the payload → {"requestId"}
POST /_callpark/events/redrive                  {"function"?, "requestIds"?} → {"redriven": […]}

POST needs `content-type: application/json`, which a web page of another origin cannot send unasked.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import msgspec

from callpark.functions.events.administration import UnknownEvent
from callpark.functions.events.everywhere import EventsEverywhere, Listing
from callpark.kernel.asgi import BodyTooLarge, ClientGone, Receive, Scope, Send, header, path, read_body, respond
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.store.ports import StoreFailure

PATH = "/_callpark/events"
_LISTED = 100
_MOST = 1_000


class _Redrive(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    function: str | None = None
    request_ids: list[str] | None = None


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class EventsPage:
    """An ASGI application for `/_callpark/events` and what is below it."""

    def __init__(self, events: EventsEverywhere, limits: LambdaLimits) -> None:
        self._events = events
        self._limits = limits

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and (path(scope) == PATH or path(scope).startswith(PATH + "/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer: object = await self._answer(scope, receive)
            status = 200
        except ClientGone:
            return
        except (_Refused, CallerError) as refusal:
            answer, status = {"message": refusal.message}, refusal.status
        except UnknownEvent as unknown:
            answer, status = {"message": f"no event {unknown} is known, or its payload is not kept any more"}, 404
        except StoreFailure as failure:
            answer, status = {"message": f"the store does not take it: {failure}"}, 503
        headers = (b"content-type", b"application/json"), (b"cache-control", b"no-store")
        await respond(send, status, msgspec.json.encode(answer), headers)

    async def _answer(self, scope: Scope, receive: Receive) -> object:
        method: str = scope["method"]
        parts = [unquote(part) for part in path(scope).removeprefix(PATH).split("/")[1:]]
        match method, parts:
            case "GET", []:
                return await self._list(dict(parse_qsl(scope["query_string"].decode("latin-1"))))
            case "GET", [request_id]:
                return await self._events.story(request_id)
            case "POST", ["redrive"]:
                body = await self._body(scope, receive)
                try:
                    asked = msgspec.json.decode(body or b"{}", type=_Redrive)
                except msgspec.MsgspecError as error:
                    raise _Refused(400, f"the body cannot be read: {error}") from None
                return {"redriven": await self._events.redrive(asked.function, asked.request_ids)}
            case "POST", [request_id, "replay"]:
                body = await self._body(scope, receive)
                return {"requestId": await self._events.replay(request_id, body or None)}
        raise _Refused(404, f"nothing is at {method} {path(scope)}")

    async def _list(self, query: Mapping[str, str]) -> Listing:
        unknown = set(query) - {"function", "limit"}
        if unknown:
            raise _Refused(400, f"{PATH} knows no parameter {min(unknown)}")
        text = query.get("limit", str(_LISTED))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST):
            raise _Refused(400, f"limit is a number from 1 to {_MOST}")
        return await self._events.listing(query.get("function"), int(text))

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        content = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
        if content != b"application/json":
            raise _Refused(415, "the content type must be application/json")
        announced = (header(scope, b"content-length") or b"").decode("latin-1")
        try:
            return await read_body(receive, announced, self._limits.event_payload_bytes)
        except BodyTooLarge:
            raise _Refused(413, f"an event may have {self._limits.event_payload_bytes} bytes") from None

"""`/_callpark/faults`: what shall go wrong, mounted by the gateway for tests and for `callpark faults`.

GET    /_callpark/faults                  {"faults": [{"function", "kind", "deliveries", …}]}
POST   /_callpark/faults                  one such fault; answers as GET does
DELETE /_callpark/faults?function=        nothing more for one function, or for all

POST needs `content-type: application/json`, which a web page of another origin cannot send unasked.
"""

import math
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec

from callpark.functions.fault_injection import Faults
from callpark.functions.faults import ERROR_TYPE, KINDS, MESSAGE, Fault, FaultKind
from callpark.kernel.asgi import BodyTooLarge, ClientGone, Receive, Scope, Send, header, path, read_body, respond
from callpark.kernel.errors import CallerError
from callpark.store.ports import StoreFailure

PATH = "/_callpark/faults"
_BODY_BYTES = 65_536


class FunctionNames(Protocol):
    def function_named(self, arn: str) -> tuple[str, str | None]:
        """Name and qualifier. Raises CallerError."""
        ...


class _Asked(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    function: str
    kind: FaultKind
    deliveries: int = 1
    seconds: float = 0.0
    error_type: str = ERROR_TYPE
    message: str = MESSAGE


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class FaultsPage:
    """An ASGI application for `/_callpark/faults`."""

    def __init__(self, faults: Faults, functions: FunctionNames) -> None:
        self._faults = faults
        self._functions = functions

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer, status = await self._answer(scope, receive), 200
        except ClientGone:
            return
        except _Refused as refusal:
            answer, status = {"message": str(refusal)}, refusal.status
        except CallerError as refusal:
            answer, status = {"message": refusal.message}, refusal.status
        except StoreFailure as failure:
            answer, status = {"message": f"the store does not take it: {failure}"}, 503
        headers = (b"content-type", b"application/json"), (b"cache-control", b"no-store")
        await respond(send, status, msgspec.json.encode(answer), headers)

    async def _answer(self, scope: Scope, receive: Receive) -> object:
        match scope["method"]:
            case "GET":
                plan = await self._faults.current()
            case "POST":
                fault = await self._fault(scope, receive)
                plan = await self._faults.change(lambda plan: plan.with_fault(fault))
            case "DELETE":
                query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
                if set(query) - {"function"}:
                    raise _Refused(400, f"{PATH} knows only the parameter function")
                plan = await self._faults.change(lambda plan: plan.without(query.get("function")))
            case method:
                raise _Refused(405, f"{method} is not allowed on {PATH}")
        return {
            "faults": [
                _Asked(f.function, f.kind, f.deliveries, f.seconds, f.error_type, f.message) for f in plan.faults
            ]
        }

    async def _fault(self, scope: Scope, receive: Receive) -> Fault:
        if (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower() != b"application/json":
            raise _Refused(415, "send content-type: application/json")
        announced = header(scope, b"content-length")
        try:
            body = await read_body(receive, announced.decode("latin-1") if announced else None, _BODY_BYTES)
        except BodyTooLarge:
            raise _Refused(413, f"the body may have {_BODY_BYTES} bytes") from None
        try:
            asked = msgspec.json.decode(body, type=_Asked)
        except msgspec.MsgspecError as error:
            raise _Refused(400, f"the body cannot be read: {error}; kinds are {', '.join(KINDS)}") from None
        if asked.deliveries < 1:
            raise _Refused(400, "deliveries must be 1 or more")
        if not math.isfinite(asked.seconds) or asked.seconds < 0 or (asked.seconds > 0) != (asked.kind == "delay"):
            raise _Refused(400, "seconds, more than 0, are for delay, and only for it")
        name, _ = self._functions.function_named(asked.function)
        return Fault(name, asked.kind, asked.deliveries, asked.seconds, asked.error_type, asked.message)

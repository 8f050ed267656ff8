"""The gateway: one ASGI application for every AWS API, the mounts and the health page.

Made by the composition root, served by `server.py`, tested through httpx.ASGITransport. A request
becomes a `Call`, an operation answers it, and the answer goes back in the caller's protocol; whatever goes wrong has
AWS's error shape. SigV4 signatures are parsed for their credential scope and not verified: local credentials only.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol
from urllib.parse import quote

import orjson

from callpark.gateway import browsers
from callpark.gateway.codecs import error_codec, foreign_error_codec, operation_codec
from callpark.gateway.protocols.refusals import body_too_large, headers_too_large, internal, not_implemented
from callpark.gateway.protocols.wire import JSON, Request, Response, header_bytes
from callpark.gateway.routing import (
    MethodNotAllowed,
    ProtocolName,
    Route,
    Router,
    invoke_route,
    likely_protocol,
    scoped_service,
)
from callpark.kernel.arn import Place
from callpark.kernel.asgi import BodyTooLarge, ClientGone, Message, Receive, Scope, Send, header, read_body
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import GatewayLimits
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.store.ports import StoreFailure

_log = logging.getLogger("callpark")

HEALTH_PATH = "/_callpark/health"
_OWN_PREFIX = "/_callpark/"
_CLOSE = (b"connection", b"close")


class Mount(Protocol):
    """An application beside the AWS APIs, e.g. the GraphQL endpoints: HTTP and websockets."""

    def matches(self, scope: Scope) -> bool: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Foreign(Protocol):
    """Who passes requests on for services that have no operations here."""

    def service(self, scope: Scope) -> str | None:
        """The foreign service that a request is for, by botocore's name; None for our own."""
        ...

    async def __call__(self, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises CallerError before anything was sent, and ClientGone."""
        ...


class Gateway:
    """The ASGI application. `health` gives the members of `GET /_callpark/health`. Holds no state of its own beyond
    compiled routes."""

    def __init__(
        self,
        operations: OperationTable,
        mounts: Sequence[Mount],
        ids: Ids,
        limits: GatewayLimits,
        place: Place,
        health: Callable[[], Mapping[str, object]],
        foreign: Foreign | None = None,
    ) -> None:
        self._operations = operations
        self._mounts = tuple(mounts)
        self._ids = ids
        self._limits = limits
        self._place = place
        self._health = health
        self._foreign = foreign
        self._constants: dict[int, Response] = {}
        self._router = Router(service for service, _ in operations)
        self._has_invoke = ("lambda", "Invoke") in operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif kind == "lifespan":
            await _lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._has_invoke:
            route = invoke_route(scope["method"], scope.get("raw_path") or b"")
            if route is not None:
                return await self._aws(scope, receive, send, route)
        for mount in self._mounts:
            if mount.matches(scope):
                return await mount(scope, receive, send)
        if browsers.asks(scope):
            if browsers.is_preflight(scope):
                return await browsers.allow(scope, send)
            send = browsers.readable(send)
        if scope["path"].startswith(_OWN_PREFIX):
            return await _send(send, self._own(scope["method"], scope["path"]), scope["method"])
        if self._foreign is not None and (service := self._foreign.service(scope)) is not None:
            return await self._pass_on(self._foreign, service, scope, receive, send)
        return await self._aws(scope, receive, send, None)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        for mount in self._mounts:
            if mount.matches(scope):
                return await mount(scope, receive, send)
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        return None

    def _own(self, method: str, path: str) -> Response:
        if path != HEALTH_PATH:
            return _plain_refusal(404, f"nothing is at {path}")
        if method not in ("GET", "HEAD"):
            return _plain_refusal(405, f"{path} answers to GET only", (b"allow", b"GET, HEAD"))
        return Response(200, (JSON, (b"cache-control", b"no-store")), orjson.dumps(dict(self._health())))

    async def _aws(self, scope: Scope, receive: Receive, send: Send, route: Route | None) -> None:
        request_id = self.new_request_id()
        request = _front(scope)
        try:
            request = await self._read(request, receive)
            if route is None:
                route = self._router.route(request)
            answer = await self.call(route, request, request_id, partial(_client_gone, receive))
            response, request_id = self.serialise(route, answer, request_id)
        except ClientGone:
            return
        except Exception as error:
            response = self.refuse(route, request, error, request_id)
        await _send(send, response, request.method, request_id)

    async def _pass_on(self, foreign: Foreign, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self.new_request_id()
        try:
            return await foreign(service, scope, receive, send)
        except ClientGone:
            return None
        except CallerError as refusal:
            error = refusal
        except Exception as bug:
            text = "request %s to %s (%s %s) failed: a bug in callpark"
            _log.error(text, request_id, service, scope["method"], scope["path"], exc_info=bug)
            error = internal(service)
        response = foreign_error_codec(service, header(scope, b"smithy-protocol"))(error, request_id)
        closed = Response(response.status, (*response.headers, _CLOSE), response.body)  # its body may be unread
        return await _send(send, closed, scope["method"], request_id)

    async def _read(self, front: Request, receive: Receive) -> Request:
        """The request with its body. Raises CallerError (413, 431) and ClientGone."""
        limit = self._limits.header_bytes
        if sum(map(len, front.headers)) + sum(map(len, front.headers.values())) > limit:
            raise headers_too_large(limit)
        limit = self._limits.body_bytes
        try:
            body = await read_body(receive, front.headers.get("content-length"), limit)
        except BodyTooLarge:
            raise body_too_large(limit) from None
        return Request(front.method, front.path, front.query, front.headers, body) if body else front

    # The steps of a request, of `_aws` here and of `direct.py`

    def new_request_id(self) -> str:
        return self._ids.uuid()

    def call(
        self,
        route: Route,
        request: Request,
        request_id: str,
        client_gone: Callable[[], Awaitable[None]] | None = None,
    ) -> Awaitable[Mapping[str, object] | Answer]:
        """Start the operation. Raises CallerError, now or when it is awaited."""
        operation = self._operations.get((route.service, route.operation))
        if operation is None:
            raise not_implemented(route.service, route.operation)
        codec = operation_codec(route.service, route.operation, route.protocol)
        parameters = codec.parse(request, route.labels)
        codec.validate(parameters)
        return operation(
            Call(route.service, route.operation, parameters, request_id, self._place, request.headers, client_gone)
        )

    def serialise(self, route: Route, answer: Mapping[str, object] | Answer, request_id: str) -> tuple[Response, str]:
        """The response, and the request id it goes out with."""
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        elif answer.constant and (known := self._constants.get(id(answer))) is not None:
            return known, request_id
        request_id = answer.request_id or request_id
        response = operation_codec(route.service, route.operation, route.protocol).serialise(answer, request_id)
        if answer.headers:
            head = (*response.headers, *header_bytes(answer.headers))
            response = Response(response.status, head, response.body, response.stream)
        if answer.constant:
            self._constants[id(answer)] = response
        return response, request_id

    def refuse(self, route: Route | None, request: Request, error: Exception, request_id: str) -> Response:
        """The response for a CallerError, and for any other error, which is a bug and logged as one. A store that takes
        nothing now is neither."""
        if isinstance(error, StoreFailure):
            _log.warning("request %s (%s %s) was refused: %s", request_id, request.method, request.path, error)
            error = CallerError("ServiceUnavailable", 503, str(error), headers={"Retry-After": "1"})
        try:
            if isinstance(error, CallerError):
                return _refusal(route, request, error, request_id)
        except Exception as bug:
            error = bug
        text = "request %s (%s %s) failed: a bug in callpark"
        _log.error(text, request_id, request.method, request.path, exc_info=error)
        service = route.service if route is not None else scoped_service(request)
        return _refusal(route, request, internal(service), request_id)


async def _client_gone(receive: Receive) -> None:
    """Returns once the client of a request whose body is read has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _refusal(route: Route | None, request: Request, error: CallerError, request_id: str) -> Response:
    if request.method == "OPTIONS" and isinstance(error, MethodNotAllowed):
        return Response(204, ((b"allow", ", ".join([*error.methods, "OPTIONS"]).encode()),))
    protocol: ProtocolName = route.protocol if route is not None else likely_protocol(request)
    response = error_codec(route.service if route is not None else None, protocol)(error, request_id)
    if error.status in (413, 431):  # what the client still sends is not read, so the connection cannot be used again
        return Response(response.status, (*response.headers, _CLOSE), response.body)
    return response


def _plain_refusal(status: int, message: str, *headers: tuple[bytes, bytes]) -> Response:
    return Response(status, (JSON, *headers), orjson.dumps({"message": message}))


def _front(scope: Scope) -> Request:
    """The request without its body."""
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope["query_string"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if scope.get("scheme") == "https":
        headers.setdefault("x-forwarded-proto", "https")  # as a proxy that ends TLS says it
    return Request(scope["method"], raw_path.decode("latin-1"), query.decode("latin-1"), headers)


async def _send(send: Send, response: Response, method: str, request_id: str | None = None) -> None:
    headers = list(response.headers)
    if request_id is not None:
        headers.append((b"x-amzn-RequestId", request_id.encode("latin-1")))
    start: Message = {"type": "http.response.start", "status": response.status, "headers": headers}
    if response.stream is not None:
        await send(start)
        try:
            async for piece in response.stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:  # a stop of the server ends the operation's generator here, not at the collector's leisure
            if isinstance(response.stream, AsyncGenerator):
                await response.stream.aclose()
        await send({"type": "http.response.body", "body": b""})
        return
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send(start)
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else response.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return

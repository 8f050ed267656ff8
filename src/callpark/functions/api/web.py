"""What functions serve on the gateway's port beside AWS's API: function URLs, and packages to download.

The gateway mounts it: `matches(scope)` says whether a scope is ours. `/_urls/<id>/…` or the host
`<id>.lambda-url.<region>.…` is a function URL, `/_code/<digest>` the archive that GetFunction's `Code.Location` names.
"""

import logging
from collections.abc import AsyncGenerator

import orjson

from callpark.functions.api.presentation import PACKAGE_PREFIX
from callpark.functions.environments.ports import ResponseStream
from callpark.functions.model import Invocation
from callpark.functions.service import Functions
from callpark.functions.url_cors import preflight, with_cors
from callpark.functions.url_events import (
    INTERNAL_ERROR,
    Prelude,
    UrlAnswer,
    UrlRequest,
    answer,
    event,
    refusal_without_signature,
)
from callpark.functions.urls import PATH_PREFIX, Addressed, url_id_of
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids

_log = logging.getLogger("callpark")

_JSON = (("content-type", "application/json"),)


class FunctionWeb:
    def __init__(self, functions: Functions, clock: Clock, ids: Ids) -> None:
        self._functions = functions
        self._clock = clock
        self._ids = ids

    def matches(self, scope: asgi.Scope) -> bool:
        if scope["type"] != "http":
            return False
        path = asgi.path(scope)
        return path.startswith((PATH_PREFIX, PACKAGE_PREFIX)) or url_id_of(asgi.host(scope)) is not None

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        path = asgi.path(scope)
        if path.startswith(PACKAGE_PREFIX):
            return await self._package(path.removeprefix(PACKAGE_PREFIX), send)
        url_id, path = _addressed(scope)
        found = self._functions.urls.find(url_id)
        if found is None:
            return await _send(send, _refused(404, f"no function URL has the id {url_id}"))
        try:
            announced = asgi.header(scope, b"content-length")
            limit = self._functions.limits.request_payload_bytes
            body = await asgi.read_body(receive, announced.decode("latin-1") if announced else None, limit)
        except asgi.ClientGone:
            return None
        except asgi.BodyTooLarge:
            return await _send(send, _refused(413, "Request Entity Too Large", ("connection", "close")))
        return await self._serve(found, _request(scope, path, body), send)

    async def _serve(self, found: Addressed, request: UrlRequest, send: asgi.Send) -> None:
        url = found.url
        early = preflight(url.cors, request) or refusal_without_signature(url, request)
        if early is not None:
            return await _send(send, with_cors(url.cors, request, early) if early.status == 403 else early)
        request_id = self._ids.uuid()
        invocation = Invocation(
            function=found.function,
            payload=event(request, url, self._functions.place, request_id, self._clock.now()),
            qualifier=found.qualifier,
            request_id=request_id,
            trace_header=request.header("x-amzn-trace-id"),
        )
        try:
            if url.invoke_mode == "RESPONSE_STREAM":
                _, stream = await self._functions.stream(invocation)
                return await self._stream(stream, found, request, send)
            result = await self._functions.invoke(invocation)
            given = INTERNAL_ERROR if result.function_error is not None else answer(result.payload)
        except CallerError as refusal:
            given = _refused(refusal.status, refusal.message)
        except Exception:
            _log.exception("a request to the URL of %s failed: a bug in callpark", found.function)
            given = INTERNAL_ERROR
        return await _send(send, with_cors(url.cors, request, given))

    async def _stream(self, stream: ResponseStream, found: Addressed, request: UrlRequest, send: asgi.Send) -> None:
        """The head goes out with the first of the body; what fails after that cuts the body short."""
        prelude, begun = Prelude(stream.content_type), False
        try:
            async for chunk in stream.chunks:
                if begun:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                elif (head := prelude.feed(chunk)) is not None:
                    begun = True
                    await _begin(send, with_cors(found.url.cors, request, head))
        finally:
            if isinstance(stream.chunks, AsyncGenerator):
                await stream.chunks.aclose()
        outcome = await stream.ended
        if begun:
            return await send({"type": "http.response.body", "body": b""})
        failed = outcome.function_error is not None
        head = INTERNAL_ERROR if failed else UrlAnswer(200, (("content-type", stream.content_type),))
        return await _send(send, with_cors(found.url.cors, request, head))

    async def _package(self, digest: str, send: asgi.Send) -> None:
        data = await self._functions.package(digest)
        if data is None:
            return await _send(send, _refused(404, "no package has this digest"))
        return await _send(send, UrlAnswer(200, (("content-type", "application/zip"),), data))


def _addressed(scope: asgi.Scope) -> tuple[str, str]:
    """The URL's id, and the path that the function sees."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1")
    named = url_id_of(asgi.host(scope))
    if named is not None and not path.startswith(PATH_PREFIX):
        return named, path
    url_id, _, rest = path.removeprefix(PATH_PREFIX).partition("/")
    return url_id, f"/{rest}"


def _request(scope: asgi.Scope, path: str, body: bytes) -> UrlRequest:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    client = scope.get("client") or ("127.0.0.1", 0)
    server = scope.get("server") or ("127.0.0.1", 80)
    headers += [
        ("x-forwarded-for", str(client[0])),
        ("x-forwarded-port", str(server[1])),
        ("x-forwarded-proto", str(scope.get("scheme", "http"))),
    ]
    query: bytes = scope["query_string"]
    protocol = f"HTTP/{scope.get('http_version', '1.1')}"
    return UrlRequest(scope["method"], path, query.decode("latin-1"), headers, body, protocol, str(client[0]))


def _refused(status: int, message: str, *headers: tuple[str, str]) -> UrlAnswer:
    return UrlAnswer(status, (*_JSON, *headers), orjson.dumps({"Message": message}))


async def _begin(send: asgi.Send, head: UrlAnswer) -> None:
    await send({"type": "http.response.start", "status": head.status, "headers": _encoded(head)})
    if head.body:
        await send({"type": "http.response.body", "body": head.body, "more_body": True})


async def _send(send: asgi.Send, whole: UrlAnswer) -> None:
    await asgi.respond(send, whole.status, whole.body, _encoded(whole))


def _encoded(head: UrlAnswer) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in head.headers]

"""Requests for services that are not ours, passed through: headers, bodies and errors as they are, piece by piece.

Asked by the gateway for each request it has no operation for. The fallback and emulators without keys get what the
client sent; where requests have to be signed anew (AWS itself, an upstream with keys) the client's signature is left
out, and so is what a presigned URL carries of it.
"""

import hashlib
import logging
import re
from collections.abc import AsyncIterator, Collection
from functools import cached_property
from urllib.parse import quote

from callpark.kernel.asgi import BodyTooLarge, Message, Receive, Scope, Send, header, pieces, read_body
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import GatewayLimits
from callpark.upstreams import refusals
from callpark.upstreams.assignments import Fallback, Nobody
from callpark.upstreams.calls import Reached, Upstreams
from callpark.upstreams.connections import Headers, Request
from callpark.upstreams.models import service_model
from callpark.upstreams.naming import (
    Front,
    bucket_in_host,
    credential_scope,
    foreign_service,
    operation_name,
    signing_name,
)
from callpark.upstreams.signing import UNSIGNED, Unsigned, signed

_log = logging.getLogger("callpark")

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"date",  # the server says its own
        b"expect",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_BEGINNING = 1_024
_SCOPE = re.compile(rb"Credential=[^/,\s]+/\d+/[^/,\s]+/([^/,\s]+)/aws4_request")
_SIGNATURE_FIELDS = frozenset(
    f"X-Amz-{name}"
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token")
)


class Passing:
    """`ours` are the services of callpark itself, `region` where unsigned requests belong."""

    def __init__(self, upstreams: Upstreams, ours: Collection[str], region: str, limits: GatewayLimits) -> None:
        self._upstreams = upstreams
        self._ours = frozenset(ours)
        self._own_scopes = frozenset(signing_name(service).encode() for service in ours)
        self._region = region
        self._limits = limits

    def service(self, scope: Scope) -> str | None:
        """The foreign service that a request is for; None for all others. Asked for every request: the common answer
        comes first."""
        found = _SCOPE.search(header(scope, b"authorization") or b"")
        if found is not None and found[1] in self._own_scopes:
            return None
        return foreign_service(_front(scope), self._ours, lambda: self._own_paths)

    async def __call__(self, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on. Raises CallerError before anything was sent; ClientGone when nobody waits any more. An
        upstream that breaks off in the middle of its answer breaks ours off."""
        server = self._upstreams.server(service)
        if isinstance(server, Nobody):
            raise refusals.not_implemented(service, server.remedy)
        front = _front(scope)
        region = (credential_scope(front) or (self._region, ""))[0]
        reached = await self._upstreams.reach(service, region)
        heard = bytearray()
        request = await self._request(service, region, reached, front, scope, _overheard(receive, heard))
        started = False
        try:
            async with self._upstreams.connections.answering(request) as response:
                if isinstance(server, Fallback) and refusals.is_page(
                    response.status_code, response.headers.get("content-type", "")
                ):
                    raise refusals.lacking(service, operation_name(service, front, bytes(heard)))
                headers = [(name.lower(), value) for name, value in response.headers.raw]
                kept = [(name, value) for name, value in headers if name not in _HOP_BY_HOP]
                await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
                started = True
                async for piece in response.aiter_raw():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except CallerError as error:
            if not started:
                raise
            _log.warning("an answer was broken off: %s", error.message)

    async def _request(
        self, service: str, region: str, reached: Reached, front: Front, scope: Scope, receive: Receive
    ) -> Request:
        headers = [(name, value) for name, value in scope["headers"] if name not in _HOP_BY_HOP]
        sized = "content-length" in front.headers or "transfer-encoding" in front.headers
        body: bytes | AsyncIterator[bytes] = pieces(receive) if sized else b""
        path, query = front.path, front.query
        if not reached.as_is:
            bucket = bucket_in_host(front.headers.get("host", "")) if service == "s3" else None
            path = f"/{bucket}{path}" if bucket is not None else path
            headers = [(name, value) for name, value in headers if name != b"host"]
        if reached.keys is not None:
            query = _unsigned(query)
            target = f"{path}?{query}" if query else path
            body, payload = await self._payload(service, front, body, receive)
            named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
            sent = Unsigned(front.method, reached.address + target, named, payload)
            made = signed(sent, reached.keys, signing_name(service), region)
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in made.items()]
        target = f"{path}?{query}" if query else path
        return Request(service, reached.address, front.method, target.encode("latin-1"), headers, body)

    async def _payload(
        self, service: str, front: Front, body: bytes | AsyncIterator[bytes], receive: Receive
    ) -> tuple[bytes | AsyncIterator[bytes], str]:
        """The body as it goes on, and what is signed in its place. S3's clients say the digest, or that there is none;
        of other services the whole body is read. Raises CallerError."""
        if service == "s3":
            said = front.headers.get("x-amz-content-sha256", UNSIGNED)
            if said.startswith("STREAMING-AWS4"):
                text = "an upload in signed chunks cannot be signed anew: let the client send it over https or unsigned"
                raise CallerError("NotImplemented", 501, text)
            return body, said
        if not isinstance(body, bytes):
            try:
                limit = self._limits.body_bytes
                body = await read_body(receive, front.headers.get("content-length"), limit)
            except BodyTooLarge:
                text = f"Request must be smaller than {limit} bytes"
                raise CallerError("RequestEntityTooLargeException", 413, text) from None
        return body, hashlib.sha256(body).hexdigest()

    @cached_property
    def _own_paths(self) -> Collection[str]:
        """First segments of the paths of our REST operations."""
        found = set()
        for service in self._ours:
            model = service_model(service)
            for name in model.operation_names if model is not None else ():
                uri = str(model.operation_model(name).http.get("requestUri", "")) if model is not None else ""
                found.add(uri.lstrip("/").partition("/")[0].partition("?")[0])
        return found


def _front(scope: Scope) -> Front:
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope["query_string"]
    headers: Headers = scope["headers"]
    return Front(
        scope["method"],
        raw.decode("latin-1"),
        query.decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in headers},
    )


def _overheard(receive: Receive, heard: bytearray) -> Receive:
    """Keeps the beginning of the body, where the query protocol says the operation."""

    async def listening() -> Message:
        message = await receive()
        if len(heard) < _BEGINNING:
            heard.extend(message.get("body", b"")[:_BEGINNING])
        return message

    return listening


def _unsigned(query: str) -> str:
    return "&".join(field for field in query.split("&") if field.partition("=")[0] not in _SIGNATURE_FIELDS)

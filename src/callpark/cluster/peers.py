"""Calls to other nodes over HTTP, on pooled connections. Used by `forwarding.py` and `relaying.py`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from callpark.cluster import wire
from callpark.cluster.members import Member
from callpark.cluster.pulses import Pulses
from callpark.cluster.wire import CALL_PATH, MISDIRECTED, SECRET_HEADER, Answered, Asked, Event, Frames
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ClusterLimits
from callpark.kernel.operations import Answer

if TYPE_CHECKING:
    import httpx  # loaded at first need

_CONNECT_SECONDS = 2.0
_CONNECTIONS = 1_000

_decode_answer = msgspec.msgpack.Decoder(Answered).decode
_decode_event = msgspec.msgpack.Decoder(Event).decode


class Unreached(Exception):
    """The call has not arrived: it may be made again, here or elsewhere."""


class Misdirected(Unreached):
    """The node does not hold what the call is about."""


def unavailable(why: str, limits: ClusterLimits) -> CallerError:
    """What cannot be done now; SDKs try again."""
    return CallerError("ServiceUnavailable", 503, why, headers={"Retry-After": str(limits.retry_after_seconds)})


class Peers:
    def __init__(self, limits: ClusterLimits) -> None:
        self._limits = limits
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._pulses = Pulses(self._lives, limits.reach_seconds)

    async def call(self, peer: Member, secret: str, asked: Asked) -> Answer:
        """Another node's answer. Raises CallerError: what it refuses, and 503 when it broke off; Unreached when it
        certainly has done nothing."""
        headers = [(SECRET_HEADER.encode(), secret.encode()), (b"content-type", b"application/octet-stream")]
        entered = contextlib.AsyncExitStack()
        try:
            response = await entered.enter_async_context(
                self.answering(peer, "POST", CALL_PATH.encode(), headers, wire.frame(asked))
            )
            if response.status_code == MISDIRECTED:
                raise Misdirected(peer.name)
            if response.status_code != 200:
                raise unavailable(f"node {peer.name} answers {response.status_code}", self._limits)
            pieces = response.aiter_raw()
            frames = _frames(pieces)
            answered = _decode_answer(await anext(frames))
            if answered.refused is not None:
                raise wire.raised(answered.refused)
            stream = self._events(frames, entered.pop_all()) if answered.streams else None
        except StopAsyncIteration:
            raise unavailable(f"node {peer.name} broke off", self._limits) from None
        except msgspec.MsgspecError as error:
            why = f"the answer of node {peer.name}, of version {peer.version}, is not understood: {error}"
            raise unavailable(why, self._limits) from None
        finally:
            await entered.aclose()
        return Answer(answered.members or {}, answered.request_id, stream, answered.headers)

    @contextlib.asynccontextmanager
    async def answering(
        self,
        peer: Member,
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes],
    ) -> AsyncIterator[httpx.Response]:
        """A request as it is; its answer, body unread. Raises Unreached and CallerError."""
        import httpx

        if self._pulses.lost(peer):
            raise Unreached(f"node {peer.name} at {peer.url} does not answer")
        timeouts = httpx.Timeout(self._limits.answer_seconds, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
        request = httpx.Request(
            method,
            peer.url,
            headers=list(headers),
            content=body,
            extensions={"target": target, "timeout": timeouts.as_dict()},
        )
        try:
            response = await self._begin(peer, request)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreached(f"node {peer.name} at {peer.url}: {error or type(error).__name__}") from None
        except httpx.HTTPError as error:
            why = f"node {peer.name} broke off, whether it has done what was asked is not known: {error!r}"
            raise unavailable(why, self._limits) from None

    async def _begin(self, peer: Member, request: httpx.Request) -> httpx.Response:
        asking = asyncio.ensure_future(self._pool().handle_async_request(request))
        losing = asyncio.ensure_future(self._pulses.until_lost(peer))
        try:
            await asyncio.wait((asking, losing), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                why = f"node {peer.name} does not answer, whether it has done what was asked is not known"
                raise unavailable(why, self._limits)
            response = asking.result()
        except AttributeError as error:
            # So anyio says that a new connection was gone before it could look at it; nothing was sent.
            raise Unreached(f"node {peer.name} at {peer.url}: {error}") from None
        finally:
            losing.cancel()
            asking.cancel()
        response.request = request
        return response

    async def _lives(self, peer: Member, seconds: float) -> bool:
        """Whether anything at all is answered."""
        import httpx

        try:
            async with httpx.AsyncClient(verify=False, trust_env=False, timeout=seconds) as client:
                await client.get(peer.url + CALL_PATH)
        except (httpx.HTTPError, AttributeError):  # the latter as in `_begin`
            return False
        return True

    async def aclose(self) -> None:
        await self._pulses.aclose()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _events(
        self, frames: AsyncIterator[bytes], held: contextlib.AsyncExitStack
    ) -> AsyncIterator[tuple[str, Mapping[str, object]]]:
        async with held:
            async for data in frames:
                if not data:
                    return
                event = _decode_event(data)
                yield event.name, event.members

    def _pool(self) -> httpx.AsyncHTTPTransport:
        import httpx

        if self._transport is None:
            bounds = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=256, keepalive_expiry=30.0)
            self._transport = httpx.AsyncHTTPTransport(verify=False, limits=bounds, trust_env=False)
        return self._transport


async def _frames(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    cutter = Frames()
    async for piece in pieces:
        for found in cutter.feed(piece):
            yield found

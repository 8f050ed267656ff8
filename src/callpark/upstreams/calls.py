"""The upstreams' face: call an operation of any AWS service, whoever serves it.

Built by `app.py`, which hands it to the slices as the small Protocol that each of them states; `passing.py` asks it for
addresses. Ours are called in process, all others over HTTP: an assigned upstream, AWS itself, or the fallback.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import UpstreamLimits
from callpark.kernel.tasks import Tasks
from callpark.upstreams import refusals
from callpark.upstreams.assignments import ALL, Assignments, Emulator, Fallback, Nobody, RealAws, Server
from callpark.upstreams.connections import Connections, Request
from callpark.upstreams.fallback import FallbackServer
from callpark.upstreams.provisioning import Provisioning, Wanted
from callpark.upstreams.signing import Keys, OwnKeys, Unsigned, aws_address, scoped, signed

if TYPE_CHECKING:
    from callpark.upstreams.wire import HttpRequest

_log = logging.getLogger("callpark")


class OwnServices(Protocol):
    """The services that callpark serves itself, by botocore's names."""

    def serves(self, service: str) -> bool: ...

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Raises CallerError."""
        ...


class Reached(msgspec.Struct, frozen=True):
    """Where a service is served: a URL without a path, and the keys that requests have to be signed with. `as_is`:
    requests arrive there with the host name and path that the client sent."""

    address: str
    keys: Keys | None = None
    as_is: bool = False


class Upstreams:
    """`own` is asked at each call, because it exists only after the slices that are given this."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        limits: UpstreamLimits,
        place: Place,
        assignments: Assignments,
        fallback: FallbackServer | None,
        own: Callable[[], OwnServices],
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._place = place
        self._assignments = assignments
        self._fallback = fallback
        self._own = own
        self._own_keys = OwnKeys()
        self._tasks = Tasks("upstreams")
        self.provisioning = Provisioning(self.server, self._fallback_generation, self._send)
        self.connections = Connections(limits)

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """One request, never repeated. Names are botocore's, parameters and members as a boto3 client has them; blobs
        are bytes, and ResponseMetadata is left out. Raises CallerError with the service's own error, or
        ServiceUnavailable (503) when nobody serves it or it cannot be reached."""
        own = self._own()
        if own.serves(service):
            return await own.call(service, operation, parameters)
        with self._clock.hold(f"{service} {operation}"):
            await self._prepare(service)
            return await self._send(service, operation, parameters)

    async def _send(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        from callpark.upstreams.wire import HttpAnswer, operation_wire  # botocore's parsers: no start waits for them

        wire = operation_wire(service, operation)
        request = wire.request(parameters, self._ids.uuid)
        with self._clock.hold(f"{service} {operation}"):
            reached = await self._address(service, self._place.region)
            headers = self._headers(reached, wire.signing_name, request)
            sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
            status, answered, body = await self.connections.whole(
                Request(service, reached.address, request.method, request.target.encode("ascii"), sent, request.body)
            )
        if isinstance(self.server(service), Fallback) and refusals.is_page(status, answered.get("content-type", "")):
            raise refusals.lacking(service, operation)
        return wire.members(HttpAnswer(status, answered, body))

    def remedy(self, service: str) -> str | None:
        """What the user can do so that somebody serves it; None when somebody does, which may be callpark itself."""
        if self._own().serves(service):
            return None
        server = self.server(service)
        return server.remedy if isinstance(server, Nobody) else None

    def emptiness(self, service: str) -> str | None:
        """Why a service that is not ours can hold nothing yet; None when it may hold something."""
        server = self.server(service)
        if isinstance(server, Nobody):
            return f"nobody serves {service} here: {server.remedy}"
        if isinstance(server, Fallback) and not self._fallback_generation():
            return f"moto serves {service}, and it is empty at a start: name another with --upstream {service}=…"
        return None

    def server(self, service: str) -> Server:
        """Who serves a service that is not ours."""
        return self._assignments.server(service, fallback=self._fallback is not None)

    def served_by(self) -> list[tuple[str, str]]:
        """(service, who serves it, for people), the assigned ones and then `all` others."""
        named = (*self._assignments.by_service, ALL)
        return [(service, self._described(self.server(service))) for service in named]

    async def reach(self, service: str, region: str) -> Reached:
        """Where a service that is not ours is served now, with what the project declares there. Raises CallerError."""
        await self._prepare(service)
        return await self._address(service, region)

    async def _prepare(self, service: str) -> None:
        server = self.server(service)
        if isinstance(server, Fallback) and self._fallback is not None:
            await self._fallback.address()  # a new process has nothing yet
        await self.provisioning.prepare(server)

    def _fallback_generation(self) -> int:
        return 0 if self._fallback is None else self._fallback.generation

    async def _address(self, service: str, region: str) -> Reached:
        match self.server(service):
            case Emulator(url, access_key, secret_key):
                keys = None if access_key is None or secret_key is None else Keys(access_key, secret_key)
                return Reached(url, keys, as_is=keys is None)
            case RealAws():
                return Reached(aws_address(service, region), await self._own_keys.keys())
            case Fallback():
                assert self._fallback is not None, "the choice was made with it"
                return Reached(await self._fallback.address())
            case Nobody(remedy):
                raise refusals.nobody(service, remedy)

    def want(self, wanted: Sequence[Wanted]) -> list[str]:
        """From now on these resources are to exist. Nobody waits for them here; but a project that declares some will
        need them, and its functions have no time to wait for the fallback's start. Returns warnings."""
        warnings = self.provisioning.want(wanted)
        services = {one.service for one in wanted if isinstance(self.server(one.service), Fallback)}
        if services:
            self._tasks.spawn(self._warm_up(min(services)), "the project's resources")
        return warnings

    async def _warm_up(self, service: str) -> None:
        try:
            await self._prepare(service)
        except CallerError as error:
            _log.warning("%s", error.message)

    async def close(self) -> None:
        await self._tasks.aclose()
        await self.connections.aclose()
        if self._fallback is not None:
            await self._fallback.close()

    def _described(self, server: Server) -> str:
        match server:
            case Emulator(url):
                return url
            case RealAws():
                return "AWS itself"
            case Fallback():
                running = self._fallback is not None and self._fallback.generation > 0
                return "moto" if running else "moto, when it is first needed"
            case Nobody(remedy):
                return f"nobody: {remedy}"

    def _headers(self, reached: Reached, signing_name: str, request: "HttpRequest") -> Mapping[str, str]:
        headers = {**request.headers, "Content-Length": str(len(request.body))}
        region = self._place.region
        if reached.keys is None:
            return {**headers, "Authorization": scoped(signing_name, region)}
        digest = hashlib.sha256(request.body).hexdigest()
        sent = Unsigned(request.method, reached.address + request.target, headers, digest)
        return signed(sent, reached.keys, signing_name, region)

"""Which version an invocation runs, and running it: deployments, slots, recursion, answers.

Used by `service.py` only, which has checked the request. A deployment is what environments need to know of a version;
it is made when the version first runs, and forgotten when the function changes.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from callpark.functions import lineage, refusals, versions
from callpark.functions.catalogue import Catalogue
from callpark.functions.chains import Chains
from callpark.functions.code.packages import Packages
from callpark.functions.concurrency import Slots
from callpark.functions.environments.ports import (
    Attempt,
    Deployment,
    Environments,
    EnvironmentUnavailable,
    Outcome,
    ResponseStream,
    Saturated,
)
from callpark.functions.events.state import EventState
from callpark.functions.layers import Layers
from callpark.functions.model import Function, Version
from callpark.functions.names import LATEST
from callpark.functions.transitions import Transitions
from callpark.kernel.clock import Clock, sleep
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import LambdaLimits


class Runner:
    def __init__(
        self,
        *,
        catalogue: Catalogue,
        packages: Packages,
        layers: Layers,
        environments: Environments,
        slots: Slots,
        capacity_freed: Callable[[str], None],
        transitions: Transitions,
        clock: Clock,
        ids: Ids,
        limits: LambdaLimits,
    ) -> None:
        self._catalogue = catalogue
        self._packages = packages
        self._layers = layers
        self._environments = environments
        self._slots = slots
        self._capacity_freed = capacity_freed
        self._transitions = transitions
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._deployments: dict[str, dict[str, Deployment]] = {}
        self._chains = Chains()

    def version_for(self, name: str, qualifier: str | None) -> str | None:
        """The version that the next invocation of `qualifier` runs; None when function or qualifier are gone."""
        function = self._catalogue.get(name)
        if function is None:
            return None
        if qualifier is None or qualifier == LATEST:
            return LATEST
        alias = function.aliases.get(qualifier)
        fraction = self._ids.fraction() if alias is not None and alias.weights else 1.0
        return versions.number_for(function, qualifier, fraction)

    async def run_now(self, name: str, version: str, attempt: Attempt) -> Outcome:
        """A synchronous run. Raises CallerError."""
        with self._slot(name, version):
            deployment = await self.deployment(name, version)
            chained, header = self._in_chain(name, attempt)
            root = self._chains.begin(header)
            try:
                return await self._environments.run(deployment, chained)
            finally:
                self._chains.end(root)

    async def stream_now(self, name: str, version: str, attempt: Attempt) -> ResponseStream:
        """A synchronous run whose answer is passed on as it is made. Raises CallerError. The slot is given back when
        the run has ended, not when the answer has begun."""
        held = contextlib.ExitStack()
        try:
            held.enter_context(self._slot(name, version))
            with _refusing(self._limits):
                deployment = await self.deployment(name, version)
                chained, header = self._in_chain(name, attempt)
                held.callback(self._chains.end, self._chains.begin(header))
                stream = await self._environments.run_stream(deployment, chained)
        except BaseException:
            held.close()
            raise
        ended = asyncio.ensure_future(stream.ended)
        ended.add_done_callback(lambda done: _give_back(done, held))
        return ResponseStream(stream.content_type, stream.chunks, ended)

    async def run_event(self, name: str, version: str, request_id: str, payload: bytes, state: EventState) -> Outcome:
        """An asynchronous run; its slot is the caller's business, its function may be Pending. Raises Saturated,
        EnvironmentUnavailable, ProjectError."""
        active_at = self._transitions.active_at(name, version)
        if active_at is not None:
            await sleep(self._clock, active_at - self._clock.now(), f"function {name} is Pending")
        header = self.trace_onwards(name, request_id, state.trace_header)
        attempt = Attempt(
            request_id=request_id,
            payload=payload,
            invoked_arn=self.invoked_arn(name, state.qualifier),
            trace_header=header,
            log_tail=False,
        )
        deployment = await self.deployment(name, version)
        root = self._chains.begin(header)
        try:
            return await self._environments.run(deployment, attempt, patient=True)
        finally:
            self._chains.end(root)

    def invoked_arn(self, name: str, qualifier: str | None) -> str:
        arn = self._catalogue.arn(name)
        return arn if qualifier is None else f"{arn}:{qualifier}"

    def invocations_in_chain(self, name: str, trace_header: str | None) -> int:
        return lineage.count(trace_header, self._catalogue.arn(name))

    def trace_onwards(self, name: str, request_id: str, trace_header: str | None) -> str:
        return lineage.step(trace_header, self._catalogue.arn(name), self._root(request_id))[0]

    async def deployment(self, name: str, version: str) -> Deployment:
        """Raises EnvironmentUnavailable when the version or its code is gone."""
        found = self._deployments.get(name, _NONE).get(version)
        return found if found is not None else await self._deploy(name, version)

    def forget(self, names: Sequence[str]) -> None:
        """These functions have changed or gone: end the environments of versions that are not what they were."""
        for name in names:
            function = self._catalogue.get(name)
            kept = {}
            for version, deployment in self._deployments.pop(name, _NONE).items():
                current = _numbered(function, version)
                if current is not None and self._revision(current) == deployment.revision:
                    kept[version] = deployment
                elif function is None:
                    self._environments.retire(deployment.arn)
                    break
                else:
                    self._environments.retire(deployment.arn, version)
            if kept:
                self._deployments[name] = kept

    @contextlib.contextmanager
    def _slot(self, name: str, version: str) -> Iterator[None]:
        if self._transitions.active_at(name, version) is not None:
            raise refusals.conflict(
                "The operation cannot be performed at this time. "
                "The function is currently in the following state: Pending"
            )
        if (reason := self._slots.take(name, version)) is not None:
            raise refusals.too_many_requests(reason, self._limits.throttle_base_seconds)
        try:
            with _refusing(self._limits):
                yield
        finally:
            self._slots.give_back(name, version)
            self._capacity_freed(name)

    def _in_chain(self, name: str, attempt: Attempt) -> tuple[Attempt, str]:
        """The attempt as a part of its chain, and its trace header. Raises CallerError when the function goes in
        circles."""
        root = self._root(attempt.request_id)
        header, count = lineage.step(attempt.trace_header, self._catalogue.arn(name), root)
        function = self._catalogue.get(name)
        endless = function is not None and function.recursive_loop == "Allow"
        if count > self._limits.recursive_invocations and not endless:
            raise refusals.recursive_invocation()
        chained = Attempt(
            attempt.request_id,
            attempt.payload,
            attempt.invoked_arn,
            attempt.client_context,
            header,
            attempt.nested or self._chains.nested(attempt.trace_header),
            attempt.log_tail,
        )
        return chained, header

    def _root(self, request_id: str) -> str:
        """A trace of its own for a request that belongs to none: https://docs.aws.amazon.com/xray/latest/devguide/
        xray-concepts.html#xray-concepts-tracingheader"""
        digits = hashlib.sha256(request_id.encode()).hexdigest()
        return f"Root=1-{int(self._clock.now()):08x}-{digits[:24]};Parent={digits[24:40]};Sampled=0"

    async def _deploy(self, name: str, version: str) -> Deployment:
        function = self._catalogue.get(name)
        current = _numbered(function, version)
        if current is None:
            raise EnvironmentUnavailable(f"function {name} (version {version}) was deleted meanwhile")
        deployment = Deployment(
            arn=self._catalogue.arn(name),
            version=version,
            configuration=current.configuration,
            code_root=await self._packages.root_of(current.code),
            revision=self._revision(current),
            layers_root=await self._packages.layers_root(self._layers.codes(current.configuration)),
        )
        if self._catalogue.get(name) is function:
            self._deployments.setdefault(name, {})[version] = deployment
        return deployment

    def _revision(self, version: Version) -> str:
        """Changes whenever the code, its layers or the configuration do."""
        digest = hashlib.sha256(msgspec.json.encode(version.configuration))
        digest.update(version.identity.sha256.encode())
        for _, identity in self._layers.codes(version.configuration):
            digest.update(identity.encode())
        return digest.hexdigest()[:32]


_NONE: dict[str, Deployment] = {}


def _numbered(function: Function | None, version: str) -> Version | None:
    if function is None:
        return None
    return versions.latest(function) if version == LATEST else function.versions.get(version)


def _give_back(ended: "asyncio.Future[Outcome]", held: contextlib.ExitStack) -> None:
    held.close()
    if not ended.cancelled():
        ended.exception()  # told to whoever reads the stream, if anybody does


@contextlib.contextmanager
def _refusing(limits: LambdaLimits) -> Iterator[None]:
    """What environments cannot do, as Lambda refuses it."""
    try:
        yield
    except Saturated:
        raise refusals.too_many_requests("ConcurrentInvocationLimitExceeded", limits.throttle_base_seconds) from None
    except (EnvironmentUnavailable, ProjectError) as error:
        raise refusals.service_exception(str(error)) from error

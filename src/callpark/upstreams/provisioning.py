"""Brings about, in whoever serves them, the resources that a project declares and callpark does not serve itself.

Asked by `calls.py` before each request to an upstream: nothing happens before the first one, so that a start does not
wait for the fallback; and a fallback that was started again gets them again. In AWS itself nothing is created.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from callpark.kernel.errors import CallerError
from callpark.upstreams.assignments import Emulator, Fallback, Nobody, RealAws, Server

_log = logging.getLogger("callpark")

Send: TypeAlias = Callable[[str, str, Mapping[str, object]], Awaitable[object]]
"""Calls an operation without asking this room first. Raises CallerError."""


class Step(msgspec.Struct, frozen=True):
    """An operation by botocore's names. Refusals with a code of `done` say that it was done before."""

    service: str
    operation: str
    parameters: Mapping[str, object]
    done: frozenset[str] = frozenset()


class Wanted(msgspec.Struct, frozen=True):
    """A resource: `name` and `type` for people, and the steps that bring it about, all of one service."""

    name: str
    type: str
    steps: tuple[Step, ...]

    @property
    def service(self) -> str:
        return self.steps[0].service

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


class _Site:
    """One server, as it is now. `made` are the resources that it has from us; `settled` the wishes it was last asked
    for."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.made: list[Wanted] = []
        self.settled: tuple[Wanted, ...] | None = None
        self.lock = asyncio.Lock()


class Provisioning:
    """`server` is the choice of who serves a service, `generation` how often the fallback was started."""

    def __init__(self, server: Callable[[str], Server], generation: Callable[[], int], send: Send) -> None:
        self._server = server
        self._generation = generation
        self._send = send
        self._wanted: tuple[Wanted, ...] = ()
        self._sites: dict[Server, _Site] = {}

    def want(self, wanted: Sequence[Wanted]) -> list[str]:
        """From now on these are to exist; what existed before stays. Returns warnings."""
        self._wanted = tuple(wanted)
        return [*self._nobody_serves(), *self._must_be_there()]

    async def prepare(self, server: Server) -> None:
        """Create what a server lacks. What fails is told in a warning, once."""
        if not self._wanted or not isinstance(server, Emulator | Fallback):
            return
        generation = self._generation() if isinstance(server, Fallback) else 0
        site = self._sites.get(server)
        if site is None or site.generation != generation:
            site = self._sites[server] = _Site(generation)
        if site.settled is self._wanted:
            return
        async with site.lock:
            wanted = self._wanted
            if site.settled is not wanted:
                await self._create(server, site, wanted)
                site.settled = wanted

    async def _create(self, server: Server, site: _Site, wanted: Sequence[Wanted]) -> None:
        changed = {one.name for one in site.made}
        for one in wanted:
            if one not in site.made and self._server(one.service) == server:
                await self._bring_about(one, is_change=one.name in changed)
                site.made = [made for made in site.made if made.name != one.name] + [one]

    async def _bring_about(self, wanted: Wanted, *, is_change: bool) -> None:
        for step in wanted.steps:
            try:
                await self._send(step.service, step.operation, step.parameters)
            except CallerError as error:
                if error.code not in step.done:
                    reason = f"{step.operation}: {error.code}: {error.message}"
                    _log.warning("the project's %s could not be made: %s", wanted, reason)
                    return
                if is_change:
                    _log.warning(
                        "the project's %s exists and stays as it is: changes of %s are not made", wanted, step.operation
                    )

    def _nobody_serves(self) -> list[str]:
        found = [(one, server) for one in self._wanted if isinstance(server := self._server(one.service), Nobody)]
        if not found:
            return []
        names = ", ".join(str(one) for one, _ in found)
        services = sorted({one.service for one, _ in found})
        _, server = found[0]
        return [f"nobody serves {', '.join(services)} here, so these are names only: {names}; {server.remedy}"]

    def _must_be_there(self) -> list[str]:
        names = ", ".join(str(one) for one in self._wanted if isinstance(self._server(one.service), RealAws))
        return [f"in AWS itself nothing is created; these must be there already: {names}"] if names else []

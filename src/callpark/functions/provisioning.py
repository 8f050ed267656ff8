"""Provisioned concurrency: how many environments of a version are kept initialised.

Reached as `Functions.provisioning`; called by `api/concurrency.py`.

What is asked for belongs to the function and is durable; how far it has come is known here, in memory. `reconcile` is
told of every change of a function and starts what is missing; after a restart everything starts again.
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from callpark.functions import names, refusals, versions
from callpark.functions.concurrency import VersionKey
from callpark.functions.environments.ports import Deployment, Environments, EnvironmentUnavailable
from callpark.functions.model import Function, ProvisionedConcurrency
from callpark.functions.registrar import Registrar
from callpark.kernel.clock import sleep
from callpark.kernel.errors import ProjectError
from callpark.kernel.tasks import Tasks

_log = logging.getLogger("callpark")

ProvisioningStatus: TypeAlias = Literal["IN_PROGRESS", "READY", "FAILED"]

_NOT_FOUND = "No Provisioned Concurrency Config found for this function"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A configuration and how far it has come."""

    qualifier: str
    requested: int
    available: int
    status: ProvisioningStatus
    reason: str | None
    last_modified: float


@dataclass(slots=True)
class _Keeping:
    """What is being done for one version."""

    count: int
    asked_at: float
    revision: str = ""
    available: int = 0
    status: ProvisioningStatus = "IN_PROGRESS"
    reason: str | None = None
    task: "asyncio.Task[None] | None" = None


class Provisioning:
    def __init__(
        self,
        registrar: Registrar,
        environments: Environments,
        deployment: Callable[[str, str], Awaitable[Deployment]],
        holds: Callable[[str], bool] = lambda function: True,
    ) -> None:
        self._holds = holds
        self._registrar = registrar
        self._catalogue = registrar.catalogue
        self._environments = environments
        self._deployment = deployment
        self._keeping: dict[VersionKey, _Keeping] = {}
        self._tasks = Tasks("provisioned concurrency")

    async def put(self, function: str, qualifier: str, requested: int) -> Provisioned:
        """Raises CallerError."""
        name, qualifier = self._target(function, qualifier)
        asked = ProvisionedConcurrency(requested, self._registrar.clock.now())

        def change(current: Function) -> Function:
            self._check(current, qualifier, requested)
            return replace(current, provisioned={**current.provisioned, qualifier: asked})

        await self._registrar.change(name, change)
        return Provisioned(qualifier, requested, 0, "IN_PROGRESS", None, asked.last_modified)

    def get(self, function: str, qualifier: str) -> Provisioned:
        """Raises CallerError."""
        name, qualifier = self._target(function, qualifier)
        found, _ = self._catalogue.find(name)
        if qualifier not in found.provisioned:
            raise refusals.provisioned_not_found(_NOT_FOUND)
        return self._provisioned(found, qualifier)

    def all_of(self, function: str) -> Sequence[Provisioned]:
        """By qualifier. Raises CallerError."""
        found, _ = self._catalogue.find(self._registrar.unqualified(function))
        return [self._provisioned(found, qualifier) for qualifier in sorted(found.provisioned)]

    async def delete(self, function: str, qualifier: str) -> None:
        """Nothing happens when there is none. Raises CallerError."""
        name, qualifier = self._target(function, qualifier)

        def change(current: Function) -> Function:
            if qualifier not in current.provisioned:
                return current
            kept = {key: value for key, value in current.provisioned.items() if key != qualifier}
            return replace(current, provisioned=kept)

        await self._registrar.change(name, change)

    def reconcile(self, changed: Sequence[str]) -> None:
        """Bring the environments of these functions to what is asked for."""
        for name in changed:
            function = self._catalogue.get(name)
            wanted = {} if function is None or not self._holds(name) else _wanted(function)
            for key in [key for key in self._keeping if key[0] == name and key[1] not in wanted]:
                self._stop(key)
            for version, asked in wanted.items():
                self._keep((name, version), asked)

    async def settled(self) -> None:
        """Until nothing is in progress any longer."""
        while tasks := [kept.task for kept in self._keeping.values() if kept.task is not None]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        await self._tasks.aclose()

    # Inside

    def _keep(self, key: VersionKey, asked: ProvisionedConcurrency) -> None:
        kept = self._keeping.get(key)
        if kept is not None and (kept.count, kept.asked_at) == (asked.requested, asked.last_modified):
            if kept.task is None:
                kept.task = self._tasks.spawn(self._renew(key, kept), f"{key[0]}:{key[1]}")
            return
        if kept is not None and kept.task is not None:
            kept.task.cancel()
        kept = self._keeping[key] = _Keeping(asked.requested, asked.last_modified)
        kept.task = self._tasks.spawn(self._provide(key, kept), f"{key[0]}:{key[1]}")

    def _stop(self, key: VersionKey) -> None:
        kept = self._keeping.pop(key)
        if kept.task is not None:
            kept.task.cancel()
        self._tasks.spawn(self._withdraw(key), f"{key[0]}:{key[1]}")

    async def _renew(self, key: VersionKey, kept: _Keeping) -> None:
        """The function has changed in some way; only another revision of this version needs new environments."""
        try:
            if (await self._deployment(*key)).revision == kept.revision:
                kept.task = None
                return
        except (EnvironmentUnavailable, ProjectError):
            kept.task = None
            return
        kept.status, kept.available = "IN_PROGRESS", 0
        await self._provide(key, kept)

    async def _provide(self, key: VersionKey, kept: _Keeping) -> None:
        seconds = self._registrar.limits.provisioning_seconds
        if seconds:
            await sleep(self._registrar.clock, seconds, f"provisioned concurrency of {key[0]}:{key[1]}")
        try:
            deployment = await self._deployment(*key)
            kept.available = await self._environments.provision(deployment, kept.count)
            kept.revision = deployment.revision
        except (EnvironmentUnavailable, ProjectError) as error:
            _log.warning("provisioned concurrency of %s:%s: %s", *key, error)
        ready = kept.available >= kept.count
        kept.status = "READY" if ready else "FAILED"
        kept.reason = None if ready else "FUNCTION_ERROR_INIT_FAILURE"
        if not ready:
            _log.warning(
                "provisioned concurrency of %s:%s: %d of %d environments could be initialised",
                *key,
                kept.available,
                kept.count,
            )
        kept.task = None

    async def _withdraw(self, key: VersionKey) -> None:
        try:
            await self._environments.provision(await self._deployment(*key), 0)
        except (EnvironmentUnavailable, ProjectError):
            return  # deleted, and its environments with it

    def _provisioned(self, function: Function, qualifier: str) -> Provisioned:
        asked = function.provisioned[qualifier]
        key = (function.configuration.name, versions.shown(function, qualifier).number)
        kept = self._keeping.get(key)
        if kept is None:
            return Provisioned(qualifier, asked.requested, 0, "IN_PROGRESS", None, asked.last_modified)
        return Provisioned(qualifier, asked.requested, kept.available, kept.status, kept.reason, asked.last_modified)

    def _target(self, function: str, qualifier: str) -> tuple[str, str]:
        """Raises CallerError for what cannot have provisioned concurrency."""
        reference = names.parse(function, qualifier, self._registrar.place)
        if reference.qualifier is None or reference.qualifier == names.LATEST:
            raise refusals.invalid_parameter("The function resource provided must be an alias or a published version.")
        found, reference = self._catalogue.find(function, qualifier)
        assert reference.qualifier is not None
        return found.configuration.name, reference.qualifier

    def _check(self, function: Function, qualifier: str, requested: int) -> None:
        version = versions.shown(function, qualifier).number
        others = {key: kept for key, kept in function.provisioned.items() if key != qualifier}
        for other in others:
            if versions.shown(function, other).number == version:
                raise refusals.conflict(
                    "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
                    if qualifier in function.aliases
                    else "Version is pointed by a Provisioned Concurrency alias"
                )
        reserved = function.reserved_concurrency
        if reserved is not None:
            if requested + sum(kept.requested for kept in others.values()) > reserved:
                raise refusals.invalid_parameter(
                    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution "
                    "for function"
                )
            return
        self._check_account(function, qualifier, requested)

    def _check_account(self, function: Function, qualifier: str, requested: int) -> None:
        limits = self._registrar.limits
        before = function.provisioned.get(qualifier)
        taken = self._catalogue.shares().taken() - (before.requested if before is not None else 0)
        left = limits.account_concurrency - taken
        if requested > left:
            raise refusals.invalid_account_parameter(
                "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
                f"[{left}]."
            )
        if left - requested < limits.unreserved_concurrency:
            raise refusals.invalid_account_parameter(
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{limits.unreserved_concurrency}]."
            )


def _wanted(function: Function) -> dict[str, ProvisionedConcurrency]:
    """By version."""
    return {versions.shown(function, qualifier).number: asked for qualifier, asked in function.provisioned.items()}

"""Changes of functions, one after another: computed, made durable, then told to the service.

Shared by the rooms of the control plane (`administration.py`, `publishing.py`, `policies.py`, `provisioning.py`,
`urls.py`). A room says how a `Function` becomes another one; what it raises leaves everything as it was.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

from callpark.functions import configuration, names, refusals
from callpark.functions.catalogue import Brought, Catalogue, digests_of
from callpark.functions.model import Function
from callpark.functions.transitions import Transitions
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import LambdaLimits

_log = logging.getLogger("callpark")

UNQUALIFIED_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


class Registrar:
    """`now_current` is told the names of functions that have changed or gone, `release` the archives that changed
    functions had, which others may still use. `remedy`: service → what lets somebody serve it, None when somebody
    does."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        clock: Clock,
        ids: Ids,
        limits: LambdaLimits,
        place: Place,
        now_current: Callable[[Sequence[str]], None],
        release: Callable[[Collection[str]], Awaitable[None]],
        remedy: Callable[[str], str | None],
    ) -> None:
        self.catalogue = catalogue
        self.clock = clock
        self.ids = ids
        self.limits = limits
        self.place = place
        self.transitions = Transitions(clock, limits.activation_seconds)
        self.changing = asyncio.Lock()
        self._now_current = now_current
        self._release = release
        self._remedy = remedy
        self._warned: set[str] = set()

    async def change(self, function: str, change: Callable[[Function], Function]) -> Function:
        """Raises CallerError, also what `change` raises."""
        async with self.changing:
            current, _ = self.catalogue.find(function)
            changed = change(current)
            if changed is not current:
                await self.save(changed)
        return changed

    async def save(self, function: Function) -> None:
        """Inside `changing` only."""
        self.warn_declared(function)
        await self.replace((function,))
        for warning in self.kept_only(function):
            self.warn_once(warning)

    async def replace(self, functions: Sequence[Function], removed: Sequence[str] = ()) -> None:
        """Inside `changing` only."""
        async with self._taking_place([*(function.configuration.name for function in functions), *removed]):
            await self.catalogue.replace(functions, removed)

    async def declare(self, brought: Sequence[Brought], functions: Sequence[Function], removed: Sequence[str]) -> None:
        """What a project brings; `functions` are those that are other than before. Inside `changing` only."""
        async with self._taking_place([*(function.configuration.name for function in functions), *removed]):
            await self.catalogue.declare(brought, functions, removed)

    @contextlib.asynccontextmanager
    async def _taking_place(self, names: Sequence[str]) -> AsyncIterator[None]:
        before = {digest for name in names if (old := self.catalogue.get(name)) for digest in digests_of(old)}
        yield
        await self._release(before)
        self._now_current(names)

    def unqualified(self, function: str) -> str:
        """The name in a request that may not carry a qualifier. Raises CallerError."""
        reference = names.parse(function, None, self.place)
        if reference.qualifier is not None:
            raise refusals.invalid_parameter(UNQUALIFIED_ONLY)
        if reference.account != self.place.account:
            there = Place(reference.account, self.place.region)
            raise refusals.function_not_found(there.arn("lambda", f"function:{reference.name}"))
        return reference.name

    def kept_only(self, function: Function) -> list[str]:
        """What the function says and callpark does not act on, one sentence each."""
        dated = function.event_invoke_configs.get(names.LATEST)
        config = dated.config if dated is not None else None
        return configuration.warnings(function.configuration, config, self._remedy)

    def warn_declared(self, function: Function) -> None:
        if function.declared:
            self.warn_once(
                f"function {function.configuration.name} belongs to the project: "
                "what the API changes lasts until the project is loaded again"
            )

    def warn_once(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            _log.warning("%s", warning)


def check_revision(given: str | None, current: str, operation: str = "GetFunction/GetAlias") -> None:
    """Raises CallerError."""
    if given is not None and given != current:
        raise refusals.precondition_failed(
            "The Revision Id provided does not match the latest Revision Id. "
            f"Call the {operation} API to retrieve the latest Revision Id"
        )

"""How functions come, change and go: the control plane. Reached as `Functions.administration`; called by `api/`.

Every change is computed by `changes.py`, made durable by `catalogue.py`, and then told to the service, which retires
environments and wakes queues. Changes are made one after another; uploads are checked and unpacked before their turn.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from callpark.functions import changes, configuration, names, refusals
from callpark.functions.catalogue import Catalogue
from callpark.functions.changes import ConfigurationEdit
from callpark.functions.code.packages import Packages
from callpark.functions.model import (
    DatedEventInvokeConfig,
    EventInvokeConfig,
    Function,
    FunctionConfiguration,
    FunctionDefinition,
)
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import LambdaLimits

_log = logging.getLogger("callpark")

_NO_FUNCTION = "The function doesn't exist."
_UNQUALIFIED_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


class Administration:
    """`now_current` is told the names of functions that have changed or gone."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        packages: Packages,
        clock: Clock,
        ids: Ids,
        limits: LambdaLimits,
        place: Place,
        now_current: Callable[[Sequence[str]], None],
    ) -> None:
        self._catalogue = catalogue
        self._packages = packages
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._place = place
        self._now_current = now_current
        self._changing = asyncio.Lock()
        self._warned: set[str] = set()

    # Functions

    async def declare(self, definitions: Sequence[FunctionDefinition]) -> list[str]:
        """Bring a project's functions and remove those it no longer has; all or nothing. Returns warnings. Raises
        ProjectError."""
        self._check_definitions(definitions)
        identities = [await self._packages.identify(definition.code) for definition in definitions]
        async with self._changing:
            now = self._clock.now()
            brought: list[Function] = []
            for definition, identity in zip(definitions, identities, strict=True):
                previous = self._catalogue.get(definition.configuration.name)
                brought.append(changes.declared(previous, definition, identity, self._ids.uuid(), now))
            kept = {function.configuration.name for function in brought}
            gone = [f.configuration.name for f in self._catalogue if f.declared and f.configuration.name not in kept]
            changed = [f for f in brought if self._catalogue.get(f.configuration.name) is not f]
            await self._catalogue.replace(changed, gone)
            self._now_current([*(f.configuration.name for f in changed), *gone])
        return [warning for function in brought for warning in _warnings(function)]

    async def create_function(
        self,
        function: FunctionConfiguration,
        zip_file: bytes,
        *,
        tags: Mapping[str, str],
        inert: Mapping[str, object],
    ) -> Function:
        """Raises CallerError."""
        configuration.check(function, self._limits)
        self._refuse_existing(function.name)
        code, identity = await self._packages.keep(zip_file)
        async with self._changing:
            self._refuse_existing(function.name)
            created = Function(
                configuration=function,
                code=code,
                identity=identity,
                revision_id=self._ids.uuid(),
                last_modified=self._clock.now(),
                tags=tags,
                inert=inert,
            )
            await self._save(created)
        return created

    async def update_code(
        self, function: str, zip_file: bytes, *, revision_id: str | None = None, dry_run: bool = False
    ) -> Function:
        """Events that wait run the new code. Raises CallerError."""
        current, _ = self._catalogue.find(function)
        code, identity = await self._packages.keep(zip_file)

        def change(current: Function) -> Function:
            _check_revision(current, revision_id)
            return changes.with_code(current, code, identity, self._ids.uuid(), self._clock.now())

        return change(current) if dry_run else await self._change(function, change)

    async def update_configuration(
        self,
        function: str,
        edit: ConfigurationEdit,
        *,
        inert: Mapping[str, object],
        revision_id: str | None = None,
    ) -> Function:
        """Raises CallerError."""

        def change(current: Function) -> Function:
            _check_revision(current, revision_id)
            changed = changes.with_configuration(current, edit, inert, self._ids.uuid(), self._clock.now())
            configuration.check(changed.configuration, self._limits)
            return changed

        return await self._change(function, change)

    async def delete_function(self, function: str, qualifier: str | None = None) -> None:
        """Events that wait are discarded. Raises CallerError."""
        _, reference = self._catalogue.find(function, qualifier)
        if reference.qualifier is not None:
            raise refusals.invalid_parameter("$LATEST version cannot be deleted without deleting the function.")
        async with self._changing:
            found, _ = self._catalogue.find(function, qualifier)
            self._warn_declared(found)
            await self._catalogue.replace((), (reference.name,))
            self._now_current((reference.name,))

    async def change_tags(self, function: str, tags: Mapping[str, str], removed: Sequence[str] = ()) -> None:
        """Add `tags`, remove those whose keys are in `removed`. Raises CallerError."""

        def change(current: Function) -> Function:
            kept = {key: value for key, value in {**current.tags, **tags}.items() if key not in removed}
            return replace(current, tags=kept)

        await self._change(function, change)

    # Event invoke configurations: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html

    async def put_event_invoke_config(
        self, function: str, qualifier: str | None, config: EventInvokeConfig
    ) -> DatedEventInvokeConfig:
        """Replace everything. Raises CallerError."""
        name, qualifier = self._configurable(function, qualifier)
        self._check_destinations(name, config)
        dated = DatedEventInvokeConfig(_without_empty(config), self._clock.now())
        await self._change(name, lambda current: changes.with_event_invoke_config(current, qualifier, dated))
        return dated

    async def update_event_invoke_config(
        self, function: str, qualifier: str | None, config: EventInvokeConfig
    ) -> DatedEventInvokeConfig:
        """Replace what is given. Raises CallerError; there must be a configuration."""
        name, qualifier = self._configurable(function, qualifier)
        self.event_invoke_config(name, qualifier)
        self._check_destinations(name, config)

        def change(current: Function) -> Function:
            previous = current.event_invoke_configs[qualifier].config
            dated = DatedEventInvokeConfig(changes.merged(previous, config), self._clock.now())
            return changes.with_event_invoke_config(current, qualifier, dated)

        return (await self._change(name, change)).event_invoke_configs[qualifier]

    def event_invoke_config(self, function: str, qualifier: str | None) -> DatedEventInvokeConfig:
        """Raises CallerError; an unknown function has none, like any other."""
        reference = names.parse(function, qualifier, self._place)
        found = self._catalogue.get(reference.name)
        config = found.event_invoke_configs.get(reference.qualifier or names.LATEST) if found is not None else None
        if config is None:
            arn = f"{self._catalogue.arn(reference.name)}:{reference.qualifier or names.LATEST}"
            raise refusals.not_found(f"The function {arn} doesn't have an EventInvokeConfig")
        return config

    async def delete_event_invoke_config(self, function: str, qualifier: str | None) -> None:
        """Raises CallerError."""
        self.event_invoke_config(function, qualifier)
        reference = names.parse(function, qualifier, self._place)
        key = reference.qualifier or names.LATEST
        await self._change(reference.name, lambda current: changes.without_event_invoke_config(current, key))

    def event_invoke_configs(self, function: str) -> Mapping[str, DatedEventInvokeConfig]:
        """By qualifier. Raises CallerError."""
        name, _ = self._configurable(function, None)
        found, _ = self._catalogue.find(name)
        return found.event_invoke_configs

    # Reserved concurrency: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html

    async def put_concurrency(self, function: str, reserved: int) -> None:
        """Raises CallerError."""
        name = self._unqualified(function)
        self._catalogue.find_invoked(name)

        def change(current: Function) -> Function:
            others = {key: value for key, value in self._catalogue.reservations().items() if key != name}
            if self._limits.account_concurrency - sum(others.values()) - reserved < self._limits.unreserved_concurrency:
                raise refusals.invalid_account_parameter(
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                    f"UnreservedConcurrentExecution below its minimum value of [{self._limits.unreserved_concurrency}]."
                )
            return replace(current, reserved_concurrency=reserved)

        await self._change(name, change)

    def concurrency(self, function: str) -> int | None:
        """Raises CallerError."""
        found, _ = self._catalogue.find(self._unqualified(function))
        return found.reserved_concurrency

    async def delete_concurrency(self, function: str) -> None:
        """Raises CallerError."""
        await self._change(self._unqualified(function), lambda current: replace(current, reserved_concurrency=None))

    # Inside

    async def _change(self, function: str, change: Callable[[Function], Function]) -> Function:
        async with self._changing:
            current, _ = self._catalogue.find(function)
            changed = change(current)
            await self._save(changed)
        return changed

    async def _save(self, function: Function) -> None:
        self._warn_declared(function)
        await self._catalogue.replace((function,))
        self._now_current((function.configuration.name,))
        for warning in _warnings(function):
            self._warn_once(warning)

    def _warn_declared(self, function: Function) -> None:
        if function.declared:
            self._warn_once(
                f"function {function.configuration.name} belongs to the project: "
                "what the API changes lasts until the project is loaded again"
            )

    def _warn_once(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            _log.warning("%s", warning)

    def _refuse_existing(self, name: str) -> None:
        if name in self._catalogue:
            raise refusals.conflict(f"Function already exist: {name}")

    def _unqualified(self, function: str) -> str:
        reference = names.parse(function, None, self._place)
        if reference.qualifier is not None:
            raise refusals.invalid_parameter(_UNQUALIFIED_ONLY)
        return reference.name

    def _configurable(self, function: str, qualifier: str | None) -> tuple[str, str]:
        """Name and qualifier of what may have an event-invoke configuration."""
        reference = names.parse(function, qualifier, self._place)
        key = reference.qualifier or names.LATEST
        if reference.name not in self._catalogue or key != names.LATEST:
            raise refusals.not_found(_NO_FUNCTION)
        return reference.name, key

    def _check_destinations(self, name: str, config: EventInvokeConfig) -> None:
        changes.check_event_invoke_config(config)
        for target in (config.on_success, config.on_failure):
            if target and ":lambda:" in target:
                self._check_function_destination(name, target)

    def _check_function_destination(self, name: str, target: str) -> None:
        try:
            found, reference = self._catalogue.find(target)
        except CallerError:
            raise refusals.invalid_parameter(f"The destination ARN {target} is invalid.") from None
        if found.configuration.name == name and reference.qualifier in (None, names.LATEST):
            raise refusals.invalid_parameter("You can't specify the function as a destination for itself.")

    def _check_definitions(self, definitions: Sequence[FunctionDefinition]) -> None:
        seen: set[str] = set()
        for definition in definitions:
            name = definition.configuration.name
            if name in seen:
                raise ProjectError(f"two functions are named {name}", "give each function its own FunctionName")
            seen.add(name)
            try:
                names.parse_new(name, self._place)
                configuration.check(definition.configuration, self._limits)
                if definition.event_invoke_config is not None:
                    changes.check_event_invoke_config(definition.event_invoke_config)
            except CallerError as refusal:
                raise ProjectError(
                    f"function {name}: {refusal.message}", "correct the function in the template; AWS refuses it too"
                ) from None


def _check_revision(function: Function, revision_id: str | None) -> None:
    if revision_id is not None and revision_id != function.revision_id:
        raise refusals.precondition_failed(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )


def _without_empty(config: EventInvokeConfig) -> EventInvokeConfig:
    return replace(config, on_success=config.on_success or None, on_failure=config.on_failure or None)


def _warnings(function: Function) -> list[str]:
    dated = function.event_invoke_configs.get(names.LATEST)
    return configuration.warnings(function.configuration, dated.config if dated is not None else None)

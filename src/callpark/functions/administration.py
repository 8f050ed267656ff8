"""How functions come, change and go: the control plane. Reached as `Functions.administration`; called by `api/`.

Every change is computed by `changes.py` and made by the `Registrar`; uploads are checked and unpacked before their
turn. Versions and aliases: `publishing.py`.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from callpark.functions import changes, configuration, declarations, names, records, refusals, versions
from callpark.functions.catalogue import Brought
from callpark.functions.changes import ConfigurationEdit
from callpark.functions.code.packages import Packages
from callpark.functions.layers import Layers
from callpark.functions.model import (
    CodeIdentity,
    DatedEventInvokeConfig,
    EventInvokeConfig,
    Function,
    FunctionConfiguration,
    FunctionDefinition,
)
from callpark.functions.registrar import Registrar, check_revision
from callpark.kernel.errors import CallerError, ProjectError

_NO_FUNCTION = "The function doesn't exist."


class Administration:
    def __init__(self, registrar: Registrar, packages: Packages, layers: Layers) -> None:
        self._registrar = registrar
        self._catalogue = registrar.catalogue
        self._packages = packages
        self._layers = layers
        self._clock = registrar.clock
        self._ids = registrar.ids
        self._limits = registrar.limits
        self._place = registrar.place

    # Functions

    async def declare(self, definitions: Sequence[FunctionDefinition]) -> list[str]:
        """Bring a project's functions and remove those it no longer has; all or nothing. Returns warnings. Raises
        ProjectError."""
        self._check_definitions(definitions)
        identities = [await self._packages.identify(definition.code) for definition in definitions]
        async with self._registrar.changing:
            await self._catalogue.read_amendments()
            brought = [
                self._brought(definition, identity)
                for definition, identity in zip(definitions, identities, strict=True)
            ]
            functions = [function for each in brought if (function := self._catalogue.amended(each)) is not None]
            kept = {function.configuration.name for function in functions}
            gone = [f.configuration.name for f in self._catalogue if f.declared and f.configuration.name not in kept]
            changed = [f for f in functions if self._catalogue.get(f.configuration.name) is not f]
            await self._registrar.declare(brought, changed, gone)
        return [line for function in functions for line in self._registrar.kept_only(function)]

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
        self._layers.check(function)
        self._refuse_existing(function.name)
        async with self._packages.keeping(zip_file) as (code, identity), self._registrar.changing:
            self._refuse_existing(function.name)
            created = Function(
                configuration=function,
                code=code,
                identity=identity,
                revision_id=self._ids.uuid(),
                last_modified=self._clock.now(),
                tags=tags,
                inert=inert,
                published=self._catalogue.published(function.name),
            )
            await self._registrar.save(created)
            self._registrar.transitions.begin(function.name, names.LATEST, "created")
        return created

    async def update_code(
        self,
        function: str,
        zip_file: bytes,
        *,
        inert: Mapping[str, object],
        revision_id: str | None = None,
        dry_run: bool = False,
    ) -> Function:
        """Events that wait run the new code. Raises CallerError."""
        name, arn = self._changeable(function)
        transitions = self._registrar.transitions
        async with contextlib.AsyncExitStack() as upload:
            with transitions.uploading(name):
                code, identity = await upload.enter_async_context(self._packages.keeping(zip_file))

            def change(current: Function) -> Function:
                transitions.refuse_change(name, arn)
                check_revision(revision_id, current.revision_id)
                return changes.with_code(current, code, identity, inert, self._ids.uuid(), self._clock.now())

            if dry_run:
                return change(self._catalogue.find(name)[0])
            changed = await self._registrar.change(name, change)
        self._registrar.transitions.begin(name, names.LATEST, "updated")
        return changed

    async def update_configuration(
        self,
        function: str,
        edit: ConfigurationEdit,
        *,
        inert: Mapping[str, object],
        revision_id: str | None = None,
    ) -> Function:
        """Raises CallerError."""
        name, arn = self._changeable(function)

        def change(current: Function) -> Function:
            self._registrar.transitions.refuse_change(name, arn)
            check_revision(revision_id, current.revision_id)
            changed = changes.with_configuration(current, edit, inert, self._ids.uuid(), self._clock.now())
            configuration.check(changed.configuration, self._limits)
            if edit.layers is not None:
                self._layers.check(changed.configuration)
            return changed

        changed = await self._registrar.change(name, change)
        self._registrar.transitions.begin(name, names.LATEST, "updated")
        return changed

    async def delete_function(self, function: str) -> None:
        """With its versions and aliases. Events that wait are discarded. Raises CallerError."""
        async with self._registrar.changing:
            found, reference = self._catalogue.find(function)
            self._registrar.warn_declared(found)
            await self._registrar.replace((), (reference.name,))
            self._registrar.transitions.forget(reference.name)

    async def change_tags(self, function: str, tags: Mapping[str, str], removed: Sequence[str] = ()) -> None:
        """Add `tags`, remove those whose keys are in `removed`. Raises CallerError."""

        def change(current: Function) -> Function:
            kept = {key: value for key, value in {**current.tags, **tags}.items() if key not in removed}
            return replace(current, tags=kept)

        if names.parse(function, None, self._place).qualifier is not None:
            raise refusals.invalid_parameter(
                "Tags on function aliases and versions are not supported. Please specify a function ARN."
            )
        await self._registrar.change(function, change)

    # Event invoke configurations: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html

    async def put_event_invoke_config(
        self, function: str, qualifier: str | None, config: EventInvokeConfig
    ) -> DatedEventInvokeConfig:
        """Replace everything. Raises CallerError."""
        name, qualifier = self._configurable(function, qualifier)
        self._check_destinations(name, config)
        dated = DatedEventInvokeConfig(_without_empty(config), self._clock.now())
        await self._registrar.change(name, lambda current: changes.with_event_invoke_config(current, qualifier, dated))
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

        return (await self._registrar.change(name, change)).event_invoke_configs[qualifier]

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
        await self._registrar.change(reference.name, lambda current: changes.without_event_invoke_config(current, key))

    def event_invoke_configs(self, function: str) -> Mapping[str, DatedEventInvokeConfig]:
        """By qualifier. Raises CallerError."""
        name, _ = self._configurable(function, None)
        found, _ = self._catalogue.find(name)
        return found.event_invoke_configs

    # Reserved concurrency: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html

    async def put_concurrency(self, function: str, reserved: int) -> None:
        """Raises CallerError."""
        name = self._registrar.unqualified(function)
        self._catalogue.find_invoked(name)

        def change(current: Function) -> Function:
            changes.check_reservation(current, reserved)
            others = {key: value for key, value in self._catalogue.reservations().items() if key != name}
            if self._limits.account_concurrency - sum(others.values()) - reserved < self._limits.unreserved_concurrency:
                raise refusals.invalid_account_parameter(
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                    f"UnreservedConcurrentExecution below its minimum value of [{self._limits.unreserved_concurrency}]."
                )
            return replace(current, reserved_concurrency=reserved)

        await self._registrar.change(name, change)

    def concurrency(self, function: str) -> int | None:
        """Raises CallerError."""
        found, _ = self._catalogue.find(self._registrar.unqualified(function))
        return found.reserved_concurrency

    async def delete_concurrency(self, function: str) -> None:
        """Raises CallerError."""
        name = self._registrar.unqualified(function)
        await self._registrar.change(name, lambda current: replace(current, reserved_concurrency=None))

    # Inside

    def _changeable(self, function: str) -> tuple[str, str]:
        """Name and ARN of a function that no other change is under way for. Raises CallerError."""
        found, reference = self._catalogue.find(self._registrar.unqualified(function))
        arn = self._catalogue.arn(reference.name)
        self._registrar.transitions.refuse_change(found.configuration.name, arn)
        return reference.name, arn

    def _brought(self, definition: FunctionDefinition, identity: CodeIdentity) -> Brought:
        previous = self._catalogue.get(definition.configuration.name)
        arn, now = self._arn(definition), self._clock.now()
        function = declarations.declared(previous, definition, identity, self._ids, arn, now)
        return Brought(function, records.definition_said(definition, identity))

    def _arn(self, definition: FunctionDefinition) -> str:
        return self._catalogue.arn(definition.configuration.name)

    def _refuse_existing(self, name: str) -> None:
        if name in self._catalogue:
            raise refusals.conflict(f"Function already exist: {name}")

    def _configurable(self, function: str, qualifier: str | None) -> tuple[str, str]:
        """Name and qualifier of what may have an event-invoke configuration."""
        reference = names.parse(function, qualifier, self._place)
        key = reference.qualifier or names.LATEST
        found = self._catalogue.get(reference.name) if reference.account == self._place.account else None
        if found is None or not versions.knows(found, key):
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


def _without_empty(config: EventInvokeConfig) -> EventInvokeConfig:
    return replace(config, on_success=config.on_success or None, on_failure=config.on_failure or None)

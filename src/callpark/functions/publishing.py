"""Versions and aliases come and go. Reached as `Functions.publishing`; called by `api/versions.py`, `api/settings.py`.

A version of a function whose code lies in a project's directory is a snapshot: the directory is packed and kept like an
upload, so that later edits do not reach it.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from callpark.functions import changes, names, refusals, versions
from callpark.functions.code.packages import Packages
from callpark.functions.model import Alias, Code, Directory, Function, Version
from callpark.functions.registrar import Registrar, check_revision
from callpark.functions.transitions import Phase


class Publishing:
    def __init__(self, registrar: Registrar, packages: Packages) -> None:
        self._registrar = registrar
        self._catalogue = registrar.catalogue
        self._packages = packages

    async def publish(
        self,
        function: str,
        *,
        description: str | None = None,
        code_sha256: str | None = None,
        revision_id: str | None = None,
    ) -> tuple[Version, Phase]:
        """The new version, or the newest one when `$LATEST` has not changed since. Raises CallerError."""
        registrar = self._registrar
        current, _ = self._catalogue.find(registrar.unqualified(function))
        name = current.configuration.name
        self._check(current, code_sha256, revision_id)
        while (found := versions.published_already(current)) is None:
            async with self._snapshot(current.code) as code, registrar.changing:
                now_current, _ = self._catalogue.find(name)
                self._check(now_current, code_sha256, revision_id)
                if now_current is not current:
                    current = now_current
                    continue
                changed, version = versions.with_version(
                    current, code, description, registrar.ids.uuid(), registrar.clock.now()
                )
                await registrar.save(changed)
                registrar.transitions.begin(name, version.number, "created")
            return version, "created"
        return found, registrar.transitions.phase(name, found.number)

    @contextlib.asynccontextmanager
    async def _snapshot(self, code: Code) -> AsyncIterator[Code]:
        if not isinstance(code, Directory):
            yield code
            return
        async with self._packages.keeping(await self._packages.packed(code)) as (kept, _):
            yield kept

    def versions(self, function: str) -> Sequence[Version]:
        """`$LATEST`, then by number. Raises CallerError."""
        found, _ = self._catalogue.find(self._registrar.unqualified(function))
        return [versions.latest(found), *(found.versions[key] for key in sorted(found.versions, key=int))]

    async def delete_version(self, name: str, number: str) -> None:
        """Raises CallerError."""

        def change(current: Function) -> Function:
            if number not in current.versions:
                raise refusals.function_not_found(f"{self._catalogue.arn(name)}:{number}")
            return versions.without_version(current, number)

        await self._registrar.change(name, change)

    # Aliases: https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html

    async def create_alias(
        self, function: str, name: str, version: str, description: str, weights: Mapping[str, float]
    ) -> Alias:
        """Raises CallerError."""
        owner = self._registrar.unqualified(function)
        arn = self._catalogue.arn(owner)
        alias = Alias(name, version, description, self._registrar.ids.uuid(), dict(weights))

        def change(current: Function) -> Function:
            versions.check_routing(current, arn, version, weights)
            if name in current.aliases:
                raise refusals.conflict(f"Alias already exists: {arn}:{name}")
            return versions.with_alias(current, alias)

        await self._registrar.change(owner, change)
        return alias

    async def update_alias(
        self,
        function: str,
        name: str,
        *,
        version: str | None = None,
        description: str | None = None,
        weights: Mapping[str, float] | None = None,
        revision_id: str | None = None,
    ) -> Alias:
        """What is None stays. Raises CallerError."""
        owner = self._registrar.unqualified(function)
        arn = self._catalogue.arn(owner)
        new_revision = self._registrar.ids.uuid()

        def change(current: Function) -> Function:
            before = current.aliases.get(name)
            if before is None:
                raise refusals.not_found(f"Alias not found: {arn}:{name}")
            check_revision(revision_id, before.revision_id, "GetAlias")
            after = replace(
                before,
                version=before.version if version is None else version,
                description=before.description if description is None else description,
                weights=before.weights if weights is None else dict(weights),
                revision_id=new_revision,
            )
            versions.check_routing(current, arn, after.version, after.weights)
            return versions.with_alias(current, after)

        return (await self._registrar.change(owner, change)).aliases[name]

    def alias(self, function: str, name: str) -> Alias:
        """Raises CallerError."""
        found, _ = self._catalogue.find(self._registrar.unqualified(function))
        alias = found.aliases.get(name)
        if alias is None:
            arn = self._catalogue.arn(found.configuration.name)
            raise refusals.not_found(f"Cannot find alias arn: {arn}:{name}")
        return alias

    def aliases(self, function: str, version: str | None = None) -> Sequence[Alias]:
        """By name; with `version` those that send anything to it. Raises CallerError."""
        found, _ = self._catalogue.find(self._registrar.unqualified(function))
        return [
            found.aliases[name]
            for name in sorted(found.aliases)
            if version is None or version in (found.aliases[name].version, *found.aliases[name].weights)
        ]

    async def delete_alias(self, function: str, name: str) -> None:
        """Nothing happens when there is none. Raises CallerError for an unknown function."""
        owner = self._registrar.unqualified(function)
        await self._registrar.change(
            owner, lambda current: versions.without_alias(current, name) if name in current.aliases else current
        )

    # Recursion: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html

    async def put_recursion(self, function: str, recursive_loop: str) -> Function:
        """`recursive_loop` is one of AWS's two words; the gateway has seen to that. Raises CallerError."""
        name = self._registrar.unqualified(function)
        chosen = changes.recursive_loop(recursive_loop)
        return await self._registrar.change(name, lambda current: replace(current, recursive_loop=chosen))

    def recursion(self, function: str) -> str:
        """Raises CallerError."""
        found, _ = self._catalogue.find(self._registrar.unqualified(function))
        return found.recursive_loop

    def _check(self, function: Function, code_sha256: str | None, revision_id: str | None) -> None:
        check_revision(revision_id, function.revision_id)
        self._registrar.transitions.refuse_change(
            function.configuration.name, self._catalogue.arn(function.configuration.name)
        )
        if code_sha256 and code_sha256 != function.identity.sha256:
            raise refusals.invalid_parameter(
                f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in {names.LATEST} "
                f"({function.identity.sha256}). Please try again with the CodeSHA256 in {names.LATEST}."
            )

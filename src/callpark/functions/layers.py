"""Layers: published, listed, deleted, and found again by the functions that use them.

Reached as `Functions.layers`; called by `api/layers.py` and, for what a function may name, by `administration.py`. Kept
in the store's tables `layers` and `layer_counts`; a project's own layers are not stored, the project brings them again.
https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from callpark.functions import policies, records, refusals
from callpark.functions.code.packages import Packages
from callpark.functions.model import (
    Archive,
    Code,
    FunctionConfiguration,
    LayerDefinition,
    LayerVersion,
    Policy,
)
from callpark.functions.policies import Grant
from callpark.kernel.arn import Arn, Place
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import LambdaLimits
from callpark.store.ports import DeleteRow, SetRow, Store

_TABLE = "layers"
_COUNTS = "layer_counts"
_GONE = "The resource you requested does not exist."
_RESOURCE = re.compile(r"layer:([a-zA-Z0-9-_]+)(?::([0-9]+))?", re.ASCII)


class Layers:
    """`used` gives the ARNs that functions name, `release` forgets archives that nobody uses any more."""

    def __init__(
        self,
        store: Store,
        packages: Packages,
        clock: Clock,
        ids: Ids,
        limits: LambdaLimits,
        place: Place,
        used: Callable[[], frozenset[str]],
        release: Callable[[Collection[str]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._packages = packages
        self._clock = clock
        self._ids = ids
        self._used = used
        self._release = release
        self._limits = limits
        self._place = place
        self._layers: dict[str, dict[int, LayerVersion]] = {}
        self._counts: dict[str, int] = {}
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        for row in await self._store.scan(_TABLE):
            layer = records.layer_of(row.value)
            self._layers.setdefault(layer.name, {})[layer.number] = layer
        for row in await self._store.scan(_COUNTS):
            self._counts[row.key] = int(row.value)
        await self._purge()

    async def refresh(self) -> None:
        """Take note of layers that other nodes have published or deleted."""
        for row in await self._store.scan(_TABLE):
            layer = records.layer_of(row.value)
            self._layers.setdefault(layer.name, {})[layer.number] = layer
        for row in await self._store.scan(_COUNTS):
            self._counts[row.key] = int(row.value)

    async def prepare(self, definitions: Sequence[LayerDefinition]) -> Sequence[LayerVersion]:
        """A project's layers, each as version 1 of its name. Raises ProjectError when a folder is not there."""
        identities = [await self._packages.identify(definition.code) for definition in definitions]
        return [
            LayerVersion(
                name=definition.name,
                number=1,
                code=definition.code,
                identity=identity,
                created=self._clock.now(),
                description=definition.description,
                compatible_runtimes=definition.compatible_runtimes,
                compatible_architectures=definition.compatible_architectures,
                license_info=definition.license_info,
                declared=True,
            )
            for definition, identity in zip(definitions, identities, strict=True)
        ]

    async def declare(self, layers: Sequence[LayerVersion]) -> None:
        """Bring what `prepare` made, in the place of what a project brought before."""
        async with self._changing:
            for kept in self._layers.values():
                for number in [number for number, layer in kept.items() if layer.declared]:
                    del kept[number]
            for layer in layers:
                self._layers.setdefault(layer.name, {})[layer.number] = layer
                self._counts[layer.name] = max(layer.number, self._counts.get(layer.name, 0))

    async def publish(
        self,
        name: str,
        data: bytes,
        *,
        description: str = "",
        compatible_runtimes: tuple[str, ...] = (),
        compatible_architectures: tuple[str, ...] = (),
        license_info: str = "",
    ) -> LayerVersion:
        """Always a new version. Raises CallerError."""
        name = self._name(name)
        async with self._packages.keeping(data) as (code, identity), self._changing:
            layer = LayerVersion(
                name=name,
                number=self._counts.get(name, 0) + 1,
                code=code,
                identity=identity,
                created=self._clock.now(),
                description=description,
                compatible_runtimes=compatible_runtimes,
                compatible_architectures=compatible_architectures,
                license_info=license_info,
            )
            count = SetRow(_COUNTS, name, str(layer.number).encode())
            await self._store.commit((SetRow(_TABLE, _key(layer), records.layer_row(layer)), count))
            self._counts[name] = layer.number
            self._layers.setdefault(name, {})[layer.number] = layer
        return layer

    def version(self, name: str, number: int) -> LayerVersion:
        """Raises CallerError."""
        found = self._layers.get(self._name(name), {}).get(number)
        if found is None or found.deleted:
            raise refusals.not_found(_GONE)
        return found

    def version_by_arn(self, arn: str) -> LayerVersion:
        """Raises CallerError."""
        found = self._of_arn(arn)
        if found is None or found.deleted:
            raise refusals.not_found(_GONE)
        return found

    def versions(self, name: str) -> Sequence[LayerVersion]:
        """Newest first."""
        kept = self._layers.get(self._name(name), {})
        return [kept[number] for number in sorted(kept, reverse=True) if not kept[number].deleted]

    def names(self) -> Sequence[str]:
        return sorted(name for name in self._layers if self.versions(name))

    async def delete(self, name: str, number: int) -> None:
        """Functions that use it go on using it. Nothing happens when there is none."""
        name = self._name(name)
        async with self._changing:
            layer = self._layers.get(name, {}).get(number)
            if layer is None or layer.deleted:
                return
            if layer.declared:
                del self._layers[name][number]
                return
            gone = replace(layer, deleted=True)
            await self._store.commit((SetRow(_TABLE, _key(layer), records.layer_row(gone)),))
            self._layers[name][number] = gone
            await self._purge()

    async def _purge(self) -> None:
        """Forget deleted layers that no function uses any longer."""
        used = self._used()
        for layer in [layer for kept in self._layers.values() for layer in kept.values() if layer.deleted]:
            if self.version_arn(layer) in used:
                continue
            await self._store.commit((DeleteRow(_TABLE, _key(layer)),))
            del self._layers[layer.name][layer.number]
            if isinstance(layer.code, Archive):
                await self._release((layer.code.digest,))

    async def add_permission(self, name: str, number: int, grant: Grant) -> tuple[Mapping[str, object], str]:
        """The statement and the policy's revision id. Raises CallerError."""
        made = policies.statement(grant, self.version_arn(self.version(name, number)))
        layer = await self._change_policy(
            name, number, lambda policy: policies.added(policy, grant, made, self._ids.uuid(), self._limits)
        )
        assert layer.policy is not None
        return made, layer.policy.revision_id

    async def remove_permission(self, name: str, number: int, statement_id: str, revision_id: str | None) -> None:
        """Raises CallerError."""
        await self._change_policy(
            name, number, lambda policy: policies.removed(policy, statement_id, revision_id, self._ids.uuid())
        )

    async def _change_policy(
        self, name: str, number: int, change: Callable[[Policy | None], Policy | None]
    ) -> LayerVersion:
        async with self._changing:
            before = self.version(name, number)
            layer = replace(before, policy=change(before.policy))
            if not layer.declared:
                await self._store.commit((SetRow(_TABLE, _key(layer), records.layer_row(layer)),))
            self._layers[layer.name][number] = layer
        return layer

    def arn(self, name: str) -> str:
        return self._place.arn("lambda", f"layer:{name}")

    def version_arn(self, layer: LayerVersion) -> str:
        return f"{self.arn(layer.name)}:{layer.number}"

    # For functions

    def check(self, configuration: FunctionConfiguration) -> None:
        """What a function may name. Raises CallerError in AWS's words; layers of other accounts are let through."""
        arns = configuration.layers
        if len(arns) > self._limits.layers:
            raise refusals.invalid_parameter(f"Cannot reference more than {self._limits.layers} layers.")
        seen: dict[str, str] = {}
        for arn in arns:
            layer = arn.rpartition(":")[0]
            if layer in seen:
                raise refusals.invalid_parameter(
                    "Two different versions of the same layer are not allowed to be referenced in the same function. "
                    f"{seen[layer]} and {arn} versions found."
                )
            seen[layer] = arn
            found = None if self._foreign(arn) else self._of_arn(arn)
            if not self._foreign(arn) and (found is None or (found.deleted and arn not in self._used())):
                raise refusals.invalid_parameter(f"Layer version {arn} does not exist.")

    def warning(self, configuration: FunctionConfiguration) -> str | None:
        """Which layers a function has to do without."""
        absent = [arn for arn in configuration.layers if self._of_arn(arn) is None]
        if not absent:
            return None
        return f"function {configuration.name} runs without layers that are not on this machine: {', '.join(absent)}"

    def codes(self, configuration: FunctionConfiguration) -> tuple[tuple[Code, str], ...]:
        """Code and identity of the layers that are here, lowest first."""
        found = (self._of_arn(arn) for arn in configuration.layers)
        return tuple((layer.code, layer.identity.sha256) for layer in found if layer is not None)

    def sizes(self, configuration: FunctionConfiguration) -> Mapping[str, int]:
        """ARN → bytes; 0 for what is not here."""
        found = ((arn, self._of_arn(arn)) for arn in configuration.layers)
        return {arn: 0 if layer is None else layer.identity.size for arn, layer in found}

    def bytes(self) -> int:
        """What all versions of all layers hold."""
        return sum(layer.identity.size for versions in self._layers.values() for layer in versions.values())

    def digests(self) -> frozenset[str]:
        """The archives that are in use."""
        kept = (layer for versions in self._layers.values() for layer in versions.values())
        return frozenset(layer.code.digest for layer in kept if isinstance(layer.code, Archive))

    def _of_arn(self, text: str) -> LayerVersion | None:
        arn = Arn.parse(text)
        if arn is None or self._foreign(text):
            return None
        found = _RESOURCE.fullmatch(arn.resource)
        if found is None or found[2] is None:
            return None
        return self._layers.get(found[1], {}).get(int(found[2]))

    def _foreign(self, text: str) -> bool:
        arn = Arn.parse(text)
        return arn is not None and arn.account != self._place.account

    def _name(self, name: str) -> str:
        """A layer is named by its name or ARN."""
        arn = Arn.parse(name)
        found = _RESOURCE.fullmatch(arn.resource) if arn is not None else None
        return found[1] if found is not None else name


def _key(layer: LayerVersion) -> str:
    return f"{layer.name}:{layer.number:010d}"

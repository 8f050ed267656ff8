"""All functions by name: in memory for reading, in the store's table `functions` for the next start.

Called by `service.py`. A project's own functions are not stored: the project brings them again. A change is seen once
it is durable.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from callpark.functions import names, refusals
from callpark.functions.model import Archive, CodeIdentity, DatedEventInvokeConfig, Function, FunctionConfiguration
from callpark.functions.names import FunctionReference
from callpark.kernel.arn import Place
from callpark.kernel.errors import RuntimeBug
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_TABLE = "functions"


class _Row(msgspec.Struct, frozen=True):
    configuration: FunctionConfiguration
    archive: Archive
    identity: CodeIdentity
    revision_id: str
    last_modified: float
    reserved_concurrency: int | None
    event_invoke_configs: dict[str, DatedEventInvokeConfig]
    tags: dict[str, str]
    inert: dict[str, object]


_decode = msgspec.json.Decoder(_Row).decode


class Catalogue:
    def __init__(self, store: Store, place: Place) -> None:
        self._store = store
        self._place = place
        self._functions: dict[str, Function] = {}

    async def load(self) -> None:
        for row in await self._store.scan(_TABLE):
            self._functions.setdefault(row.key, _function(_decode(row.value)))

    def get(self, name: str) -> Function | None:
        return self._functions.get(name)

    def __contains__(self, name: str) -> bool:
        return name in self._functions

    def __iter__(self) -> Iterator[Function]:
        """By name."""
        return iter([self._functions[name] for name in sorted(self._functions)])

    def arn(self, name: str) -> str:
        """A function's unqualified ARN, whether or not it exists."""
        return self._place.arn("lambda", f"function:{name}")

    def find(self, function: str, qualifier: str | None = None) -> tuple[Function, FunctionReference]:
        """What a name or ARN means. Raises CallerError; the refusal names the ARN as GetFunction does, unqualified
        unless the caller qualified it."""
        reference = names.parse(function, qualifier, self._place)
        found = self._functions.get(reference.name) if reference.account == self._place.account else None
        if found is None or reference.qualifier not in (None, names.LATEST):
            raise refusals.function_not_found(self._asked_for(reference))
        return found, reference

    def find_invoked(self, function: str, qualifier: str | None = None) -> tuple[str, str | None]:
        """Name and qualifier of what is to be invoked. Raises CallerError; the refusal names a qualified ARN."""
        reference = names.parse(function, qualifier, self._place)
        known = reference.account == self._place.account and reference.name in self._functions
        if not known or reference.qualifier not in (None, names.LATEST):
            raise refusals.function_not_found(self._asked_for(reference, names.LATEST))
        return reference.name, reference.qualifier

    async def replace(self, functions: Iterable[Function], removed: Iterable[str] = ()) -> None:
        """Put functions in the place of those with their names, and remove others, durably and at once."""
        functions, removed = tuple(functions), tuple(removed)
        changes: list[Change] = [self._set(function) for function in functions if not function.declared]
        changes += [
            DeleteRow(_TABLE, function.configuration.name)
            for function in functions
            if function.declared and self._is_stored(function.configuration.name)
        ]
        changes += [DeleteRow(_TABLE, name) for name in removed if self._is_stored(name)]
        if changes:
            await self._store.commit(changes)
        for function in functions:
            self._functions[function.configuration.name] = function
        for name in removed:
            self._functions.pop(name, None)

    def reservations(self) -> Mapping[str, int]:
        return {
            function.configuration.name: function.reserved_concurrency
            for function in self._functions.values()
            if function.reserved_concurrency is not None
        }

    def digests(self) -> frozenset[str]:
        """The archives that are in use."""
        return frozenset(f.code.digest for f in self._functions.values() if isinstance(f.code, Archive))

    def _asked_for(self, reference: FunctionReference, default_qualifier: str | None = None) -> str:
        qualifier = reference.qualifier or default_qualifier
        arn = Place(reference.account, self._place.region).arn("lambda", f"function:{reference.name}")
        return arn if qualifier is None else f"{arn}:{qualifier}"

    def _is_stored(self, name: str) -> bool:
        function = self._functions.get(name)
        return function is not None and not function.declared

    def _set(self, function: Function) -> SetRow:
        if not isinstance(function.code, Archive):
            raise RuntimeBug(f"function {function.configuration.name} is stored without an archive")
        row = _Row(
            configuration=function.configuration,
            archive=function.code,
            identity=function.identity,
            revision_id=function.revision_id,
            last_modified=function.last_modified,
            reserved_concurrency=function.reserved_concurrency,
            event_invoke_configs=dict(function.event_invoke_configs),
            tags=dict(function.tags),
            inert=dict(function.inert),
        )
        return SetRow(_TABLE, function.configuration.name, msgspec.json.encode(row))


def _function(row: _Row) -> Function:
    return Function(
        configuration=row.configuration,
        code=row.archive,
        identity=row.identity,
        revision_id=row.revision_id,
        last_modified=row.last_modified,
        reserved_concurrency=row.reserved_concurrency,
        event_invoke_configs=row.event_invoke_configs,
        tags=row.tags,
        inert=row.inert,
    )

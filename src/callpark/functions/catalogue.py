"""All functions by name: in memory for reading, in the store's table `functions` for the next start.

Called by `service.py`. A project's own functions are not stored: the project brings them again; what the API changes of
them other nodes hear by the store's table `functions/declared`. A change is seen once it is durable.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from callpark.functions import names, records, refusals, versions
from callpark.functions.concurrency import Shares
from callpark.functions.model import Archive, Function, Version
from callpark.functions.names import FunctionReference
from callpark.kernel.arn import Place
from callpark.store.amendments import NO_AMENDMENTS, Amendments
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_TABLE = "functions"
_COUNTS = "version_counts"
DECLARED = "functions/declared"


@dataclass(frozen=True, slots=True)
class Brought:
    """A function as a project declares it; `said` stands for what the project says, the same at all nodes."""

    function: Function
    said: bytes

    @property
    def name(self) -> str:
        return self.function.configuration.name


class Catalogue:
    def __init__(self, store: Store, place: Place, amendments: Amendments = NO_AMENDMENTS) -> None:
        self._store = store
        self._amendments = amendments
        self._brought: dict[str, Brought] = {}
        self._place = place
        self._functions: dict[str, Function] = {}
        self._counts: dict[str, int] = {}

    async def load(self) -> None:
        for row in await self._store.scan(_COUNTS):
            self._counts[row.key] = int(row.value)
        for row in await self._store.scan(_TABLE):
            self._functions.setdefault(row.key, records.function_of(row.value))

    async def refresh(self) -> list[str]:
        """Take note of what other nodes have made, changed or deleted; the names of those."""
        for row in await self._store.scan(_COUNTS):
            self._counts[row.key] = int(row.value)
        found = {row.key: records.function_of(row.value) for row in await self._store.scan(_TABLE)}
        await self._amendments.read()
        for name, brought in self._brought.items():
            if name not in found and (amended := self.amended(brought)) is not None:
                found[name] = amended
        changed = [name for name, function in found.items() if self._functions.get(name) != function]
        gone = [name for name in self._functions if name not in found]
        self._functions = found
        return [*changed, *gone]

    async def read_amendments(self) -> None:
        """Before `amended`, when a project is loaded."""
        await self._amendments.read()

    def amended(self, brought: Brought) -> Function | None:
        """A project's function as the API, at any node, has changed it; None when it was deleted there."""
        amendment = self._amendments.of(brought.name, brought.said)
        if amendment is None:
            return brought.function
        return None if amendment.value is None else records.amended(brought.function, amendment.value)

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
        """What a name or ARN means; the reference's qualifier is one that the function has. Raises CallerError; the
        refusal names the ARN as GetFunction does, unqualified unless the caller qualified it."""
        reference = names.parse(function, qualifier, self._place)
        found = self._meant(reference)
        if found is None:
            raise refusals.function_not_found(self._asked_for(reference))
        return found, reference

    def find_version(self, function: str, qualifier: str | None = None) -> tuple[Function, Version, FunctionReference]:
        """`find`, and the version to show. Raises CallerError."""
        found, reference = self.find(function, qualifier)
        return found, versions.shown(found, reference.qualifier), reference

    def find_invoked(self, function: str, qualifier: str | None = None) -> tuple[str, str | None]:
        """Name and qualifier of what is to be invoked. Raises CallerError; the refusal names a qualified ARN."""
        reference = names.parse(function, qualifier, self._place)
        if self._meant(reference) is None:
            raise refusals.function_not_found(self._asked_for(reference, names.LATEST))
        return reference.name, reference.qualifier

    async def declare(self, brought: Iterable[Brought], functions: Iterable[Function], removed: Iterable[str]) -> None:
        """What a project brings, and what that changes here, durably and at once."""
        functions, removed = tuple(functions), tuple(removed)
        hidden = [function.configuration.name for function in functions]
        await self._put(functions, removed, [DeleteRow(_TABLE, name) for name in hidden if self._is_stored(name)])
        self._brought = {each.name: each for each in brought}

    async def replace(self, functions: Iterable[Function], removed: Iterable[str] = ()) -> None:
        """Put functions in the place of those with their names, and remove others, durably and at once."""
        functions, removed = tuple(functions), tuple(removed)
        changes: list[Change] = []
        for function in functions:
            changes += self._amended(function) if function.declared else [self._set(function)]
        for name in removed:
            known, brought = self._functions.get(name), self._brought.get(name)
            if known is not None and known.declared and brought is not None:
                changes += self._amendments.change(name, brought.said, None)
        await self._put(functions, removed, changes)

    async def _put(self, functions: Sequence[Function], removed: Sequence[str], changes: Sequence[Change]) -> None:
        stored = [name for name in removed if self._is_stored(name)]
        counts = {name: self._functions[name].published for name in stored}
        changes = [
            *changes,
            *(DeleteRow(_TABLE, name) for name in stored),
            *(SetRow(_COUNTS, name, str(count).encode()) for name, count in counts.items() if count),
        ]
        if changes:
            await self._store.commit(changes)
        for function in functions:
            self._functions[function.configuration.name] = function
        for name in removed:
            self._functions.pop(name, None)
        self._counts |= counts

    def _amended(self, function: Function) -> Sequence[Change]:
        brought = self._brought[function.configuration.name]
        return self._amendments.change(brought.name, brought.said, records.amendment_row(function))

    def published(self, name: str) -> int:
        """How many versions a former function of this name had: its numbers are not used again
        (https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html)."""
        return self._counts.get(name, 0)

    def reservations(self) -> Mapping[str, int]:
        return {
            function.configuration.name: function.reserved_concurrency
            for function in self._functions.values()
            if function.reserved_concurrency is not None
        }

    def shares(self) -> Shares:
        """What the functions take of the account's concurrency."""
        provisioned = {
            (function.configuration.name, versions.shown(function, qualifier).number): asked.requested
            for function in self._functions.values()
            for qualifier, asked in function.provisioned.items()
        }
        return Shares(self.reservations(), provisioned)

    def digests(self) -> frozenset[str]:
        """The archives that are in use."""
        return frozenset(digest for function in self._functions.values() for digest in digests_of(function))

    def layers(self) -> frozenset[str]:
        """ARNs of the layer versions that any version of a function names."""
        return frozenset(
            arn
            for function in self._functions.values()
            for version in (versions.latest(function), *function.versions.values())
            for arn in version.configuration.layers
        )

    def _meant(self, reference: FunctionReference) -> Function | None:
        found = self._functions.get(reference.name) if reference.account == self._place.account else None
        return found if found is not None and versions.knows(found, reference.qualifier) else None

    def _asked_for(self, reference: FunctionReference, default_qualifier: str | None = None) -> str:
        qualifier = reference.qualifier or default_qualifier
        arn = Place(reference.account, self._place.region).arn("lambda", f"function:{reference.name}")
        return arn if qualifier is None else f"{arn}:{qualifier}"

    def _is_stored(self, name: str) -> bool:
        function = self._functions.get(name)
        return function is not None and not function.declared

    def _set(self, function: Function) -> SetRow:
        return SetRow(_TABLE, function.configuration.name, records.function_row(function))


def digests_of(function: Function) -> frozenset[str]:
    """The archives of `$LATEST` and of every version."""
    codes = (function.code, *(version.code for version in function.versions.values()))
    return frozenset(code.digest for code in codes if isinstance(code, Archive))

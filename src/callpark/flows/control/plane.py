"""The control plane's face: what the instance owns, changed one after another: checked, made durable, then served.

Built by `app.py`; used by the operations in `api/`. What the API makes is kept in the store's table `connect`; what the
project declares is not: it comes again with every load, and takes the place of what the API made of it.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TypeVar

import msgspec

from callpark.flows.control.amending import Declarations
from callpark.flows.control.declaring import declared_records
from callpark.flows.control.model import (
    CHAT_FILES,
    FILE_SCANNER,
    FileRule,
    FlowRecord,
    Key,
    NumberRecord,
    Record,
    Settings,
    from_row,
    key_of,
    rehomed,
    to_row,
)
from callpark.flows.control.refusals import duplicate, limit_exceeded, not_found
from callpark.flows.control.serving import serving
from callpark.flows.instance import build_instance
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.flows.ports import FunctionRunner
from callpark.flows.service import Flows
from callpark.kernel.arn import Arn, Place
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits
from callpark.store.amendments import NO_AMENDMENTS, Amendments
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_log = logging.getLogger("callpark")
_TABLE = "connect"
_SETTINGS = "settings"

Kind = TypeVar("Kind", bound=Record)


class ControlPlane:
    """Order of life: `start`, `apply`, operations."""

    def __init__(
        self,
        flows: Flows,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        limits: ConnectLimits,
        place: Place,
        functions: FunctionRunner,
        amendments: Amendments = NO_AMENDMENTS,
    ) -> None:
        self.flows = flows
        self.clock = clock
        self.ids = ids
        self.limits = limits
        self.place = place
        self.functions = functions
        self.started_at = clock.now()
        self.settings = Settings()
        self._store = store
        self._definition = InstanceDefinition(arn="")
        self._declarations = Declarations(amendments)
        self._records: dict[Key, Record] = {}
        self._changing = asyncio.Lock()
        self._warned: set[str] = set()

    async def start(self) -> None:
        """Take up what was made in former runs."""
        self.settings, self._records = await self._kept()

    async def refresh(self) -> None:
        """Take note of what other nodes have made, changed or deleted."""
        async with self._changing:
            settings, kept = await self._kept()
            await self._declarations.read()
            definition = self._declarations.definition()
            records = {**kept, **{key_of(record): record for record in self._declarations.records()}}
            if (definition, settings, records) == (self._definition, self.settings, self._records):
                return
            for warning in self.flows.apply(*serving(definition, list(records.values()), settings)):
                self.warn(warning)
            self._definition, self._records, self.settings = definition, records, settings

    async def _kept(self) -> tuple[Settings, dict[Key, Record]]:
        settings, records = Settings(), dict[Key, Record]()
        for row in await self._store.scan(_TABLE):
            try:
                if row.key == _SETTINGS:
                    settings = msgspec.json.decode(row.value, type=Settings)
                    continue
                record = from_row(row.value)
            except ValueError as error:
                self.warn(f"{row.key} of Amazon Connect was kept by another version and is not served: {error}")
                continue
            records[key_of(record)] = record
        return settings, records

    async def apply(
        self, definition: InstanceDefinition, flows: Sequence[FlowDefinition], numbers: Sequence[NumberDefinition]
    ) -> tuple[str, ...]:
        """A project's instance replaces that of the project before; what the API made stays. Returns warnings; raises
        ProjectError and changes nothing."""
        async with self._changing:
            before = self._declarations
            await before.read()
            self._declarations = following = before.bringing(
                definition, declared_records(definition, flows, numbers, self.clock.now())
            )
            declared, definition = following.records(), following.definition()
            made = [rehomed(record, definition.arn) for record in self._records.values() if not record.declared]
            taken = {each.name for each in declared if each.kind == "phone-number"}
            hidden = [each for each in made if each.kind == "phone-number" and each.name in taken]
            records = {key_of(record): record for record in (*made, *declared) if record not in hidden}
            warnings = [f"number {each.name} was claimed by the API too; the project has it" for each in hidden]
            try:
                served = self.flows.apply(*serving(definition, list(records.values()), self.settings))
            except BaseException:
                self._declarations = before
                raise
            self._definition = definition
            self._records = records
            self._warned.update(served)
            return (*served, *warnings)

    # What is there

    @property
    def definition(self) -> InstanceDefinition:
        """The project's."""
        return self._definition

    @property
    def arn(self) -> str:
        return self._definition.arn

    @property
    def instance_id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    @property
    def region(self) -> str:
        parsed = Arn.parse(self.arn)
        return self.place.region if parsed is None else parsed.region

    def records(self, kind: type[Kind]) -> list[Kind]:
        """By name."""
        found = [record for record in self._records.values() if isinstance(record, kind)]
        return sorted(found, key=lambda record: (record.name, record.id))

    def find(self, kind: type[Kind], what: str, reference: str) -> Kind:
        """By id or ARN. Raises CallerError."""
        id_ = reference.rsplit("/", 1)[-1]
        for record in self._records.values():
            if record.id == id_ and isinstance(record, kind):
                return record
        raise not_found(what, reference)

    def by_arn(self, arn: str) -> Record | None:
        return next((record for record in self._records.values() if record.arn == arn), None)

    def definitions(self) -> list[FlowDefinition]:
        """All flows and modules that are published."""
        return serving(self._definition, list(self._records.values()), self.settings)[1]

    def overview(self) -> list[tuple[str, str, list[str]]]:
        """Name, ARN and numbers of every flow and module: the project's in its order, then the API's by name."""
        numbers: dict[str, list[str]] = {}
        for number in self.records(NumberRecord):
            if number.flow_arn is not None:
                numbers.setdefault(number.flow_arn, []).append(number.number)
        flows = [record for record in self._records.values() if isinstance(record, FlowRecord)]
        flows.sort(key=lambda record: (0, "", "") if record.declared else (1, record.name, record.id))
        return [(record.name, record.arn, numbers.get(record.arn, [])) for record in flows]

    def associated(self) -> tuple[str, ...]:
        """The functions that flows may call, by ARN."""
        return tuple(dict.fromkeys((*self._definition.function_arns, *(self.settings.functions or ()))))

    def file_scanner(self) -> str | None:
        """The function that scans attachments, by its ARN."""
        return next((each.arn for each in self.settings.integrations if each.type == FILE_SCANNER), None)

    def chat_files(self) -> FileRule:
        """Which files may be attached to chats."""
        return self.settings.files.get(CHAT_FILES, FileRule())

    # Changes

    @property
    def changing(self) -> AbstractAsyncContextManager[None]:
        """Hold it from reading a record to putting what becomes of it."""
        return self._changing

    def check_new(self, kind: type[Kind], what: str, name: str, most: int, noun: str) -> None:
        """Raises CallerError when the name is taken, or there are `most` already."""
        known = self.records(kind)
        if any(record.name == name for record in known):
            raise duplicate(what, name)
        if len(known) >= most:
            raise limit_exceeded(noun, most)

    def check_name(self, record: Record, what: str, name: str) -> None:
        """Raises CallerError when another record of the kind has the name."""
        for other in self._records.values():
            if other.kind == record.kind and other.name == name and other.id != record.id:
                raise duplicate(what, name)

    async def put(self, *records: Record, removed: Sequence[Record] = ()) -> None:
        """Within `changing`. Raises ProjectError, then nothing has changed."""
        gone = [key_of(record) for record in removed]
        after = {key: record for key, record in self._records.items() if key not in gone}
        after |= {key_of(record): record for record in records}
        changes: list[Change] = [
            SetRow(_TABLE, _row_key(key_of(record)), to_row(record)) for record in records if not record.declared
        ]
        for record in records:
            changes += self._declarations.change(record) if record.declared else ()
        for record in removed:
            key = _row_key(key_of(record))
            changes += self._declarations.change(record, removed=True) if record.declared else (DeleteRow(_TABLE, key),)
        for record in (*records, *removed):
            self._warn_declared(record)
        await self._serve(after, self.settings, changes)

    async def put_settings(self, settings: Settings, definition: InstanceDefinition | None = None) -> None:
        """Within `changing`. `definition`: the project's, without what the API takes from it until the next load."""
        before = self._definition
        self._definition = definition or before
        try:
            changes: list[Change] = [SetRow(_TABLE, _SETTINGS, msgspec.json.encode(settings))]
            if self._definition.function_arns != before.function_arns:
                changes += self._declarations.change_functions(self._definition.function_arns)
            await self._serve(self._records, settings, changes)
        except BaseException:
            self._definition = before
            raise

    async def disassociate(self, function_arn: str) -> None:
        """Within `changing`."""
        functions = tuple(arn for arn in self.settings.functions or () if arn != function_arn)
        declared = tuple(arn for arn in self._definition.function_arns if arn != function_arn)
        if declared != self._definition.function_arns:
            self._warn_until_loaded(f"the association with {function_arn}")
        await self.put_settings(
            msgspec.structs.replace(self.settings, functions=functions),
            replace(self._definition, function_arns=declared),
        )

    def warn_inert(self, what: str, members: Iterable[str]) -> None:
        """Say once what is kept and shown but not acted on."""
        for member in members:
            self.warn(f"{what}: {member} is kept and shown, but changes nothing here")

    def warn(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            _log.warning("%s", warning)

    async def _serve(self, records: Mapping[Key, Record], settings: Settings, changes: Sequence[Change]) -> None:
        """Built before it is kept, kept before it is seen."""
        served = serving(self._definition, list(records.values()), settings)
        build_instance(*served, self.limits)
        await self._store.commit(changes)
        self._records = dict(records)
        self.settings = settings
        for warning in self.flows.apply(*served):
            self.warn(warning)

    def _warn_declared(self, record: Record) -> None:
        if record.declared:
            noun = {"contact-flow": "flow", "flow-module": "module", "operating-hours": "hours"}.get(record.kind)
            self._warn_until_loaded(f"{noun or record.kind.replace('-', ' ')} {record.name}")

    def _warn_until_loaded(self, what: str) -> None:
        self.warn(f"{what} belongs to the project: what the API changes lasts until the project is loaded again")


def _row_key(key: Key) -> str:
    return "/".join(key)


def flow_and_qualifier(reference: str) -> tuple[str, str]:
    """The id of a flow or module, and its version or alias ("" without one): `arn:…/contact-flow/id:3`, `id:$SAVED`."""
    id_, _, qualifier = reference.rsplit("/", 1)[-1].partition(":")
    return id_, qualifier


def flow_of(plane: ControlPlane, reference: str, *, module: bool) -> FlowRecord:
    """Raises CallerError."""
    id_, _ = flow_and_qualifier(reference)
    what = "The flow module" if module else "The flow"
    record = plane.find(FlowRecord, what, id_)
    if (record.kind == "flow-module") != module:
        raise not_found(what, reference)
    return record

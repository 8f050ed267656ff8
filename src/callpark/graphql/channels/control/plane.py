"""The control plane's face: Event APIs by id, changed one after another; checked, made durable, then served.

Built by `app.py`; used by the operations in `api/`. APIs that were made here are kept in the store's table
`event_apis`; a project's own are not, it brings them again: what is changed of those other nodes hear by the table's
neighbour.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

import msgspec

from callpark.graphql.channels.control import model
from callpark.graphql.channels.control.model import ManagedEventApi
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.channels.service import EventApis
from callpark.graphql.control.refusals import not_found, unusable
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids, spelled
from callpark.kernel.limits import AppSyncLimits
from callpark.store.amendments import NO_AMENDMENTS, Amendments
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_log = logging.getLogger("callpark")
_TABLE = "event_apis"
DECLARED = "event_apis/declared"

_decode = msgspec.json.Decoder(ManagedEventApi).decode


class EventControlPlane:
    def __init__(
        self,
        service: EventApis,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        limits: AppSyncLimits,
        place: Place,
        base_url: str,
        amendments: Amendments = NO_AMENDMENTS,
    ) -> None:
        self._amendments = amendments
        self._brought: dict[str, ManagedEventApi] = {}
        self.clock = clock
        self.ids = ids
        self.limits = limits
        self.place = place
        self.base_url = base_url
        self._service = service
        self._store = store
        self._apis: dict[str, ManagedEventApi] = {}
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Take up what was made in former runs."""
        for row in await self._store.scan(_TABLE):
            try:
                self._take(_decode(row.value))
            except (CallerError, msgspec.ValidationError) as error:
                _log.error("Event API %s of a former run is not served: %s", row.key, error)

    async def refresh(self) -> None:
        """Take note of APIs that other nodes have made, changed or deleted."""
        async with self._changing:
            found = set[str]()
            for row in await self._store.scan(_TABLE):
                found.add(row.key)
                with contextlib.suppress(CallerError, msgspec.ValidationError):  # told by the node that made it
                    api, known = _decode(row.value), self._apis.get(row.key)
                    if known is None or (not known.declared and known != api):
                        self._take(api)
            for api_id in [each.api_id for each in self._apis.values() if not each.declared]:
                if api_id not in found:
                    del self._apis[api_id]
                    self._service.remove(api_id)
            await self._amendments.read()
            self._amend()

    async def apply(self, apis: Sequence[EventApiDefinition]) -> list[str]:
        """A project's APIs replace those of the project before; returns warnings. Raises ProjectError and changes
        nothing."""
        async with self._changing:
            warnings = self._service.apply(apis)
            now, region = self.clock.now(), self.place.region
            applied = {each.api_id: model.managed(each, region, now) for each in apis}
            for api_id in [each.api_id for each in self._apis.values() if each.declared]:
                if api_id not in applied:
                    self._service.remove(api_id)  # one that was changed here would stay
                del self._apis[api_id]
            self._apis = applied | self._apis
            self._brought = applied
            await self._amendments.read()
            self._amend()
        return warnings

    def owns(self, api_id: str) -> bool:
        return api_id in self._apis

    def apis(self) -> Sequence[ManagedEventApi]:
        return tuple(self._apis.values())

    def api(self, api_id: str) -> ManagedEventApi:
        """Raises CallerError."""
        found = self._apis.get(api_id)
        if found is None:
            raise not_found(f"Api {api_id} not found.")
        return found

    def arn(self, api_id: str, *rest: str) -> str:
        """Of an API, or of what belongs to it."""
        return self.place.arn("appsync", "/".join(("apis", api_id, *rest)))

    def token(self) -> str:
        """26 lower-case letters and digits, as in AppSync's ids and keys."""
        return spelled(int(self.ids.hex(40), 16))

    async def add(self, make: Callable[[], ManagedEventApi]) -> ManagedEventApi:
        """Raises CallerError, also what `make` raises; then nothing was made."""
        async with self._changing:
            made = make()
            await self._keep(made)
        return made

    async def change(self, api_id: str, change: Callable[[ManagedEventApi], ManagedEventApi]) -> ManagedEventApi:
        """Raises CallerError, also what `change` raises; then everything is as it was."""
        async with self._changing:
            changed = change(self.api(api_id))
            await self._keep(changed)
        return changed

    async def remove(self, api_id: str) -> None:
        """Raises CallerError."""
        async with self._changing:
            api = self.api(api_id)
            self._warn_declared(api)
            await self._commit(api, None)
            del self._apis[api_id]
            self._service.remove(api_id)

    def warn(self, what: str, member: str) -> None:
        _log.warning("%s: %s is kept and shown, but changes nothing here", what, member)

    async def _keep(self, api: ManagedEventApi) -> None:
        definition = model.definition(api, self.place.region)
        try:
            self._service.check(definition)
        except ProjectError as error:
            raise unusable(error) from error
        self._warn_declared(api)
        await self._commit(api, msgspec.json.encode(api))
        self._take(api)

    async def _commit(self, api: ManagedEventApi, value: bytes | None) -> None:
        changes: Sequence[Change]
        if api.declared:
            changes = self._amendments.change(api.api_id, _said(self._brought[api.api_id]), value)
        else:
            changes = (DeleteRow(_TABLE, api.api_id) if value is None else SetRow(_TABLE, api.api_id, value),)
        if changes:
            await self._store.commit(changes)

    def _amend(self) -> None:
        """A project's APIs as they were changed, at any node."""
        for api_id, brought in self._brought.items():
            amendment = self._amendments.of(api_id, _said(brought))
            if amendment is None:
                continue
            if amendment.value is None:
                if self._apis.pop(api_id, None) is not None:
                    self._service.remove(api_id)
                continue
            with contextlib.suppress(
                CallerError, msgspec.ValidationError
            ):  # refused here, where it is of another version
                if (amended := _decode(amendment.value)) != self._apis.get(api_id):
                    self._take(amended)

    def _take(self, api: ManagedEventApi) -> None:
        """Raises CallerError."""
        try:
            warnings = self._service.put(model.definition(api, self.place.region))
        except ProjectError as error:
            raise unusable(error) from error
        self._apis[api.api_id] = api
        for warning in warnings:
            _log.warning("%s", warning)

    def _warn_declared(self, api: ManagedEventApi) -> None:
        if api.declared:
            text = "Event API %s belongs to the project: what the API changes lasts until the project is loaded again"
            _log.warning(text, api.settings["name"])


def _said(brought: ManagedEventApi) -> bytes:
    """What a project says of an API, the same at all nodes; keys run out by the clock, so they are left out."""
    return msgspec.json.encode(msgspec.structs.replace(brought, created=0.0, keys=[]))

"""The control plane's face: APIs by id, changed one after another; computed, made durable, then told to the service.

Built by `app.py`; used by the operations in `api/`. APIs that were made here are kept in the store's table
`graphql_apis`; a project's own are not, it brings them again: what is changed of those other nodes hear by the table's
neighbour.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence

from callpark.graphql.control import records
from callpark.graphql.control.model import ManagedApi
from callpark.graphql.control.refusals import api_not_found, unusable
from callpark.graphql.model import ApiDefinition
from callpark.graphql.schema import ApiSchema, build_schema
from callpark.graphql.service import GraphqlService
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids, spelled
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.others import ALONE, Members, Others, Questions
from callpark.store.amendments import NO_AMENDMENTS, Amendments
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_log = logging.getLogger("callpark")
_TABLE = "graphql_apis"
DECLARED = "graphql_apis/declared"
_FLUSHED = "CacheFlushed"


class ControlPlane:
    def __init__(
        self,
        service: GraphqlService,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        limits: AppSyncLimits,
        place: Place,
        base_url: str,
        others: Others = ALONE,
        amendments: Amendments = NO_AMENDMENTS,
    ) -> None:
        self.service = service
        self._amendments = amendments
        self._brought: dict[str, ManagedApi] = {}
        self._others = others
        self.clock = clock
        self.ids = ids
        self.limits = limits
        self.place = place
        self.base_url = base_url
        self._store = store
        self._apis: dict[str, ManagedApi] = {}
        self._changing = asyncio.Lock()
        self._warned: set[str] = set()
        self._built: tuple[str, ApiSchema] | None = None

    async def start(self) -> None:
        """Take up what was made in former runs."""
        for row in await self._store.scan(_TABLE):
            try:
                api = records.api_of(row.value, self.place.region, self.limits.cache_seconds)
            except CallerError as error:
                _log.error("GraphQL API %s of a former run is not served: %s", row.key, error.message)
                continue
            self._take(api)

    async def refresh(self) -> None:
        """Take note of APIs that other nodes have made, changed or deleted."""
        async with self._changing:
            found = set[str]()
            for row in await self._store.scan(_TABLE):
                found.add(row.key)
                known = self._apis.get(row.key)
                if known is None or (not known.declared and records.row(known) != row.value):
                    with contextlib.suppress(CallerError):  # `start` has told of it, or the node that made it has
                        self._take(records.api_of(row.value, self.place.region, self.limits.cache_seconds))
            for api_id in [each.api_id for each in self._apis.values() if not each.declared]:
                if api_id not in found:
                    del self._apis[api_id]
                    self.service.remove(api_id)
            await self._amendments.read()
            self._amend()

    async def apply(self, apis: Sequence[ApiDefinition]) -> list[str]:
        """A project's APIs replace those of the project before; returns warnings. Raises ProjectError and changes
        nothing."""
        async with self._changing:
            warnings = self.service.apply(apis)
            applied = {api.api_id: records.declared_api(api, self.place.region) for api in apis}
            for api_id in [each.api_id for each in self._apis.values() if each.declared]:
                if api_id not in applied:
                    self.service.remove(api_id)
                del self._apis[api_id]
            self._apis = applied | self._apis
            self._brought = applied
            await self._amendments.read()
            self._amend()
        return warnings

    def apis(self) -> Sequence[ManagedApi]:
        return tuple(self._apis.values())

    def api(self, api_id: str) -> ManagedApi:
        """Raises CallerError."""
        found = self._apis.get(api_id)
        if found is None:
            raise api_not_found(api_id)
        return found

    def arn(self, api_id: str, *rest: str) -> str:
        """Of an API, or of what belongs to it."""
        return self.place.arn("appsync", "/".join(("apis", api_id, *rest)))

    def token(self) -> str:
        """26 lower-case letters and digits, as in AppSync's ids and keys."""
        return spelled(int(self.ids.hex(40), 16))

    async def add(self, make: Callable[[], ManagedApi]) -> ManagedApi:
        """Raises what `make` raises."""
        async with self._changing:
            made = make()
            await self._keep(made)
        return made

    async def change(self, api_id: str, change: Callable[[ManagedApi], ManagedApi]) -> ManagedApi:
        """Raises CallerError, also what `change` raises; then everything is as it was."""
        async with self._changing:
            current = self.api(api_id)
            changed = change(current)
            if changed is not current:
                await self._keep(changed)
        return changed

    async def remove(self, api_id: str) -> None:
        """Raises CallerError."""
        async with self._changing:
            api = self.api(api_id)
            self._warn_declared(api)
            await self._commit(api, None)
            del self._apis[api_id]
            self.service.remove(api_id)

    def questions(self) -> Questions:
        """What other nodes tell this one."""
        return {_FLUSHED: self._hear_flushed}

    async def flush_cache(self, api_id: str) -> None:
        """The caches of all nodes that answer are empty on return."""
        self.service.flush_cache(api_id)
        await self._others.ask(_FLUSHED, {"apiId": api_id})

    async def _hear_flushed(self, members: Members) -> Members:
        return {"entries": self.service.flush_cache(str(members["apiId"]))}

    def check(self, definition: ApiDefinition) -> None:
        """Raises CallerError when it cannot be served as it is."""
        try:
            self.service.check(definition)
        except ProjectError as error:
            raise unusable(error) from error

    async def schema_problem(self, api: ManagedApi, schema: str) -> ProjectError | None:
        """Why a schema cannot be served, None when it can. A large one takes seconds, so it is built on a thread; what
        was built is served afterwards."""
        if not schema.strip():
            return ProjectError("The schema is empty.", "send one")
        if len(schema.encode()) > self.limits.schema_bytes:
            return ProjectError(f"The schema is larger than {self.limits.schema_bytes} bytes.", "shorten it")
        with self.clock.hold("building a GraphQL schema"):
            try:
                built = await asyncio.to_thread(build_schema, schema, f"schema of API {api.definition.name}")
            except ProjectError as problem:
                return problem
        self._built = schema, built
        return None

    def warn_inert(self, what: str, members: Iterable[str]) -> None:
        """Say once what is kept and shown but not acted on."""
        for member in members:
            self._warn_once(f"{what}: {member} is kept and shown, but changes nothing here")

    async def _keep(self, api: ManagedApi) -> None:
        self._warn_declared(api)
        await self._commit(api, records.row(api))
        self._take(api)

    async def _commit(self, api: ManagedApi, value: bytes | None) -> None:
        changes: Sequence[Change]
        if api.declared:
            changes = self._amendments.change(api.api_id, records.said(self._brought[api.api_id]), value)
        else:
            changes = (DeleteRow(_TABLE, api.api_id) if value is None else SetRow(_TABLE, api.api_id, value),)
        if changes:
            await self._store.commit(changes)

    def _amend(self) -> None:
        """A project's APIs as they were changed, at any node."""
        for api_id, brought in self._brought.items():
            known = self._apis.get(api_id)
            amendment = self._amendments.of(api_id, records.said(brought))
            if amendment is None:
                continue
            if amendment.value is None:
                if known is not None:
                    del self._apis[api_id]
                    self.service.remove(api_id)
            elif known is None or records.row(known) != amendment.value:
                with contextlib.suppress(CallerError):  # refused here, where it is of another version
                    self._take(records.amended(brought, amendment.value, self.place.region, self.limits.cache_seconds))

    def _take(self, api: ManagedApi) -> None:
        before = self._apis.get(api.api_id)
        self._apis[api.api_id] = api
        if before is None or before.definition != api.definition:
            built, self._built = self._built, None
            same = built is not None and built[0] == api.definition.schema
            self.service.put(api.definition, built[1] if built is not None and same else None)

    def _warn_declared(self, api: ManagedApi) -> None:
        if api.declared:
            self._warn_once(
                f"GraphQL API {api.definition.name} belongs to the project: "
                "what the API changes lasts until the project is loaded again"
            )

    def _warn_once(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            _log.warning("%s", warning)

"""The face of AWS AppSync's slice: APIs are applied, requests executed, subscriptions prepared.

Used by `api/` and `realtime/` inside the slice and by `app.py`. A new set of APIs is compiled whole before it replaces
what is served, so the last good version keeps serving when the new one does not compile.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import CoroutineType
from typing import TypeAlias, TypeVar, cast

from callpark.graphql import invalidations
from callpark.graphql.auth.access import access_of
from callpark.graphql.caching import whole_answer
from callpark.graphql.datasources.lambda_ import FunctionInvoker
from callpark.graphql.datasources.nowhere import NOWHERE
from callpark.graphql.datasources.port import Outside
from callpark.graphql.documents import Documents, Prepared
from callpark.graphql.execution import Execution, warn_of_effects
from callpark.graphql.failures import FieldFailure, failure_entry, not_authorized
from callpark.graphql.happenings import OperationExecuted, RequestLogged
from callpark.graphql.messages import Eviction, GraphqlRequest, GraphqlResponse, Invalidation, Publication
from callpark.graphql.model import ApiDefinition
from callpark.graphql.pacing import Pacer
from callpark.graphql.refusals import refusal
from callpark.graphql.request_log import RequestLog
from callpark.graphql.resolvers.compiler import ResolverParts
from callpark.graphql.resolvers.run import ResolverEnvironment
from callpark.graphql.resolvers.sources import SourceParts
from callpark.graphql.response_headers import response_headers
from callpark.graphql.runtimes.evaluating import Evaluated, evaluate_code, evaluate_template
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.graphql.schema import ApiSchema
from callpark.graphql.serving import Served, compile_api, compile_kept, same_schema
from callpark.graphql.subscribing import checked, entry, operation_of
from callpark.graphql.subscriptions import CompiledSubscription, PreparedSubscription, SubscriptionRefused
from callpark.graphql.validation import InvalidDocument
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from graphql import GraphQLError, OperationType

_log = logging.getLogger("callpark")

T = TypeVar("T")

Publisher: TypeAlias = Callable[[Publication], None]
"""Takes a publication and returns at once; called after the mutation's field completed, before its answer is sent."""


class GraphqlService:
    """Every API of the project, compiled."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        trace: Trace,
        limits: Limits,
        functions: FunctionInvoker,
        outside: Outside = NOWHERE,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._trace = trace
        self._limits = limits.appsync
        self._sources = SourceParts(functions, outside, clock, ids, self._limits)
        self._pacer = Pacer(self._limits.turn_seconds)
        self._preparing: ThreadPoolExecutor | None = None
        self._host = JavaScriptHost(clock, ids, self._limits)
        self._templates = VtlHost(clock, ids, self._limits)
        self._served: Mapping[str, Served] = {}
        self._publisher: Publisher = lambda publication: None
        self._invalidator: Callable[[Invalidation], None] = lambda invalidation: None
        self._evictor: Callable[[Eviction], None] = lambda eviction: None
        self._changed: Callable[[], None] = lambda: None

    def apply(self, apis: Sequence[ApiDefinition]) -> list[str]:
        """Compile all, then replace what was applied before; returns warnings. What was `put` and is not among them
        stays. Raises ProjectError and changes nothing."""
        served: dict[str, Served] = {}
        warnings: list[str] = []
        for api in apis:
            if api.api_id in served:
                raise ProjectError(f"two APIs have the id '{api.api_id}'", "give each API an id of its own")
            before = self._served.get(api.api_id)
            # What did not change is not compiled again, and keeps what it has cached.
            same = before is not None and before.definition == api and not before.kept
            served[api.api_id] = before if before is not None and same else self._compile(api, before)
            warnings += served[api.api_id].warnings
        stays = {api_id: each for api_id, each in self._served.items() if each.kept and api_id not in served}
        self._served = stays | served
        self._changed()
        return warnings

    def put(self, api: ApiDefinition, schema: ApiSchema | None = None) -> None:
        """Serve one API, new or changed, beside the others; the next request compiles it, with `schema` when that has
        been built. Requests that run now end with what they began with."""
        schema = schema or same_schema(api, self._served.get(api.api_id))
        self._served = {**self._served, api.api_id: Served(api, schema=schema, waiting=True, kept=True)}

    def remove(self, api_id: str) -> None:
        """Serve an API no longer."""
        self._served = {name: each for name, each in self._served.items() if name != api_id}
        self._changed()

    def check(self, api: ApiDefinition) -> None:
        """Raises ProjectError when it cannot be served as it is."""
        current = self._served.get(api.api_id)
        checked = self._compile(api, current)
        if current is not None and current.schema is None and same_schema(current.definition, checked):
            self._served = {**self._served, api.api_id: replace(current, schema=checked.schema)}

    async def evaluate_code(self, code: str, context: str, function: str | None) -> Evaluated:
        """EvaluateCode, beside every API. Raises CallerError."""
        return await evaluate_code(self._host, code, context, function)

    async def evaluate_template(self, template: str, context: str) -> Evaluated:
        """EvaluateMappingTemplate. Raises CallerError."""
        return await evaluate_template(self._templates, template, context)

    def apis(self) -> Sequence[ApiDefinition]:
        """What is served now, as declared."""
        return tuple(each.definition for each in self._served.values())

    def api(self, api_id: str) -> ApiDefinition | None:
        """The API of that id, or None."""
        served = self._served.get(api_id)
        return None if served is None else served.definition

    def on_publish(self, publisher: Publisher) -> None:
        """Set who hears of mutations. Called only for fields that some `@aws_subscribe` names."""
        self._publisher = publisher

    def on_invalidate(self, invalidator: Callable[[Invalidation], None]) -> None:
        """Set who ends the subscriptions that mutations invalidate."""
        self._invalidator = invalidator

    def on_change(self, listener: Callable[[], None]) -> None:
        """Set who hears when other APIs are served than before."""
        self._changed = listener

    def on_evict(self, evictor: Callable[[Eviction], None]) -> None:
        """Set who tells other nodes what resolvers of mutations evict."""
        self._evictor = evictor

    def evict(self, eviction: Eviction) -> int:
        """Forget entries of an API's cache; how many there were."""
        served = self._served.get(eviction.api_id)
        return 0 if served is None else served.evict(eviction.parameters)

    def flush_cache(self, api_id: str) -> int:
        """Forget all that an API has cached; how many entries there were."""
        served = self._served.get(api_id)
        return 0 if served is None else served.flush()

    def close(self) -> None:
        """Let go of the threads of slow resolvers."""
        self._host.close()
        self._templates.close()
        if self._preparing is not None:
            self._preparing.shutdown(wait=False, cancel_futures=True)

    async def execute(self, api_id: str, request: GraphqlRequest) -> GraphqlResponse:
        """Run a query or mutation. Validation and resolver errors are in the response; raises CallerError with
        AppSync's body (`{"errors": [{"errorType", "message"}]}`) for 400, 404 and 502 cases."""
        documents = self._documents(api_id)
        served = self._served[api_id]
        log = self._request_log(served.definition, request)
        if log is None:
            return await self._execute(served, documents, request, None)
        status = 200
        log.begin(request)
        try:
            return await self._execute(served, documents, request, log)
        except CallerError as error:
            status = error.status
            raise
        finally:
            log.end(status)
            self._trace.emit(RequestLogged(log.request_id, api_id, tuple(log.lines)))

    async def _execute(
        self, served: Served, documents: Documents, request: GraphqlRequest, log: RequestLog | None
    ) -> GraphqlResponse:
        try:
            prepared = await self._prepared(documents, request)
        except InvalidDocument as invalid:
            return GraphqlResponse(None, invalid.entries)
        operation, plan = prepared.operation, prepared.plan
        execution = self._execution(served.definition, request, prepared.variables, operation.operation, log)
        started = self._clock.now()
        kept = whole_answer(served.cache, served.definition.cache, operation.operation, request)
        data = None if kept is None else kept.answer()
        if data is None:
            data = plan.start(execution, {})
            if isinstance(data, CoroutineType):
                data = await data
            if kept is not None and not execution.errors:
                kept.keep(data)
        extensions = self._evicted(served, execution)
        headers, left_out = response_headers(execution.effects, self._limits.added_header_bytes)
        for warning in left_out:
            _log.warning("%s (request %s)", warning, execution.request_id)
        self._invalidate(served.definition.api_id, execution)
        warn_of_effects(execution, ("evictFromApiCache", "addResponseHeader", invalidations.NAME))
        self._trace.emit(
            OperationExecuted(
                execution.request_id,
                served.definition.api_id,
                operation.operation.value,
                request.operation_name,
                self._clock.now() - started,
                len(execution.errors),
            )
        )
        return GraphqlResponse(cast("dict[str, object] | None", data), execution.errors, extensions, headers)

    async def _prepared(self, documents: Documents, request: GraphqlRequest) -> Prepared:
        """Raises InvalidDocument."""
        if documents.is_quick(request):
            return documents.prepare(request)
        return await self._apart(lambda: documents.prepare(request))

    async def _apart(self, work: Callable[[], T]) -> T:
        """Large requests are read on a thread, one at a time: meanwhile all others are served."""
        if self._preparing is None:
            self._preparing = ThreadPoolExecutor(1, "callpark-graphql-documents")
        with self._clock.hold("reading a large GraphQL request"):
            return await asyncio.get_running_loop().run_in_executor(self._preparing, work)

    def _evicted(self, served: Served, execution: Execution) -> Mapping[str, object] | None:
        """What resolvers of a mutation asked the cache to forget; `extensions` of the answer."""
        asked = [effect for effect in execution.effects if effect["name"] == "evictFromApiCache"]
        if not asked:
            return None
        if execution.operation is not OperationType.MUTATION or served.cache is None:
            _log.warning("extensions.evictFromApiCache has no effect here (request %s)", execution.request_id)
            return None
        eviction = Eviction(served.definition.api_id, [cast(list[object], effect["parameters"]) for effect in asked])
        self._evictor(eviction)
        return {"apiCacheEntriesDeleted": self.evict(eviction)}

    def _invalidate(self, api_id: str, execution: Execution) -> None:
        """After what the request published: who is to leave has heard it."""
        asked = invalidations.asked(api_id, execution.effects, self._limits.invalidations)
        if execution.operation is not OperationType.MUTATION and (asked.invalidations or asked.too_many):
            _log.warning("extensions.%s has no effect here (request %s)", invalidations.NAME, execution.request_id)
            return
        if asked.too_many:
            message = f"A request can invalidate subscriptions {self._limits.invalidations} times at most."
            execution.errors.append(failure_entry(FieldFailure(message, "BadRequestException"), None, ()))
        for invalidation in asked.invalidations:
            self._invalidator(invalidation)

    async def subscribe(self, api_id: str, request: GraphqlRequest) -> PreparedSubscription:
        """Validate a subscription operation and run its field's own resolver, if there is one. Raises
        SubscriptionRefused with the errors of the `error` frame, CallerError when there is no such API."""
        documents = self._documents(api_id)

        def prepare() -> tuple[dict[str, object], CompiledSubscription]:
            document, operation = operation_of(documents, request)
            variables = documents.variables(operation, request.variables)
            access = access_of(request, documents.named_groups)
            return variables, documents.subscription(document, operation, access, variables)

        try:
            variables, compiled = prepare() if documents.is_quick(request) else await self._apart(prepare)
        except InvalidDocument as invalid:
            raise SubscriptionRefused(invalid.entries) from None
        definition = self._served[api_id].definition
        execution = self._execution(definition, request, variables, OperationType.SUBSCRIPTION)
        if not compiled.permitted:
            denied = not_authorized(compiled.site.parent_type, compiled.field_name)
            raise SubscriptionRefused([entry(denied, compiled)])
        try:
            prepared = compiled.bind(execution)
        except GraphQLError as error:
            raise SubscriptionRefused([entry(FieldFailure(error.message), compiled)]) from None
        resolver = self._served[api_id].resolvers.get((compiled.site.parent_type, compiled.field_name))
        return prepared if resolver is None else await checked(resolver, prepared, compiled, execution, self._limits)

    def _execution(
        self,
        api: ApiDefinition,
        request: GraphqlRequest,
        variables: dict[str, object],
        operation: OperationType,
        log: RequestLog | None = None,
    ) -> Execution:
        def publish(field_name: str, value: object) -> None:
            try:
                self._publisher(Publication(api.api_id, field_name, value))
            except Exception:
                # The mutation has happened and its caller must hear of it, whatever became of its subscribers.
                _log.exception("publishing %s of API %s failed", field_name, api.api_id)

        return Execution(
            request,
            variables,
            min(api.resolver_count_limit or self._limits.resolver_executions, self._limits.resolver_executions),
            publish,
            request.request_id or (self._ids.uuid() if log is None else log.request_id),
            self._clock.now() + self._limits.request_seconds,
            operation,
            log,
        )

    def _request_log(self, api: ApiDefinition, request: GraphqlRequest) -> RequestLog | None:
        if api.logs is None:
            return None
        arn = self._sources.outside.place.arn("appsync", f"apis/{api.api_id}")
        most = self._limits.request_log_bytes
        return RequestLog(api.logs, api.api_id, arn, request.request_id or self._ids.uuid(), self._clock, most)

    def _documents(self, api_id: str) -> Documents:
        served = self._served.get(api_id)
        if served is None:
            raise refusal("NotFoundException", 404, f"GraphQL API {api_id} not found.")
        if served.waiting:
            served = self._awaited(served)
        if served.documents is None:
            raise refusal("GraphQLSchemaException", 502, "No schema definition exists.")
        return served.documents

    def _awaited(self, waiting: Served) -> Served:
        """What the control plane put is compiled when it is first asked for: a client that makes an API resolver by
        resolver compiles it once."""
        try:
            served = self._compile(waiting.definition, waiting, kept=True)
        except ProjectError as error:
            _log.error("%s\n%s", error.cause, error.remedy)
            raise refusal("GraphQLSchemaException", 502, error.cause) from error
        self._served = {**self._served, waiting.definition.api_id: served}
        for warning in served.warnings:
            _log.warning("%s", warning)
        return served

    def _compile(self, api: ApiDefinition, before: Served | None, *, kept: bool = False) -> Served:
        environment = ResolverEnvironment(api.api_id, api.environment, self._trace, self._pacer)
        parts = ResolverParts(
            self._host, self._templates, self._sources, environment, self._limits.functions_per_pipeline
        )
        return (compile_kept if kept else compile_api)(api, parts, before)

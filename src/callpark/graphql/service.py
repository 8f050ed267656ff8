"""The face of AWS AppSync's slice: APIs are applied, requests executed, subscriptions prepared.

Used by `api/` and `realtime/` inside the slice and by `app.py`. A new set of APIs is compiled whole before it replaces
what is served, so the last good version keeps serving when the new one does not compile.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import CoroutineType
from typing import TypeAlias, cast

from callpark.graphql.auth.access import Default, access_of
from callpark.graphql.caching import ApiCache, whole_answer
from callpark.graphql.datasources.lambda_ import FunctionInvoker
from callpark.graphql.datasources.nowhere import NOWHERE
from callpark.graphql.datasources.port import Outside
from callpark.graphql.documents import Document, Documents
from callpark.graphql.execution import Execution, FieldCall, Resolver, internal_failure
from callpark.graphql.failures import FieldFailure, failure_entry, not_authorized
from callpark.graphql.happenings import OperationExecuted, RequestLogged
from callpark.graphql.messages import GraphqlRequest, GraphqlResponse, Publication
from callpark.graphql.model import ApiDefinition, UserPoolConfig
from callpark.graphql.plan import PlanSettings
from callpark.graphql.refusals import bad_request, refusal
from callpark.graphql.request_log import RequestLog
from callpark.graphql.resolvers.cached import CachePolicy, evict
from callpark.graphql.resolvers.compiler import ResolverParts, compile_resolvers
from callpark.graphql.resolvers.run import ResolverEnvironment
from callpark.graphql.resolvers.sources import SourceParts
from callpark.graphql.response_headers import response_headers
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.graphql.schema import build_schema
from callpark.graphql.subscriptions import CompiledSubscription, PreparedSubscription, SubscriptionRefused
from callpark.graphql.validation import InvalidDocument
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from graphql import GraphQLError, OperationDefinitionNode, OperationType

_log = logging.getLogger("callpark")

Publisher: TypeAlias = Callable[[Publication], None]
"""Takes a publication and returns at once; called after the mutation's field completed, before its answer is sent."""

_SUBSCRIPTION_EFFECTS = {
    "setSubscriptionFilter": "filter",
    "setSubscriptionInvalidationFilter": "invalidation_filter",
}


@dataclass(frozen=True, slots=True)
class _Served:
    definition: ApiDefinition
    warnings: tuple[str, ...]
    documents: Documents | None = None
    resolvers: Mapping[tuple[str, str], Resolver] = field(default_factory=dict)
    cache: ApiCache | None = None
    policies: Mapping[str, CachePolicy] = field(default_factory=dict)


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
        self._host = JavaScriptHost(clock, ids, self._limits)
        self._templates = VtlHost(clock, ids, self._limits)
        self._served: Mapping[str, _Served] = {}
        self._publisher: Publisher = lambda publication: None

    def apply(self, apis: Sequence[ApiDefinition]) -> list[str]:
        """Compile all, then replace what was served; returns warnings. Raises ProjectError and changes nothing."""
        served: dict[str, _Served] = {}
        warnings: list[str] = []
        for api in apis:
            if api.api_id in served:
                raise ProjectError(f"two APIs have the id '{api.api_id}'", "give each API an id of its own")
            before = self._served.get(api.api_id)
            # What did not change is not compiled again, and keeps what it has cached.
            served[api.api_id] = before if before is not None and before.definition == api else self._compile(api)
            warnings += served[api.api_id].warnings
        self._served = served
        return warnings

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

    def flush_cache(self, api_id: str) -> int:
        """Forget all that an API has cached; how many entries there were."""
        served = self._served.get(api_id)
        return 0 if served is None or served.cache is None else served.cache.forget_all()

    def close(self) -> None:
        """Let go of the threads of slow resolvers."""
        self._host.close()
        self._templates.close()

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
        self, served: _Served, documents: Documents, request: GraphqlRequest, log: RequestLog | None
    ) -> GraphqlResponse:
        try:
            document = documents.document(request.query)
            operation = documents.operation(document, request.operation_name)
            if operation.operation is OperationType.SUBSCRIPTION:
                raise bad_request("Subscriptions are served over the WebSocket endpoint.")
            variables = documents.variables(operation, request.variables)
            plan = documents.plan(document, operation, access_of(request, documents.named_groups), variables)
        except InvalidDocument as invalid:
            return GraphqlResponse(None, invalid.entries)
        execution = self._execution(served.definition, request, variables, operation.operation, log)
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
        self._warn_of_effects(execution, ("evictFromApiCache", "addResponseHeader"))
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

    def _evicted(self, served: _Served, execution: Execution) -> Mapping[str, object] | None:
        """What resolvers of a mutation asked the cache to forget; `extensions` of the answer."""
        asked = [effect for effect in execution.effects if effect["name"] == "evictFromApiCache"]
        if not asked:
            return None
        if execution.operation is not OperationType.MUTATION or served.cache is None:
            _log.warning("extensions.evictFromApiCache has no effect here (request %s)", execution.request_id)
            return None
        parameters = [cast(list[object], effect["parameters"]) for effect in asked]
        cache, policies = served.cache, served.policies
        return {"apiCacheEntriesDeleted": sum(evict(cache, policies, each) for each in parameters)}

    async def subscribe(self, api_id: str, request: GraphqlRequest) -> PreparedSubscription:
        """Validate a subscription operation and run its field's own resolver, if there is one. Raises
        SubscriptionRefused with the errors of the `error` frame, CallerError when there is no such API."""
        documents = self._documents(api_id)
        try:
            document, operation = self._subscription_operation(documents, request)
            variables = documents.variables(operation, request.variables)
            access = access_of(request, documents.named_groups)
            compiled = documents.subscription(document, operation, access, variables)
        except InvalidDocument as invalid:
            raise SubscriptionRefused(invalid.entries) from None
        definition = self._served[api_id].definition
        execution = self._execution(definition, request, variables, OperationType.SUBSCRIPTION)
        if not compiled.permitted:
            denied = not_authorized(compiled.site.parent_type, compiled.field_name)
            raise SubscriptionRefused([_entry(denied, compiled)])
        try:
            prepared = compiled.bind(execution)
        except GraphQLError as error:
            raise SubscriptionRefused([_entry(FieldFailure(error.message), compiled)]) from None
        resolver = self._served[api_id].resolvers.get((compiled.site.parent_type, compiled.field_name))
        return prepared if resolver is None else await self._check(resolver, prepared, compiled, execution)

    async def _check(
        self, resolver: Resolver, prepared: PreparedSubscription, compiled: CompiledSubscription, execution: Execution
    ) -> PreparedSubscription:
        """Run the subscription field's resolver once: it may refuse, or set filters. Its value is not used."""
        call = FieldCall(compiled.site, execution, {}, prepared.arguments, (None, compiled.response_key))
        try:
            value = resolver(call)
            if isinstance(value, CoroutineType):
                await value
        except FieldFailure as failure:
            raise SubscriptionRefused([_entry(failure, compiled)]) from None
        except Exception as error:
            raise SubscriptionRefused([_entry(internal_failure(error, compiled.site), compiled)]) from error
        self._warn_of_effects(execution, tuple(_SUBSCRIPTION_EFFECTS))
        for effect in execution.effects:
            member = _SUBSCRIPTION_EFFECTS.get(str(effect["name"]))
            parameters = cast(list[object], effect["parameters"])
            if member is not None and parameters and isinstance(parameters[0], dict):
                given = cast(dict[str, object], parameters[0])
                prepared = (
                    replace(prepared, filter=given)
                    if member == "filter"
                    else replace(prepared, invalidation_filter=given)
                )
        return prepared

    def _subscription_operation(
        self, documents: Documents, request: GraphqlRequest
    ) -> tuple[Document, OperationDefinitionNode]:
        document = documents.document(request.query)
        try:
            operation = documents.operation(document, request.operation_name)
        except CallerError as error:
            raise InvalidDocument([{"errorType": error.code, "message": error.message}]) from None
        if operation.operation is not OperationType.SUBSCRIPTION:
            message = f"A {operation.operation.value} cannot be started as a subscription."
            raise InvalidDocument([{"errorType": "BadRequestException", "message": message}])
        return document, operation

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
        if served.documents is None:
            raise refusal("GraphQLSchemaException", 502, "No schema definition exists.")
        return served.documents

    def _compile(self, api: ApiDefinition) -> _Served:
        warnings: list[str] = []
        if not api.schema.strip():
            return _Served(api, (*warnings, f"API {api.name} has no schema: every request to it is refused"))
        if len(api.schema.encode()) > self._limits.schema_bytes:
            raise ProjectError(
                f"API {api.name}: the schema is larger than {self._limits.schema_bytes} bytes", "shorten the schema"
            )
        schema = build_schema(api.schema, str(api.schema_source or f"schema of API {api.name}"))
        environment = ResolverEnvironment(api.api_id, api.environment, self._trace)
        parts = ResolverParts(
            self._host, self._templates, self._sources, environment, self._limits.functions_per_pipeline
        )
        cache = None if api.cache is None else ApiCache(self._clock, self._limits)
        compiled = compile_resolvers(api, schema, parts, cache)
        warnings += [*schema.warnings, *compiled.warnings]
        settings = PlanSettings(
            schema,
            compiled.by_field,
            _default(api),
            self._limits.selected_fields,
            depth_limit=api.query_depth_limit,
            introspection=api.introspection,
        )
        documents = Documents(settings, self._limits)
        return _Served(api, tuple(warnings), documents, compiled.by_field, cache, compiled.policies)

    def _warn_of_effects(self, execution: Execution, acted_on: tuple[str, ...]) -> None:
        for effect in execution.effects:
            if effect["name"] not in acted_on:
                _log.warning("extensions.%s has no effect here (request %s)", effect["name"], execution.request_id)


def _default(api: ApiDefinition) -> Default:
    denies = any(
        isinstance(each.configuration, UserPoolConfig) and each.configuration.default_action == "DENY"
        for each in api.authentication[:1]
    )
    return Default(api.default_mode, denies)


def _entry(failure: FieldFailure, compiled: CompiledSubscription) -> dict[str, object]:
    return failure_entry(failure, (None, compiled.response_key), compiled.site.locations)

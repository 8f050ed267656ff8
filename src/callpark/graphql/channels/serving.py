"""One Event API, compiled from its definition. Made by `service.py`, which keeps the last good one until the next is
whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from callpark.graphql.channels.channel import is_segment
from callpark.graphql.channels.handlers import (
    HANDLERS,
    CodeHandler,
    DirectEventHandler,
    DirectHandler,
    Handler,
    Operation,
    SourceHandler,
)
from callpark.graphql.channels.model import EventApiDefinition, Integration, NamespaceDefinition
from callpark.graphql.datasources.lambda_ import LambdaSource
from callpark.graphql.datasources.port import DataSource
from callpark.graphql.model import CodeDefinition
from callpark.graphql.resolvers.sources import SourceParts, make_source
from callpark.graphql.runtimes.js.host import CodeUnit, JavaScriptHost
from callpark.graphql.runtimes.js.module import BrokenCode
from callpark.kernel.errors import ProjectError
from callpark.kernel.trace import Trace


@dataclass(frozen=True, slots=True)
class ServedNamespace:
    """A missing handler lets everything through."""

    definition: NamespaceDefinition
    handlers: Mapping[Operation, Handler]


@dataclass(frozen=True, slots=True)
class ServedEventApi:
    """`kept`: put by the control plane, stays when a project is applied."""

    definition: EventApiDefinition
    namespaces: Mapping[str, ServedNamespace]
    warnings: tuple[str, ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class ServingParts:
    """What handlers are made from."""

    host: JavaScriptHost
    sources: SourceParts
    trace: Trace


def compile_event_api(api: EventApiDefinition, parts: ServingParts, *, kept: bool = False) -> ServedEventApi:
    """Raises ProjectError."""
    warnings: list[str] = []
    try:
        _check_modes(api)
        sources = {each.name: make_source(each, parts.sources, warnings.append) for each in api.data_sources}
        namespaces: dict[str, ServedNamespace] = {}
        for namespace in api.namespaces:
            if not is_segment(namespace.name, parts.sources.limits):
                raise ProjectError(
                    f"the name of namespace {namespace.name!r} cannot be", "use letters, digits, hyphens"
                )
            if namespace.name in namespaces:
                raise ProjectError(f"namespace {namespace.name} is declared twice", "keep one of them")
            made = _Namespace(namespace, sources, parts, warnings.append)
            namespaces[namespace.name] = ServedNamespace(namespace, made.handlers())
    except ProjectError as error:
        raise ProjectError(f"Event API {api.name}: {error.cause}", error.remedy) from error.__cause__
    return ServedEventApi(api, namespaces, tuple(f"Event API {api.name}: {each}" for each in warnings), kept)


def _check_modes(api: EventApiDefinition) -> None:
    known = {each.type for each in api.authentication}
    asked = [("ConnectionAuthModes", api.connection_modes), ("DefaultPublishAuthModes", api.publish_modes)]
    asked.append(("DefaultSubscribeAuthModes", api.subscribe_modes))
    for namespace in api.namespaces:
        asked.append((f"PublishAuthModes of namespace {namespace.name}", namespace.publish_modes or ()))
        asked.append((f"SubscribeAuthModes of namespace {namespace.name}", namespace.subscribe_modes or ()))
    for where, modes in asked:
        for mode in modes:
            if mode not in known:
                raise ProjectError(f"{where} name {mode}, for which there is no provider", "add it to AuthProviders")


@dataclass(slots=True)
class _Namespace:
    definition: NamespaceDefinition
    sources: Mapping[str, DataSource]
    parts: ServingParts
    warn: Callable[[str], None]
    _code: CodeUnit | None = field(default=None, init=False)

    def handlers(self) -> dict[Operation, Handler]:
        """Raises ProjectError."""
        definition = self.definition
        if definition.code is not None:
            self._code = self._load(definition.code)
            if not any(each.startswith(tuple(HANDLERS.values())) for each in self._code.handlers):
                self.warn(f"the code of namespace {definition.name} exports neither onPublish nor onSubscribe")
        publish = self._handler("PUBLISH", definition.on_publish)
        subscribe = self._handler("SUBSCRIBE", definition.on_subscribe)
        found: dict[Operation, Handler | None] = {"PUBLISH": publish, "SUBSCRIBE": subscribe}
        return {operation: each for operation, each in found.items() if each is not None}

    def _handler(self, operation: Operation, integration: Integration | None) -> Handler | None:
        name = HANDLERS[operation]
        exported = self._code.handlers if self._code is not None else frozenset[str]()
        where = f"{name} of namespace {self.definition.name}"
        if integration is not None and integration.behavior == "DIRECT":
            if name in exported or f"{name}.request" in exported:
                self.warn(f"{where} is DIRECT: what the code exports under this name is not used")
            return self._direct(integration, where)
        if f"{name}.request" in exported and self._code is not None:
            if integration is None:
                raise ProjectError(
                    f"{where} makes requests, and has no data source",
                    f"name one in HandlerConfigs.{name[0].upper()}{name[1:]}.Integration, or export a function",
                )
            return SourceHandler(self._code, self._source(integration, where), self.parts.trace)
        if f"{name}.response" in exported:
            raise ProjectError(f"{where} has a response function and no request function", "add request")
        if integration is not None:
            self.warn(f"{where}: data source {integration.data_source} is not used, the code makes no requests to it")
        return CodeHandler(self._code, self.parts.trace) if name in exported and self._code is not None else None

    def _direct(self, integration: Integration, where: str) -> Handler:
        source = self._source(integration, where)
        if not isinstance(source, LambdaSource):
            raise ProjectError(
                f"{where} is DIRECT, and data source {integration.data_source} is no function",
                "name a data source of type AWS_LAMBDA, or use Behavior CODE",
            )
        return DirectEventHandler(source) if integration.invoke_type == "EVENT" else DirectHandler(source)

    def _source(self, integration: Integration, where: str) -> DataSource:
        found = self.sources.get(integration.data_source)
        if found is None:
            raise ProjectError(
                f"{where} uses data source '{integration.data_source}', which does not exist",
                f"declared are: {', '.join(self.sources) or 'none'}",
            )
        return found

    def _load(self, code: CodeDefinition) -> CodeUnit:
        try:
            unit = self.parts.host.load(code.text)
        except BrokenCode as error:
            first = error.errors[0]
            more = f" (and {len(error.errors) - 1} more)" if len(error.errors) > 1 else ""
            named = str(code.source or f"namespace {self.definition.name} code.js")
            raise ProjectError(
                f"{named}:{first.line}:{first.column}: {first.value}{more}",
                "change the code to what APPSYNC_JS supports",
            ) from error
        for warning in unit.warnings:
            self.warn(f"namespace {self.definition.name}: {warning}")
        return unit

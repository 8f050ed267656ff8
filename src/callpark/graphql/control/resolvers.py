"""`resolver` and `functionConfiguration` members ↔ resolvers and pipeline functions. Pure.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_Resolver.html, …/API_FunctionConfiguration.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from callpark.graphql.control.model import Members
from callpark.graphql.control.refusals import bad_request
from callpark.graphql.model import (
    CacheDefinition,
    CodeDefinition,
    FunctionDefinition,
    ResolverCaching,
    ResolverDefinition,
)

VTL_VERSION = "2018-05-29"


@dataclass(frozen=True, slots=True)
class _Logic:
    """What runs: code, or mapping templates."""

    code: CodeDefinition | None
    request_template: CodeDefinition | None
    response_template: CodeDefinition | None
    max_batch_size: int


def read_resolver(members: Members) -> ResolverDefinition:
    """Raises CallerError."""
    logic = _read_logic(members)
    kind: Literal["UNIT", "PIPELINE"] = "PIPELINE" if members.get("kind") == "PIPELINE" else "UNIT"
    source = cast("str | None", members.get("dataSourceName"))
    pipeline = members.get("pipelineConfig")
    if kind == "UNIT" and source is None:
        raise bad_request("A data source must be specified for a unit resolver.")
    if kind == "UNIT" and pipeline is not None:
        raise bad_request("A pipeline configuration can be specified for a pipeline resolver only.")
    if kind == "PIPELINE" and source is not None:
        raise bad_request("A pipeline resolver cannot have a data source.")
    functions = pipeline.get("functions", ()) if isinstance(pipeline, Mapping) else ()
    return ResolverDefinition(
        type_name=str(members["typeName"]),
        field_name=str(members["fieldName"]),
        kind=kind,
        data_source=source,
        functions=tuple(functions),
        code=logic.code,
        max_batch_size=logic.max_batch_size,
        request_template=logic.request_template,
        response_template=logic.response_template,
        caching=_read_caching(members.get("cachingConfig")),
    )


def read_function(function_id: str, members: Members) -> FunctionDefinition:
    """Raises CallerError."""
    logic = _read_logic(members)
    if logic.code is not None and members.get("functionVersion"):
        raise bad_request("Function version not supported with the provided runtime.")
    return FunctionDefinition(
        id=function_id,
        name=str(members["name"]),
        data_source=str(members["dataSourceName"]),
        code=logic.code,
        max_batch_size=logic.max_batch_size,
        request_template=logic.request_template,
        response_template=logic.response_template,
    )


def read_cache(members: Members, longest: float) -> CacheDefinition:
    """`apiCache` members. Raises CallerError."""
    seconds = cast(int, members["ttl"])
    if not 1 <= seconds <= longest:
        raise bad_request(f"Caching TTL must be between 1 and {longest:g} seconds.")
    behavior = members["apiCachingBehavior"]
    if behavior == "FULL_REQUEST_CACHING":
        return CacheDefinition("FULL_REQUEST_CACHING", seconds)
    if behavior == "PER_RESOLVER_CACHING":
        return CacheDefinition("PER_RESOLVER_CACHING", seconds)
    return CacheDefinition("OPERATION_LEVEL_CACHING", seconds)


def shown_resolver(resolver: ResolverDefinition) -> Members:
    """What a project's resolver says, as if CreateResolver had been given it."""
    members: dict[str, object] = {
        "typeName": resolver.type_name,
        "fieldName": resolver.field_name,
        "kind": resolver.kind,
        **_logic_members(resolver),
    }
    if resolver.data_source is not None:
        members["dataSourceName"] = resolver.data_source
    if resolver.kind == "PIPELINE":
        members["pipelineConfig"] = {"functions": list(resolver.functions)}
    if resolver.caching is not None:
        members["cachingConfig"] = {"ttl": int(resolver.caching.ttl), "cachingKeys": list(resolver.caching.keys)}
    return members


def shown_function(function: FunctionDefinition) -> Members:
    return {"name": function.name, "dataSourceName": function.data_source, **_logic_members(function)}


def shown_cache(cache: CacheDefinition) -> Members:
    return {"ttl": int(cache.ttl), "apiCachingBehavior": cache.behavior, "type": "SMALL"}


def inert(members: Members) -> Iterator[str]:
    """Members that are kept and shown, and change nothing here."""
    sync = members.get("syncConfig")
    if isinstance(sync, Mapping) and sync.get("conflictDetection") not in (None, "NONE"):
        yield "syncConfig"
    if members.get("metricsConfig") == "ENABLED":
        yield "metricsConfig"


def _read_logic(members: Members) -> _Logic:
    code, runtime = members.get("code"), members.get("runtime")
    if (code is None) != (runtime is None):
        raise bad_request("Both a runtime and code must be specified for APPSYNC_JS.")
    if isinstance(runtime, Mapping):
        check_runtime(runtime)
    request, response = members.get("requestMappingTemplate"), members.get("responseMappingTemplate")
    if code is not None and (request is not None or response is not None):
        raise bad_request("Mapping templates cannot be specified together with code.")
    return _Logic(
        _text(code),
        _text(request),
        _text(response),
        cast(int, members.get("maxBatchSize") or 0),
    )


def _text(given: object) -> CodeDefinition | None:
    return None if given is None else CodeDefinition(str(given))


def check_runtime(runtime: Members) -> None:
    """Raises CallerError for another language, or a version that there is not."""
    if (runtime.get("name"), runtime.get("runtimeVersion")) != ("APPSYNC_JS", "1.0.0"):
        raise bad_request("The runtime must be APPSYNC_JS, version 1.0.0.")


def _logic_members(declared: ResolverDefinition | FunctionDefinition) -> dict[str, object]:
    members: dict[str, object] = {"maxBatchSize": declared.max_batch_size}
    if declared.code is not None:
        members["code"] = declared.code.text
        members["runtime"] = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    if declared.request_template is not None:
        members["requestMappingTemplate"] = declared.request_template.text
    if declared.response_template is not None:
        members["responseMappingTemplate"] = declared.response_template.text
    return members


def _read_caching(given: object) -> ResolverCaching | None:
    if not isinstance(given, Mapping):
        return None
    return ResolverCaching(float(given["ttl"]), tuple(cast(Sequence[str], given.get("cachingKeys") or ())))

"""Compiled codecs, one per operation and protocol, made on first use and kept.

Called by `app.py`: from a route to the functions that parse, validate and serialise it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from botocore.exceptions import UnknownServiceError

from callpark.gateway.models import OperationModel, service_model
from callpark.gateway.protocols import json_rpc, query, rest_json, rest_xml, rpc_v2_cbor
from callpark.gateway.protocols.validation import Validate, compile_validator
from callpark.gateway.protocols.wire import OperationCodec, Parse, Serialise, SerialiseError
from callpark.gateway.routing import ProtocolName

_COMPILERS: Mapping[ProtocolName, Callable[[OperationModel], OperationCodec]] = {
    "rest-json": rest_json.compile_operation,
    "json": json_rpc.compile_operation,
    "query": query.compile_operation,
    "rpc-v2-cbor": rpc_v2_cbor.compile_operation,
}


@dataclass(frozen=True, slots=True)
class Codec:
    parse: Parse
    validate: Validate
    serialise: Serialise


@lru_cache(maxsize=4096)
def operation_codec(service: str, operation: str, protocol: ProtocolName) -> Codec:
    model = service_model(service).operation_model(operation)
    compiled = _COMPILERS[protocol](model)
    return Codec(compiled.parse, compile_validator(model), compiled.serialise)


@lru_cache(maxsize=256)
def error_codec(service: str | None, protocol: ProtocolName) -> SerialiseError:
    """How a service tells refusals; None for a request that reached no service."""
    if protocol == "rest-json":
        return rest_json.serialise_error
    if protocol == "json":
        return json_rpc.compile_error(service_model(service)) if service else json_rpc.serialise_unrouted_error
    if protocol == "rpc-v2-cbor":
        return rpc_v2_cbor.compile_error(service_model(service)) if service else rpc_v2_cbor.serialise_unrouted_error
    return query.compile_error(service_model(service or "sts"))


@lru_cache(maxsize=64)
def foreign_error_codec(service: str, said: bytes | None) -> SerialiseError:
    """How a service that is not served here tells refusals, in the protocol that its clients speak, unless the header
    `smithy-protocol` `said` which; JSON for a service that is not known at all."""
    try:
        model = service_model(service)
    except UnknownServiceError:
        return rest_json.serialise_error
    match "smithy-rpc-v2-cbor" if said == b"rpc-v2-cbor" else model.resolved_protocol:
        case "rest-xml":
            return rest_xml.compile_error(model)
        case "query" | "ec2":
            return query.compile_error(model)
        case "json":
            return json_rpc.compile_error(model)
        case "smithy-rpc-v2-cbor":
            return rpc_v2_cbor.compile_error(model)
        case _:
            return rest_json.serialise_error

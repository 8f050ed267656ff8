"""Smithy's RPC v2 in CBOR (CloudWatch): the path names the operation, the body is CBOR.

Called by `codecs.py`. https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from collections.abc import Mapping

from callpark.gateway.models import OperationModel, ServiceModel
from callpark.gateway.protocols import cbor
from callpark.gateway.protocols.json_shapes import CBOR_READERS, CBOR_WRITERS, compile_reader, compile_writer
from callpark.gateway.protocols.query_codes import query_error
from callpark.gateway.protocols.refusals import unreadable
from callpark.gateway.protocols.wire import OperationCodec, Request, Response, SerialiseError, header_bytes
from callpark.kernel.errors import CallerError, RuntimeBug
from callpark.kernel.operations import Answer

_HEADERS = ((b"content-type", b"application/cbor"), (b"smithy-protocol", b"rpc-v2-cbor"))


def compile_operation(operation: OperationModel) -> OperationCodec:
    read = compile_reader(operation.input_shape, CBOR_READERS) if operation.input_shape else None
    write = compile_writer(operation.output_shape, CBOR_WRITERS) if operation.output_shape else None

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, object]:
        if read is None or not request.body:
            return {}
        try:
            body = cbor.loads(request.body)
        except cbor.Malformed as error:
            raise unreadable(f"The body is not CBOR: {error}") from None
        parameters = read(body)
        assert isinstance(parameters, dict)
        return parameters

    def serialise(answer: Answer, request_id: str) -> Response:
        if answer.stream is not None:
            raise RuntimeBug(f"{operation.name} has no event stream")
        return Response(200, _HEADERS, b"" if write is None else cbor.dumps(write(answer.members)))

    return OperationCodec(parse, serialise)


def serialise_unrouted_error(error: CallerError, request_id: str) -> Response:
    """A refusal before any service was found."""
    return Response(error.status, _HEADERS, cbor.dumps({"__type": error.code, **error.body}))


def compile_error(service: ServiceModel) -> SerialiseError:
    """`__type` in the body; `x-amzn-query-error` beside it for services that once spoke the query protocol."""
    namespace = f"com.amazonaws.{service.service_name}#"

    def serialise(error: CallerError, request_id: str) -> Response:
        headers = (*_HEADERS, *header_bytes(error.headers), *query_error(service, error))
        return Response(error.status, headers, cbor.dumps({"__type": namespace + error.code, **error.body}))

    return serialise

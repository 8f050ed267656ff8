"""The json protocol, 1.0 and 1.1 (SQS, CloudWatch Logs): `X-Amz-Target` names the operation, the body is JSON.

Called by `codecs.py`. https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

from collections.abc import Mapping

import orjson

from callpark.gateway.models import OperationModel, ServiceModel
from callpark.gateway.protocols.json_shapes import compile_reader, compile_writer, read_json
from callpark.gateway.protocols.query_codes import query_error
from callpark.gateway.protocols.wire import OperationCodec, Request, Response, SerialiseError, header_bytes
from callpark.kernel.errors import CallerError, RuntimeBug
from callpark.kernel.operations import Answer


def compile_operation(operation: OperationModel) -> OperationCodec:
    content = _content_type(operation.service_model)
    read = compile_reader(operation.input_shape) if operation.input_shape else None
    write = compile_writer(operation.output_shape) if operation.output_shape else None

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, object]:
        if read is None or not request.body:
            return {}
        parameters = read(read_json(request.body))
        assert isinstance(parameters, dict)
        return parameters

    def serialise(answer: Answer, request_id: str) -> Response:
        if answer.stream is not None:
            raise RuntimeBug(f"{operation.name} has no event stream")
        if write is None:
            return Response(200, (content,), b"")
        return Response(200, (content,), orjson.dumps(write(answer.members)))

    return OperationCodec(parse, serialise)


def serialise_unrouted_error(error: CallerError, request_id: str) -> Response:
    """A refusal before any service was found."""
    body = orjson.dumps({"__type": error.code, **dict(error.body)})
    return Response(error.status, ((b"content-type", b"application/x-amz-json-1.0"),), body)


def compile_error(service: ServiceModel) -> SerialiseError:
    """`__type` in the body; `x-amzn-query-error` beside it for services that once spoke the query protocol."""
    content = _content_type(service)
    namespace = f"com.amazonaws.{service.service_name}#"

    def serialise(error: CallerError, request_id: str) -> Response:
        headers = (content, *header_bytes(error.headers), *query_error(service, error))
        return Response(error.status, headers, orjson.dumps({"__type": namespace + error.code, **dict(error.body)}))

    return serialise


def _content_type(service: ServiceModel) -> tuple[bytes, bytes]:
    return (b"content-type", f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}".encode())

"""Refusals in the rest-xml protocol (S3, Route 53, CloudFront): nothing that speaks it is served here, but passed on.

Called by `codecs.py`. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from xml.sax.saxutils import escape

from callpark.gateway.models import ServiceModel
from callpark.gateway.protocols.wire import XML, Response, SerialiseError, header_bytes
from callpark.kernel.errors import CallerError


def compile_error(service: ServiceModel) -> SerialiseError:
    """S3 has the error as the root, other services have it inside an ErrorResponse."""
    wrapped = service.service_name != "s3"

    def serialise(error: CallerError, request_id: str) -> Response:
        members = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        request = f"<RequestId>{escape(request_id)}</RequestId>"
        if wrapped:
            text = f"<ErrorResponse><Error>{members}</Error>{request}</ErrorResponse>"
        else:
            text = f"<Error>{members}{request}</Error>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        return Response(error.status, (XML, *header_bytes(error.headers)), body)

    return serialise

"""Failures after the 200 is on the wire: Bedrock's streams know a few exceptions, and the others become one of them.

Used by the streaming operations.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html
"""

from callpark.kernel.errors import CallerError
from callpark.models.refusals import stream_error

_OF_STREAMS = frozenset(
    {
        "InternalServerException",
        "ModelStreamErrorException",
        "ValidationException",
        "ThrottlingException",
        "ServiceUnavailableException",
    }
)
_OF_INVOKE = _OF_STREAMS | {"ModelTimeoutException"}


def in_stream(error: CallerError, operation: str) -> CallerError:
    """The refusal as a stream of `operation` can carry it."""
    known = _OF_INVOKE if operation == "InvokeModelWithResponseStream" else _OF_STREAMS
    if error.code in known:
        return error
    return stream_error(error.message, error.status)

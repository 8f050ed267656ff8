"""Bedrock's refusals: code, status and text. Raised by everything in the slice that says no.

Before a stream they are the answer; within one, `api/` makes an exception frame of the same code.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
"""

from callpark.kernel.errors import CallerError


def validation(text: str) -> CallerError:
    return CallerError("ValidationException", 400, text)


def access_denied(text: str) -> CallerError:
    return CallerError("AccessDeniedException", 403, text)


def not_found(text: str) -> CallerError:
    return CallerError("ResourceNotFoundException", 404, text)


def throttled(text: str = "Too many requests, please wait before trying again.") -> CallerError:
    return CallerError("ThrottlingException", 429, text)


def not_ready(text: str) -> CallerError:
    return CallerError("ModelNotReadyException", 429, text)


def timed_out(text: str) -> CallerError:
    return CallerError("ModelTimeoutException", 408, text)


def model_error(text: str, original_status: int | None = None) -> CallerError:
    """The model failed before it had said anything."""
    return _of_the_model("ModelErrorException", text, original_status)


def stream_error(text: str, original_status: int | None = None) -> CallerError:
    """The model failed while it was writing."""
    return _of_the_model("ModelStreamErrorException", text, original_status)


def internal(text: str) -> CallerError:
    return CallerError("InternalServerException", 500, text)


def unavailable(text: str) -> CallerError:
    return CallerError("ServiceUnavailableException", 503, text)


def _of_the_model(code: str, text: str, original_status: int | None) -> CallerError:
    body: dict[str, object] = {"message": text}
    if original_status is not None:
        body["originalStatusCode"] = original_status
    return CallerError(code, 424, text, body=body)

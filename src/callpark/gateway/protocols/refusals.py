"""What the gateway itself refuses, in AWS's words where AWS has words.

Called by the router, the protocols and the application. The slices make their own refusals.
"""

from collections.abc import Sequence

from callpark.kernel.errors import CallerError


def unreadable(text: str) -> CallerError:
    """The request cannot be read as its protocol."""
    return CallerError("SerializationException", 400, text)


def not_implemented(service: str, operation: str) -> CallerError:
    """Our rule L16: an operation that is not built says so by name."""
    return CallerError("NotImplemented", 501, f"callpark does not implement {operation} of the service {service}")


def unknown_service(service: str) -> CallerError:
    return CallerError("NotImplemented", 501, f"callpark does not implement the service {service}")


def unknown_operation(what: str) -> CallerError:
    return CallerError("UnknownOperationException", 404, f"no AWS operation answers to {what}")


def body_too_large(limit: int) -> CallerError:
    """413 in the text Lambda's front door uses."""
    return CallerError("RequestEntityTooLargeException", 413, f"Request must be smaller than {limit} bytes")


def headers_too_large(limit: int) -> CallerError:
    return CallerError("RequestHeaderFieldsTooLarge", 431, f"Request headers must be smaller than {limit} bytes")


def internal(service: str | None) -> CallerError:
    """Our bug, said without telling how. Lambda spells the keys its own way (API_Invoke, ServiceException)."""
    message = "callpark failed to handle this request; its log says why, under this request id"
    if service == "lambda":
        return CallerError("ServiceException", 500, message, body={"Type": "Service", "Message": message})
    return CallerError("InternalFailure", 500, message)


def invalid(service: str, problems: Sequence[str], missing: Sequence[str]) -> CallerError:
    """Parameters break the model's constraints; `missing` names the required members that are not there."""
    if service == "sqs" and missing:
        text = f"The request must contain the parameter {missing[0]}."
        return CallerError("MissingRequiredParameterException", 400, text)
    noun = "error" if len(problems) == 1 else "errors"
    text = f"{len(problems)} validation {noun} detected: {'; '.join(problems)}"
    code = {
        "appsync": "BadRequestException",
        "connect": "InvalidParameterException",
        "logs": "InvalidParameterException",
    }.get(service, "ValidationException")
    return CallerError(code, 400, text)

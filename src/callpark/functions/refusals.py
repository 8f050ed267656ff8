"""AWS Lambda's refusals, with the body keys each exception uses on the wire.

Called by everything in the slice that says no. SDKs expose the body, and its spelling differs from exception to
exception (`Message` or `message`, with or without `Type`), so it is given whole.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors; texts as recorded from the service.
"""

from collections.abc import Sequence

from callpark.kernel.errors import CallerError


def not_found(message: str) -> CallerError:
    return CallerError("ResourceNotFoundException", 404, message, body={"Type": "User", "Message": message})


def function_not_found(arn: str) -> CallerError:
    """`arn` as the operation spells it: Invoke qualifies it, GetFunction and DeleteFunction do not."""
    return not_found(f"Function not found: {arn}")


def invalid_parameter(message: str) -> CallerError:
    return CallerError("InvalidParameterValueException", 400, message, body={"Type": "User", "message": message})


def invalid_account_parameter(message: str) -> CallerError:
    """A concurrency refusal that quotes account totals: no `Type`."""
    return CallerError("InvalidParameterValueException", 400, message, body={"message": message})


def invalid_request_content(message: str) -> CallerError:
    return CallerError("InvalidRequestContentException", 400, message, body={"Type": "User", "message": message})


def conflict(message: str) -> CallerError:
    return CallerError("ResourceConflictException", 409, message, body={"Type": "User", "message": message})


def precondition_failed(message: str) -> CallerError:
    return CallerError("PreconditionFailedException", 412, message, body={"Type": "User", "message": message})


def too_large(message: str) -> CallerError:
    return CallerError("RequestEntityTooLargeException", 413, message, body={"message": message})


def too_many_requests(reason: str, retry_after_seconds: float) -> CallerError:
    """Body as recorded for reserved concurrency; the seconds go into the header that SDKs show as retryAfterSeconds."""
    message = "Rate Exceeded."
    return CallerError(
        "TooManyRequestsException",
        429,
        message,
        body={"Reason": reason, "Type": "User", "message": message},
        headers={"Retry-After": f"{retry_after_seconds:g}"},
    )


def service_exception(message: str) -> CallerError:
    return CallerError("ServiceException", 500, message, body={"Type": "Service", "Message": message})


def not_stored(reason: str) -> CallerError:
    """Ours: nothing was accepted, and the same request may succeed a little later. SDKs try again on a 503."""
    message = f"The event could not be stored: {reason}"
    body = {"Type": "Service", "Message": message}
    return CallerError("ServiceException", 503, message, body=body, headers={"Retry-After": "1"})


def validation(problems: Sequence[str]) -> CallerError:
    """Several problems are counted and joined, as AWS does."""
    noun = "error" if len(problems) == 1 else "errors"
    message = f"{len(problems)} validation {noun} detected: {'; '.join(problems)}"
    return CallerError("ValidationException", 400, message, body={"message": message})


def constraint(value: object, member: str, rule: str) -> str:
    """One validation problem; `rule` continues "Member must"."""
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"


def provisioned_not_found(message: str) -> CallerError:
    return CallerError(
        "ProvisionedConcurrencyConfigNotFoundException", 404, message, body={"Type": "User", "message": message}
    )


def recursive_invocation() -> CallerError:
    message = (
        "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your "
        "function's invocation."
    )
    return CallerError("RecursiveInvocationException", 400, message, body={"Type": "User", "Message": message})


def unsupported_media_type(content_type: str) -> CallerError:
    message = f"Unsupported Media Type: {content_type}"
    return CallerError("UnsupportedMediaTypeException", 415, message, body={"Type": "User", "message": message})


def policy_too_long(message: str) -> CallerError:
    return CallerError("PolicyLengthExceededException", 400, message, body={"Type": "User", "message": message})

"""What CloudWatch Logs refuses, in AWS's words where AWS has words.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html
"""

from callpark.kernel.errors import CallerError


def invalid_parameter(message: str) -> CallerError:
    return CallerError("InvalidParameterException", 400, message)


def not_offered(what: str) -> CallerError:
    """callpark has not built it, and says so by name."""
    return invalid_parameter(f"callpark does not support {what}")


def no_group() -> CallerError:
    return CallerError("ResourceNotFoundException", 400, "The specified log group does not exist.")


def no_stream() -> CallerError:
    return CallerError("ResourceNotFoundException", 400, "The specified log stream does not exist.")


def group_exists() -> CallerError:
    return CallerError("ResourceAlreadyExistsException", 400, "The specified log group already exists")


def stream_exists() -> CallerError:
    return CallerError("ResourceAlreadyExistsException", 400, "The specified log stream already exists")


def too_many(what: str) -> CallerError:
    return CallerError("LimitExceededException", 400, f"Resource limit exceeded: {what}")


def unavailable(reason: str) -> CallerError:
    return CallerError("ServiceUnavailableException", 500, f"The logs could not be stored: {reason}")

"""What CloudWatch refuses. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html"""

from callpark.kernel.errors import CallerError


def invalid_value(message: str) -> CallerError:
    return CallerError("InvalidParameterValueException", 400, message)


def invalid_combination(message: str) -> CallerError:
    return CallerError("InvalidParameterCombinationException", 400, message)


def invalid(message: str) -> CallerError:
    return CallerError("ValidationException", 400, message)


def bad_token() -> CallerError:
    return CallerError("InvalidNextToken", 400, "The token is not one that this operation gave out")

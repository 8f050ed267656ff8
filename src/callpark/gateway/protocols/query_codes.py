"""The query protocol's error codes of services that now speak JSON.

Used for the header `x-amzn-query-error` and for XML answers. botocore's SQS model no longer carries the old codes;
these are AWS's (reference lambda.md §19.3, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/).
CloudWatch's are in its model's error traits.
"""

from collections.abc import Mapping

from callpark.gateway.models import ServiceModel
from callpark.kernel.errors import CallerError

_SQS_PREFIX = "AWS.SimpleQueueService."

_SQS: Mapping[str, str] = {
    "QueueDoesNotExist": _SQS_PREFIX + "NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    **{
        code: _SQS_PREFIX + code
        for code in (
            "BatchEntryIdsNotDistinct",
            "BatchRequestTooLong",
            "EmptyBatchRequest",
            "InvalidBatchEntryId",
            "MessageNotInflight",
            "PurgeQueueInProgress",
            "QueueDeletedRecently",
            "TooManyEntriesInBatchRequest",
            "UnsupportedOperation",
        )
    },
}


_CLOUDWATCH: Mapping[str, str] = {
    "InternalServiceFault": "InternalServiceError",
    "InvalidParameterCombinationException": "InvalidParameterCombination",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    "ValidationException": "ValidationError",
}

_CODES: Mapping[str, Mapping[str, str]] = {"sqs": _SQS, "cloudwatch": _CLOUDWATCH}


def query_code(service: str, code: str) -> str:
    """The old code of a JSON error type; the same name where they do not differ."""
    return _CODES.get(service, {}).get(code, code)


def query_text(service: str, error: CallerError) -> str:
    """What the query protocol says; SQS has one text of its own there (recorded)."""
    if service == "sqs" and error.code == "QueueDoesNotExist":
        return "The specified queue does not exist for this wsdl version."
    return error.message


def fault(error: CallerError) -> str:
    """Whose fault a refusal is, in the query protocol's words."""
    return "Sender" if error.status < 500 else "Receiver"


def query_error(service: ServiceModel, error: CallerError) -> tuple[tuple[bytes, bytes], ...]:
    """The header `x-amzn-query-error` of a service that once spoke the query protocol; none for others."""
    if "awsQueryCompatible" not in service.metadata:
        return ()
    return ((b"x-amzn-query-error", f"{query_code(service.service_name, error.code)};{fault(error)}".encode()),)

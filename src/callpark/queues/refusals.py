"""Amazon SQS's refusals: code, status and text as recorded from the service.

Called by everything in the slice that says no. The old codes of the query protocol are the gateway's business.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
"""

from callpark.kernel.errors import CallerError

SIZE_IN_BATCH = "One or more parameters cannot be validated. Reason: Message must be shorter than {limit} bytes."
_BATCH_ID = (
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
    "It can be at most 80 letters long."
)


def invalid_parameter(text: str) -> CallerError:
    return CallerError("InvalidParameterValueException", 400, text)


def invalid_value(value: object, parameter: str, reason: str) -> CallerError:
    return invalid_parameter(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def missing(parameter: str) -> CallerError:
    text = f"The request must contain the parameter {parameter}."
    return CallerError("MissingRequiredParameterException", 400, text)


def no_queue() -> CallerError:
    return CallerError("QueueDoesNotExist", 400, "The specified queue does not exist.")


def invalid_address(url: str) -> CallerError:
    return CallerError("InvalidAddress", 404, f"The address {url[:256]} is not valid for this endpoint.")


def queue_exists(attribute: str) -> CallerError:
    text = f"A queue already exists with the same name and a different value for attribute {attribute}"
    return CallerError("QueueNameExists", 400, text)


def deleted_recently(seconds: float) -> CallerError:
    text = f"You must wait {seconds:g} seconds after deleting a queue before you can create another with the same name."
    return CallerError("QueueDeletedRecently", 400, text)


def purge_in_progress(name: str, seconds: float) -> CallerError:
    text = f"Only one PurgeQueue operation on {name} is allowed every {seconds:g} seconds."
    return CallerError("PurgeQueueInProgress", 403, text)


def unknown_attribute(name: str) -> CallerError:
    return CallerError("InvalidAttributeName", 400, f"Unknown Attribute {name[:256]}.")


def invalid_attribute_name(text: str) -> CallerError:
    return CallerError("InvalidAttributeName", 400, text)


def invalid_attribute(name: str, reason: str = "") -> CallerError:
    text = f"Invalid value for the parameter {name}."
    return CallerError("InvalidAttributeValue", 400, f"{text} Reason: {reason}" if reason else text)


def message_too_long(limit: int) -> CallerError:
    return invalid_parameter(f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.")


def invalid_characters() -> CallerError:
    text = (
        "Invalid characters found. Valid unicode characters are "
        "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )
    return CallerError("InvalidMessageContents", 400, text)


def invalid_handle(handle: str) -> CallerError:
    text = f'The input receipt handle "{handle[:1024]}" is not a valid receipt handle.'
    return CallerError("ReceiptHandleIsInvalid", 404, text)


def expired_handle(handle: str) -> CallerError:
    return invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")


def not_available(handle: str) -> CallerError:
    reason = "Message does not exist or is not available for visibility timeout change."
    return invalid_value(handle, "ReceiptHandle", reason)


def over_limit(limit: int) -> CallerError:
    text = f"Too many messages are in flight: a queue may have {limit} messages received and not yet deleted."
    return CallerError("OverLimit", 403, text)


def too_many_entries(limit: int, count: int) -> CallerError:
    text = f"Maximum number of entries per request are {limit}. You have sent {count}."
    return CallerError("TooManyEntriesInBatchRequest", 400, text)


def empty_batch(entry: str) -> CallerError:
    text = f"There should be at least one {entry} in the request."
    return CallerError("EmptyBatchRequest", 400, text)


def batch_id() -> CallerError:
    return CallerError("InvalidBatchEntryId", 400, _BATCH_ID)


def batch_id_twice(entry_id: str) -> CallerError:
    return CallerError("BatchEntryIdsNotDistinct", 400, f"Id {entry_id} repeated.")


def batch_too_long(limit: int, length: int) -> CallerError:
    text = f"Batch requests cannot be longer than {limit} bytes. You have sent {length} bytes."
    return CallerError("BatchRequestTooLong", 400, text)


def no_resource(parameter: str) -> CallerError:
    text = f"The resource that you specified for the {parameter} parameter doesn't exist."
    return CallerError("ResourceNotFoundException", 404, text)


def no_task() -> CallerError:
    return CallerError("ResourceNotFoundException", 404, "Task does not exist.")


def unsupported(text: str) -> CallerError:
    return CallerError("UnsupportedOperation", 400, text)


def unavailable(reason: str) -> CallerError:
    """Ours: the disk refuses. SDKs try again on a 503."""
    text = f"The change could not be stored: {reason}"
    return CallerError("ServiceUnavailable", 503, text, headers={"Retry-After": "1"})


def over_statements(limit: int) -> CallerError:
    return CallerError("OverLimit", 403, f"{limit} statements are the most that a queue's policy may have.")

"""What a mapping may be set to, refused as AWS refuses it. Pure; called by `service.py`.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html; texts as recorded, or ours where
AWS's are not known.
"""

from callpark.functions import refusals
from callpark.functions.sources import filters
from callpark.functions.sources.model import REPORT_FAILURES, SourceSettings
from callpark.functions.sources.ports import SourceQueue
from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits

_CONCURRENCY = (2, 1_000)
_MINIMUM_POLLERS, _MAXIMUM_POLLERS = (2, 200), (2, 2_000)
_OTHER_SOURCES = frozenset({"kinesis", "dynamodb", "kafka", "mq", "rds"})


def queue_arn(source: str | None) -> str:
    """The ARN of an SQS queue. Raises CallerError for every other source."""
    arn = Arn.parse(source) if source else None
    if arn is not None and arn.service in _OTHER_SOURCES:
        raise refusals.invalid_parameter(f"callpark does not support event sources of {arn.service}, only Amazon SQS.")
    if source is None or arn is None or arn.service != "sqs":
        raise refusals.invalid_parameter("Unrecognized event source.")
    return source


def is_fifo(queue: str) -> bool:
    return queue.endswith(".fifo")


def check(settings: SourceSettings, queue: str, limits: LambdaLimits) -> None:
    """Ranges, combinations and patterns. Raises CallerError."""
    problems = [
        *_outside(settings.batch_size, "batchSize", 1, limits.source_batch_size),
        *_outside(settings.window_seconds, "maximumBatchingWindowInSeconds", 0, limits.source_window_seconds),
        *_outside(settings.maximum_concurrency, "scalingConfig.maximumConcurrency", *_CONCURRENCY),
    ]
    if settings.pollers is not None:
        least, most = settings.pollers.minimum, settings.pollers.maximum
        problems += _outside(least, "provisionedPollerConfig.minimumPollers", *_MINIMUM_POLLERS)
        problems += _outside(most, "provisionedPollerConfig.maximumPollers", *_MAXIMUM_POLLERS)
    for kind in settings.response_types:
        if kind != REPORT_FAILURES:
            problems.append(
                refusals.constraint(
                    f"[{', '.join(settings.response_types)}]",
                    "functionResponseTypes",
                    f"satisfy constraint: [Member must satisfy enum value set: [{REPORT_FAILURES}]]",
                )
            )
    for pattern in settings.filters:
        if len(pattern) > limits.source_filter_characters:
            rule = f"have length less than or equal to {limits.source_filter_characters}"
            problems.append(refusals.constraint(pattern, "filterCriteria.filters.1.member.pattern", rule))
    if problems:
        raise refusals.validation(problems)
    _check_combinations(settings, is_fifo(queue), limits)
    _check_filters(settings, limits)


def check_visibility(queue: SourceQueue, timeout_seconds: int) -> None:
    """Raises CallerError: a message must not come back while the function may still work on it."""
    if queue.visibility_seconds < timeout_seconds:
        raise refusals.invalid_parameter(
            f"Queue visibility timeout: {queue.visibility_seconds} seconds is less than Function timeout: "
            f"{timeout_seconds} seconds"
        )


def no_queue() -> CallerError:
    return refusals.invalid_parameter(
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        "SQS Error Message: The specified queue does not exist."
    )


def no_function() -> CallerError:
    return refusals.invalid_parameter("Function does not exist")


def no_mapping() -> CallerError:
    return refusals.not_found("The resource you requested does not exist.")


def exists_already(queue: str, function: str, mapping_id: str) -> CallerError:
    """`function` as it was given: a name stays a name."""
    return refusals.conflict(
        f'An event source mapping with SQS arn (" {queue} ") and function (" {function} ") already exists. '
        f"Please update or delete the existing mapping with UUID {mapping_id}"
    )


def in_use(verb: str) -> CallerError:
    message = f"Cannot {verb} the event source mapping because it is in use."
    return CallerError("ResourceInUseException", 400, message, body={"Type": "User", "Message": message})


def _outside(value: int | None, member: str, low: int, high: int) -> list[str]:
    if value is None or low <= value <= high:
        return []
    bound = f"greater than or equal to {low}" if value < low else f"less than or equal to {high}"
    return [refusals.constraint(value, member, f"have value {bound}")]


def _check_combinations(settings: SourceSettings, fifo: bool, limits: LambdaLimits) -> None:
    if fifo and settings.batch_size > limits.source_fifo_batch_size:
        raise refusals.invalid_parameter(
            f"Maximum batch size for FIFO queues is {limits.source_fifo_batch_size}, not {settings.batch_size}."
        )
    if fifo and settings.window_seconds:
        raise refusals.invalid_parameter("Batching window is not supported for FIFO queues.")
    if settings.batch_size > 10 and settings.window_seconds == 0:
        raise refusals.invalid_parameter(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    if settings.pollers is not None and settings.maximum_concurrency is not None:
        raise refusals.invalid_parameter("ProvisionedPollerConfig and MaximumConcurrency cannot be used together.")
    pollers = settings.pollers
    if pollers is not None and (pollers.minimum or 0) > (pollers.maximum or limits.source_maximum_pollers):
        raise refusals.invalid_parameter("MinimumPollers cannot be greater than MaximumPollers.")


def _check_filters(settings: SourceSettings, limits: LambdaLimits) -> None:
    if len(settings.filters) > limits.source_filters:
        raise refusals.invalid_parameter(
            f"FilterCriteria can have {limits.source_filters} filters, not {len(settings.filters)}."
        )
    try:
        filters.record_filter(settings.filters)
    except filters.BadPattern as error:
        raise refusals.invalid_parameter("Invalid filter pattern definition.") from error

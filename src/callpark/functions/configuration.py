"""What a function's configuration may say: AWS's refusals, and callpark's warnings for what it cannot act on. Pure.

Called by `service.py` for API calls and for a project's declarations alike.
https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
"""

from collections.abc import Callable

from callpark.functions import refusals
from callpark.functions.model import EventInvokeConfig, FunctionConfiguration
from callpark.kernel.arn import Arn
from callpark.kernel.limits import LambdaLimits

_MINIMUM_MEMORY = 128
_MINIMUM_STORAGE = 512
_RETIRED = {
    "nodejs": "nodejs24.x",
    "nodejs4.3": "nodejs24.x",
    "nodejs4.3-edge": "nodejs24.x",
    "nodejs6.10": "nodejs24.x",
    "nodejs8.10": "nodejs24.x",
    "nodejs10.x": "nodejs24.x",
    "nodejs12.x": "nodejs24.x",
    "nodejs14.x": "nodejs24.x",
    "python2.7": "python3.14",
    "python3.6": "python3.14",
    "python3.7": "python3.14",
    "ruby2.5": "ruby3.4",
    "ruby2.7": "ruby3.4",
    "java8": "java25",
    "go1.x": "provided.al2023",
    "provided": "provided.al2023",
    "dotnetcore1.0": "dotnet10",
    "dotnetcore2.0": "dotnet10",
    "dotnetcore2.1": "dotnet10",
    "dotnetcore3.1": "dotnet10",
}
_RUNNABLE = ("python3.", "nodejs", "provided.")
_RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


def check(configuration: FunctionConfiguration, limits: LambdaLimits) -> None:
    """Raises CallerError for what AWS refuses."""
    if not configuration.runtime or not configuration.handler:
        raise refusals.invalid_parameter(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    if (successor := _RETIRED.get(configuration.runtime)) is not None:
        raise refusals.invalid_parameter(
            f"The runtime parameter of {configuration.runtime} is no longer supported for creating or updating AWS "
            f"Lambda functions. We recommend you use {successor} while creating or updating functions."
        )
    problems = [
        *_range("timeout", configuration.timeout_seconds, 1, limits.timeout_seconds),
        *_range("memorySize", configuration.memory_megabytes, _MINIMUM_MEMORY, limits.memory_megabytes),
        *_range(
            "ephemeralStorage.size",
            configuration.ephemeral_storage_megabytes,
            _MINIMUM_STORAGE,
            limits.ephemeral_storage_megabytes,
        ),
    ]
    if problems:
        raise refusals.validation(problems)
    _check_environment(configuration, limits)


#: The services that records and dead letters can be sent to; the first ones are callpark's own.
_DELIVERED = {
    "DeadLetterConfig": ("sqs", "sns"),
    "OnSuccess": ("lambda", "sqs", "sns", "events"),
    "OnFailure": ("lambda", "sqs", "sns", "events", "s3"),
}
_OWN = ("lambda", "sqs")


def warnings(
    configuration: FunctionConfiguration, config: EventInvokeConfig | None, remedy: Callable[[str], str | None]
) -> list[str]:
    """What callpark keeps but does not act on, one sentence each. `remedy`: service → what lets somebody serve it, None
    when somebody does."""
    name, found = configuration.name, []
    if not configuration.runtime.startswith(_RUNNABLE):
        found.append(f"function {name}: runtime {configuration.runtime} cannot run here; python, nodejs, provided can")
    targets = {
        "DeadLetterConfig": configuration.dead_letter_target,
        "OnSuccess": config.on_success if config is not None else None,
        "OnFailure": config.on_failure if config is not None else None,
    }
    for kind, target in targets.items():
        arn = None if target is None else Arn.parse(target)
        if target is not None and (arn is None or arn.service not in _DELIVERED[kind]):
            found.append(
                f"function {name}: {kind} is kept, but goes only to {', '.join(_DELIVERED[kind])}; "
                f"what is meant for {target} is named in the trace"
            )
        elif arn is not None and arn.service not in _OWN and (way := remedy(arn.service)) is not None:
            found.append(
                f"function {name}: {kind} is kept, but nobody serves {arn.service} here: {way}; "
                f"what is meant for {target} is named in the trace"
            )
    return found


def _range(member: str, value: int, minimum: int, maximum: int) -> list[str]:
    if value < minimum:
        return [refusals.constraint(value, member, f"have value greater than or equal to {minimum}")]
    if value > maximum:
        return [refusals.constraint(value, member, f"have value less than or equal to {maximum}")]
    return []


def _check_environment(configuration: FunctionConfiguration, limits: LambdaLimits) -> None:
    prefix = "Lambda was unable to configure your environment variables because the environment variables you have "
    reserved = sorted(_RESERVED_VARIABLES & configuration.environment.keys())
    if reserved:
        raise refusals.invalid_parameter(
            f"{prefix}provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    size = sum(len(key.encode()) + len(value.encode()) for key, value in configuration.environment.items())
    if size > limits.environment_bytes:
        raise refusals.invalid_parameter(f"{prefix}provided exceeded the {limits.environment_bytes // 1024}KB limit.")

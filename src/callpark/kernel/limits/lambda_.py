"""AWS Lambda: functions, their events, environments and event source mappings."""

from dataclasses import dataclass

from callpark.kernel.limits.limit import limit


@dataclass(frozen=True, slots=True)
class LambdaLimits:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html unless the line says otherwise."""

    retry_base_seconds: float = limit(60.0, "s", "invocation-async-error-handling: 1 minute, then twice that")
    maximum_retry_attempts: int = limit(2, "attempts", "invocation-async-error-handling: two more attempts")
    maximum_event_age_seconds: int = limit(21_600, "s", "invocation-async-configuring: 6 hours")
    throttle_base_seconds: float = limit(1.0, "s", "invocation-async-error-handling: from 1 second")
    throttle_maximum_seconds: float = limit(300.0, "s", "invocation-async-error-handling: to 5 minutes")
    event_payload_bytes: int = limit(1_048_576, "B", "aws.amazon.com/blogs/compute: 1 MB since October 2025")
    request_payload_bytes: int = limit(6_291_456, "B", "gettingstarted-limits: 6 MB")
    response_payload_bytes: int = limit(6_291_556, "B", "recorded: 6 MiB + 100")
    stream_bytes: int = limit(209_715_200, "B", "configuration-response-streaming: 200 MB")
    stream_burst_bytes: int = limit(6_291_456, "B", "configuration-response-streaming: the first 6 MB at full speed")
    stream_bytes_per_second: int = limit(
        2_097_152, "B/s", "configuration-response-streaming: after them; 0: full speed"
    )
    init_seconds: float = limit(10.0, "s", "lambda-runtime-environment: Init phase")
    log_tail_bytes: int = limit(4_096, "B", "API_Invoke: last 4 KB of the log")
    account_concurrency: int = limit(1_000, "environments", "gettingstarted-limits: per region")
    environments: int = limit(256, "processes", "our rule: real processes on one machine, of all functions")
    nested_environments: int = limit(
        256, "processes", "our rule: beyond them, for invocations that a running function may wait for"
    )
    idle_environment_seconds: float = limit(300.0, "s", "our rule: an idle environment is shut down after this")
    log_bytes_per_invocation: int = limit(16_777_216, "B", "our rule: a flood is cut here, with a line that says so")
    file_descriptors: int = limit(1_024, "descriptors", "gettingstarted-limits: of one environment")
    log_event_bytes: int = limit(1_048_576, "B", "AmazonCloudWatchLogs cloudwatch_limits: 1 MB per event")
    code_request_bytes: int = limit(70_167_211, "B", "recorded: a request that carries code, base64 included")
    zip_bytes: int = limit(52_428_800, "B", "gettingstarted-limits: 50 MB zipped, direct upload")
    zip_entries: int = limit(100_000, "files", "our rule: in one archive")
    unzipped_bytes: int = limit(262_144_000, "B", "gettingstarted-limits: 250 MB unzipped")
    result_retention_seconds: float = limit(86_400.0, "s", "our rule: results of Event runs are kept a day")
    kept_results: int = limit(10_000, "results", "our rule: results of Event runs kept in memory")
    kept_result_bytes: int = limit(67_108_864, "B", "our rule: the same, by size")
    held_event_bytes: int = limit(67_108_864, "B", "our rule: event bodies a function holds leased")
    timeout_seconds: int = limit(900, "s", "gettingstarted-limits: function timeout, 15 minutes")
    memory_megabytes: int = limit(10_240, "MB", "gettingstarted-limits: 128 MB to 10,240 MB")
    ephemeral_storage_megabytes: int = limit(10_240, "MB", "gettingstarted-limits: /tmp, 512 MB to 10,240 MB")
    environment_bytes: int = limit(4_096, "B", "gettingstarted-limits: environment variables, 4 KB in all")
    unreserved_concurrency: int = limit(100, "environments", "lambda-concurrency: what reservations must leave over")
    code_storage_bytes: int = limit(80_530_636_800, "B", "gettingstarted-limits: 75 GB; shown only")
    client_context_bytes: int = limit(3_583, "B", "API_Invoke: ClientContext, base64 as sent")
    freeze_seconds: float = limit(0.05, "s", "our rule: idle for so long, an environment is stopped; on AWS at once")
    runtime_shutdown_seconds: float = limit(0.3, "s", "lambda-runtime-environment: SIGTERM, with external extensions")
    internal_shutdown_seconds: float = limit(0.5, "s", "lambda-runtime-environment: Shutdown, internal extensions")
    external_shutdown_seconds: float = limit(2.0, "s", "lambda-runtime-environment: Shutdown, external extensions")
    provisioned_init_seconds: float = limit(130.0, "s", "lambda-runtime-environment: init of provisioned concurrency")
    activation_seconds: float = limit(
        0.0, "s", "our rule: how long a new function is Pending, a changed one InProgress"
    )
    provisioning_seconds: float = limit(0.0, "s", "our rule: added to provisioned concurrency; AWS takes two minutes")
    recursive_invocations: int = limit(16, "invocations", "invocation-recursion: of one function in one chain")
    policy_bytes: int = limit(20_480, "B", "gettingstarted-limits: function resource-based policy, 20 KB")
    layers: int = limit(5, "layers", "gettingstarted-limits: of one function")
    legacy_event_payload_bytes: int = limit(262_144, "B", "API_InvokeAsync: 256 KB")
    kept_discarded: int = limit(10_000, "events", "our rule: discarded events kept on disk for redrive")
    kept_discarded_bytes: int = limit(67_108_864, "B", "our rule: the same, by payload")
    discarded_retention_seconds: float = limit(1_209_600.0, "s", "our rule: as long as SQS can keep a message, 14 days")
    topic_message_bytes: int = limit(262_144, "B", "sns: PublishRequest; also as a destination and dead-letter topic")
    delivery_seconds: float = limit(
        3_600.0, "s", "our rule: so long a record or dead letter is sent again to a topic, bus or bucket; AWS: once"
    )
    deliveries: int = limit(16, "deliveries", "our rule: on their way to topics, buses and buckets at once")
    source_initial_concurrency: int = limit(5, "batches", "services-sqs-scaling: of one event source mapping at first")
    source_growth_per_minute: int = limit(300, "batches", "services-sqs-scaling: added each minute to a backlog's")
    source_concurrency: int = limit(1_250, "batches", "services-sqs-scaling: of one event source mapping")
    source_batches_per_poller: int = limit(10, "batches", "services-sqs-scaling: of one provisioned event poller")
    source_minimum_pollers: int = limit(2, "pollers", "API_ProvisionedPollerConfig: unless the mapping says")
    source_maximum_pollers: int = limit(200, "pollers", "API_ProvisionedPollerConfig: unless the mapping says")
    source_batch_size: int = limit(10_000, "messages", "services-sqs-configure: standard queues")
    source_fifo_batch_size: int = limit(10, "messages", "services-sqs-configure: FIFO queues")
    source_window_seconds: int = limit(300, "s", "services-sqs-configure: MaximumBatchingWindowInSeconds")
    source_filters: int = limit(5, "patterns", "invocation-eventfiltering: of one event source mapping")
    source_filter_characters: int = limit(4_096, "characters", "API_Filter: Pattern")
    source_margin_seconds: float = limit(
        1.0, "s", "our rule: a batch goes out so long before its messages come back, whatever its window"
    )
    source_transition_seconds: float = limit(
        0.0, "s", "our rule: how long an event source mapping is Creating, Updating, Deleting"
    )
    source_retry_seconds: float = limit(1.0, "s", "our rule: before a queue is asked again that could not answer")

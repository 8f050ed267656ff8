"""Every AWS number as a named limit: default, unit, source. Nothing else in the house states one.

Override with `--limit lambda.retry_base_seconds=5` or the variable `CALLPARK_LIMITS`, assignments separated by commas.
"Our rule" marks a number that AWS does not publish.
"""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from callpark.kernel.errors import ProjectError

Number = TypeVar("Number", int, float)


def _limit(default: Number, unit: str, source: str) -> Number:
    value: Number = field(default=default, metadata={"unit": unit, "source": source})
    return value


@dataclass(frozen=True, slots=True)
class LambdaLimits:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html unless the line says otherwise."""

    retry_base_seconds: float = _limit(60.0, "s", "invocation-async-error-handling: 1 minute, then twice that")
    maximum_retry_attempts: int = _limit(2, "attempts", "invocation-async-error-handling: two more attempts")
    maximum_event_age_seconds: int = _limit(21_600, "s", "invocation-async-configuring: 6 hours")
    throttle_base_seconds: float = _limit(1.0, "s", "invocation-async-error-handling: from 1 second")
    throttle_maximum_seconds: float = _limit(300.0, "s", "invocation-async-error-handling: to 5 minutes")
    event_payload_bytes: int = _limit(1_048_576, "B", "aws.amazon.com/blogs/compute: 1 MB since October 2025")
    request_payload_bytes: int = _limit(6_291_456, "B", "gettingstarted-limits: 6 MB")
    response_payload_bytes: int = _limit(6_291_556, "B", "recorded: 6 MiB + 100")
    stream_bytes: int = _limit(209_715_200, "B", "configuration-response-streaming: 200 MB")
    stream_burst_bytes: int = _limit(6_291_456, "B", "configuration-response-streaming: the first 6 MB at full speed")
    stream_bytes_per_second: int = _limit(
        2_097_152, "B/s", "configuration-response-streaming: after them; 0: full speed"
    )
    init_seconds: float = _limit(10.0, "s", "lambda-runtime-environment: Init phase")
    log_tail_bytes: int = _limit(4_096, "B", "API_Invoke: last 4 KB of the log")
    account_concurrency: int = _limit(1_000, "environments", "gettingstarted-limits: per region")
    environments: int = _limit(256, "processes", "our rule: real processes on one machine, of all functions")
    nested_environments: int = _limit(
        256, "processes", "our rule: beyond them, for invocations that a running function may wait for"
    )
    idle_environment_seconds: float = _limit(300.0, "s", "our rule: an idle environment is shut down after this")
    log_bytes_per_invocation: int = _limit(16_777_216, "B", "our rule: a flood is cut here, with a line that says so")
    file_descriptors: int = _limit(1_024, "descriptors", "gettingstarted-limits: of one environment")
    log_event_bytes: int = _limit(1_048_576, "B", "AmazonCloudWatchLogs cloudwatch_limits: 1 MB per event")
    code_request_bytes: int = _limit(70_167_211, "B", "recorded: a request that carries code, base64 included")
    zip_bytes: int = _limit(52_428_800, "B", "gettingstarted-limits: 50 MB zipped, direct upload")
    zip_entries: int = _limit(100_000, "files", "our rule: in one archive")
    unzipped_bytes: int = _limit(262_144_000, "B", "gettingstarted-limits: 250 MB unzipped")
    result_retention_seconds: float = _limit(86_400.0, "s", "our rule: results of Event runs are kept a day")
    kept_results: int = _limit(10_000, "results", "our rule: results of Event runs kept in memory")
    kept_result_bytes: int = _limit(67_108_864, "B", "our rule: the same, by size")
    held_event_bytes: int = _limit(67_108_864, "B", "our rule: event bodies a function holds leased")
    timeout_seconds: int = _limit(900, "s", "gettingstarted-limits: function timeout, 15 minutes")
    memory_megabytes: int = _limit(10_240, "MB", "gettingstarted-limits: 128 MB to 10,240 MB")
    ephemeral_storage_megabytes: int = _limit(10_240, "MB", "gettingstarted-limits: /tmp, 512 MB to 10,240 MB")
    environment_bytes: int = _limit(4_096, "B", "gettingstarted-limits: environment variables, 4 KB in all")
    unreserved_concurrency: int = _limit(100, "environments", "lambda-concurrency: what reservations must leave over")
    code_storage_bytes: int = _limit(80_530_636_800, "B", "gettingstarted-limits: 75 GB; shown only")
    client_context_bytes: int = _limit(3_583, "B", "API_Invoke: ClientContext, base64 as sent")
    freeze_seconds: float = _limit(0.05, "s", "our rule: idle for so long, an environment is stopped; on AWS at once")
    runtime_shutdown_seconds: float = _limit(0.3, "s", "lambda-runtime-environment: SIGTERM, with external extensions")
    internal_shutdown_seconds: float = _limit(0.5, "s", "lambda-runtime-environment: Shutdown, internal extensions")
    external_shutdown_seconds: float = _limit(2.0, "s", "lambda-runtime-environment: Shutdown, external extensions")
    provisioned_init_seconds: float = _limit(130.0, "s", "lambda-runtime-environment: init of provisioned concurrency")
    activation_seconds: float = _limit(
        0.0, "s", "our rule: how long a new function is Pending, a changed one InProgress"
    )
    provisioning_seconds: float = _limit(0.0, "s", "our rule: added to provisioned concurrency; AWS takes two minutes")
    recursive_invocations: int = _limit(16, "invocations", "invocation-recursion: of one function in one chain")
    policy_bytes: int = _limit(20_480, "B", "gettingstarted-limits: function resource-based policy, 20 KB")
    layers: int = _limit(5, "layers", "gettingstarted-limits: of one function")
    legacy_event_payload_bytes: int = _limit(262_144, "B", "API_InvokeAsync: 256 KB")
    kept_discarded: int = _limit(10_000, "events", "our rule: discarded events kept on disk for redrive")
    kept_discarded_bytes: int = _limit(67_108_864, "B", "our rule: the same, by payload")
    discarded_retention_seconds: float = _limit(
        1_209_600.0, "s", "our rule: as long as SQS can keep a message, 14 days"
    )
    topic_message_bytes: int = _limit(262_144, "B", "sns: PublishRequest; also as a destination and dead-letter topic")
    delivery_seconds: float = _limit(
        3_600.0, "s", "our rule: so long a record or dead letter is sent again to a topic, bus or bucket; AWS: once"
    )
    deliveries: int = _limit(16, "deliveries", "our rule: on their way to topics, buses and buckets at once")
    source_initial_concurrency: int = _limit(5, "batches", "services-sqs-scaling: of one event source mapping at first")
    source_growth_per_minute: int = _limit(300, "batches", "services-sqs-scaling: added each minute to a backlog's")
    source_concurrency: int = _limit(1_250, "batches", "services-sqs-scaling: of one event source mapping")
    source_batches_per_poller: int = _limit(10, "batches", "services-sqs-scaling: of one provisioned event poller")
    source_minimum_pollers: int = _limit(2, "pollers", "API_ProvisionedPollerConfig: unless the mapping says")
    source_maximum_pollers: int = _limit(200, "pollers", "API_ProvisionedPollerConfig: unless the mapping says")
    source_batch_size: int = _limit(10_000, "messages", "services-sqs-configure: standard queues")
    source_fifo_batch_size: int = _limit(10, "messages", "services-sqs-configure: FIFO queues")
    source_window_seconds: int = _limit(300, "s", "services-sqs-configure: MaximumBatchingWindowInSeconds")
    source_filters: int = _limit(5, "patterns", "invocation-eventfiltering: of one event source mapping")
    source_filter_characters: int = _limit(4_096, "characters", "API_Filter: Pattern")
    source_margin_seconds: float = _limit(
        1.0, "s", "our rule: a batch goes out so long before its messages come back, whatever its window"
    )
    source_transition_seconds: float = _limit(
        0.0, "s", "our rule: how long an event source mapping is Creating, Updating, Deleting"
    )
    source_retry_seconds: float = _limit(1.0, "s", "our rule: before a queue is asked again that could not answer")


@dataclass(frozen=True, slots=True)
class ConnectLimits:
    """https://docs.aws.amazon.com/connect/latest/adminguide/amazon-connect-service-limits.html."""

    synchronous_function_seconds: int = _limit(8, "s", "adminguide: AWS Lambda function block")
    asynchronous_function_seconds: int = _limit(60, "s", "adminguide: AWS Lambda function block")
    functions_in_flight: int = _limit(10, "functions", "our rule A11")
    function_response_bytes: int = _limit(32_768, "B", "adminguide: 32 KB of UTF-8")
    function_retries: int = _limit(0, "attempts", "our rule A14: AWS retries three times; off, side effects repeat")
    actions_per_flow: int = _limit(250, "actions", "developerguide: flow language")
    actions_per_contact: int = _limit(10_000, "actions", "our rule O9")
    loop_count: int = _limit(100, "rounds", "adminguide: Loop")
    wait_seconds: int = _limit(604_800, "s", "adminguide: Wait, 7 days")
    attributes_bytes: int = _limit(32_768, "B", "adminguide: contact attributes")
    words_per_minute: float = _limit(170.0, "words/min", "our rule: how fast a prompt is spoken")
    recorded_prompt_seconds: float = _limit(
        60.0, "s", "our rule: a recording whose length is unknown, hold music mostly"
    )
    prompt_characters: int = _limit(6_000, "characters", "adminguide: text-to-speech, in all")
    prompt_break_seconds: float = _limit(10.0, "s", "adminguide: SSML break")
    function_sequence_seconds: float = _limit(20.0, "s", "adminguide: functions in a row without a prompt")
    function_response_depth: int = _limit(100, "levels", "our rule: nesting of a JSON response")
    first_digit_seconds: int = _limit(180, "s", "adminguide: Get customer input")
    interdigit_seconds: int = _limit(5, "s", "adminguide: Store customer input, unless the flow says")
    input_digits: int = _limit(100, "digits", "our rule: one stored input")
    branch_name_characters: int = _limit(100, "characters", "adminguide: Wait, event branch names")
    queue_seconds: float = _limit(3_600.0, "s", "our rule: a contact that nobody takes out of its queue ends")
    agent_ring_seconds: float = _limit(20.0, "s", "adminguide: agent settings, how long a contact rings for an agent")
    conversation_seconds: float = _limit(30.0, "s", "our rule: an undeclared agent talks so long")
    queue_transfers: int = _limit(11, "transfers", "adminguide: queue to queue, 12 contacts in a chain")
    module_depth: int = _limit(5, "modules", "adminguide: nested flow modules")
    contact_tags: int = _limit(6, "tags", "developerguide: TagContact")
    view_bytes: int = _limit(16_384, "B", "adminguide: Show view, inputs and contact attributes")
    view_seconds: float = _limit(604_800.0, "s", "adminguide: a chat lasts 7 days at most; unless the view says")
    profile_characters: int = _limit(14_000, "characters", "adminguide: customer profile attributes of one flow")
    bot_silence_seconds: float = _limit(4.0, "s", "lexv2: audio start-timeout-ms")
    bot_digits_seconds: float = _limit(5.0, "s", "lexv2: dtmf end-timeout-ms")
    bot_function_seconds: float = _limit(30.0, "s", "lexv2: timeout of a code hook")
    callback_delay_seconds: int = _limit(259_200, "s", "developerguide: CreateCallbackContact, 3 days")
    task_delay_seconds: int = _limit(518_400, "s", "developerguide: CreateTask, 6 days")
    third_party_seconds: int = _limit(600, "s", "developerguide: ConnectionTimeLimitSeconds")
    calls: int = _limit(200_000, "contacts", "our rule: open at once in one process")
    chat_seconds: float = _limit(90_000.0, "s", "API_StartChatContact: 25 hours, unless the chat says")
    chat_connection_seconds: float = _limit(300.0, "s", "API_StartChatContact: connect within 5 minutes")
    chat_bot_seconds: float = _limit(604_800.0, "s", "adminguide: Get customer input in a chat, 7 days at most")
    chat_socket_url_seconds: float = _limit(100.0, "s", "API_CreateParticipantConnection: open the URL within")
    chat_socket_seconds: float = _limit(3_600.0, "s", "our rule: ConnectionExpiry; clients open another one before")
    chat_token_seconds: float = _limit(86_400.0, "s", "API_CreateParticipantConnection: a connection token, 1 day")
    chat_sockets: int = _limit(5, "sockets", "adminguide: chat, of one participant at once; the oldest goes")
    chat_idle_seconds: float = _limit(600.0, "s", "our rule: a socket that says nothing; clients ping every 10 s")
    chat_farewell_seconds: float = _limit(5.0, "s", "our rule: sockets of an ended chat; clients close by themselves")
    chat_frame_bytes: int = _limit(32_768, "B", "our rule: one frame of a client")
    chat_unsent_frames: int = _limit(2_000, "frames", "our rule: a socket further behind is closed")
    chat_unsent_bytes: int = _limit(4_194_304, "B", "our rule: the same, by size")
    chat_text_characters: int = _limit(1_024, "characters", "API_SendMessage: text/plain and text/markdown")
    chat_json_characters: int = _limit(12_000, "characters", "API_SendMessage: application/json")
    chat_response_characters: int = _limit(12_288, "characters", "API_SendMessage: interactive response")
    chat_items: int = _limit(10_000, "items", "our rule: of one transcript; participants send no more then")
    chat_unsaved_messages: int = _limit(100, "messages", "our rule: of one chat, waiting for the disk at once")
    chat_bot_connection_seconds: float = _limit(15.0, "s", "adminguide: a custom participant connects within")
    chat_attachment_bytes: int = _limit(20_971_520, "B", "adminguide: attachments, 20 MB each")
    chat_attachments: int = _limit(35, "files", "adminguide: attachments of one chat")
    chat_upload_seconds: float = _limit(900.0, "s", "our rule: UrlExpiry of StartAttachmentUpload")
    chat_download_seconds: int = _limit(300, "s", "API_GetAttachment: UrlExpiryInSeconds, unless the request says")
    kept_attachment_bytes: int = _limit(1_073_741_824, "B", "our rule: of all chats; those of the oldest ended ones go")
    scanner_seconds: float = _limit(60.0, "s", "adminguide: attachment scanning, then the file is rejected")
    scanner_attempts: int = _limit(3, "attempts", "adminguide: attachment scanning, of a function that fails")
    chat_streams: int = _limit(5, "topics", "our rule: told of one chat at once")
    stream_seconds: float = _limit(3_600.0, "s", "our rule: a message for a topic is sent again for so long")
    stream_base_seconds: float = _limit(1.0, "s", "our rule: before the second attempt, then twice as long each time")
    stream_most_seconds: float = _limit(60.0, "s", "our rule: the longest pause between two attempts")
    contact_retention_seconds: float = _limit(1_209_600.0, "s", "our rule: ended contacts; AWS keeps them 24 months")
    kept_contacts: int = _limit(10_000, "contacts", "our rule: ended ones kept on disk with their stories")
    kept_contact_bytes: int = _limit(67_108_864, "B", "our rule: the same, by size")
    story_bytes: int = _limit(262_144, "B", "our rule: of one contact's story; what happens after that is not in it")
    instance_flows: int = _limit(100, "flows", "adminguide: flows per instance, made by the API")
    instance_modules: int = _limit(200, "modules", "adminguide: flow modules per instance, made by the API")
    instance_functions: int = _limit(50, "functions", "adminguide: Lambda functions per instance")
    instance_users: int = _limit(500, "users", "adminguide: service quotas")
    instance_routing_profiles: int = _limit(100, "profiles", "adminguide: service quotas")
    instance_quick_connects: int = _limit(100, "quick connects", "adminguide: service quotas")
    instance_agent_statuses: int = _limit(50, "statuses", "adminguide: service quotas")
    instance_queues: int = _limit(100, "queues", "adminguide: queues per instance, made by the API")
    instance_hours: int = _limit(100, "hours", "adminguide: hours of operation per instance, made by the API")
    instance_prompts: int = _limit(500, "prompts", "adminguide: prompts per instance, made by the API")
    resource_tags: int = _limit(50, "tags", "API_TagResource")
    api_requests_per_second: float = _limit(0.0, "requests/s", "our rule: 0 is any number; AWS: 2 for each operation")
    api_burst: float = _limit(5.0, "requests", "adminguide: API throttling, once there is a rate")
    chat_start_requests_per_second: float = _limit(5.0, "requests/s", "adminguide: StartChatContact, streaming")
    chat_start_burst: float = _limit(8.0, "requests", "adminguide: the same at once")
    chat_connection_requests_per_second: float = _limit(6.0, "requests/s", "adminguide: CreateParticipantConnection")
    chat_connection_burst: float = _limit(9.0, "requests", "adminguide: the same at once")
    chat_message_requests_per_second: float = _limit(10.0, "requests/s", "adminguide: SendMessage, SendEvent")
    chat_message_burst: float = _limit(15.0, "requests", "adminguide: the same at once")
    chat_reading_requests_per_second: float = _limit(8.0, "requests/s", "adminguide: GetTranscript, GetAttachment")
    chat_reading_burst: float = _limit(12.0, "requests", "adminguide: the same at once")
    chat_leaving_requests_per_second: float = _limit(3.0, "requests/s", "adminguide: DisconnectParticipant")
    chat_leaving_burst: float = _limit(5.0, "requests", "adminguide: the same at once")


@dataclass(frozen=True, slots=True)
class AppSyncLimits:
    """https://docs.aws.amazon.com/general/latest/gr/appsync.html."""

    request_seconds: float = _limit(30.0, "s", "quota: request execution time")
    functions_per_pipeline: int = _limit(10, "functions", "quota: pipeline resolvers")
    resolver_executions: int = _limit(10_000, "resolvers", "developerguide: per request")
    code_characters: int = _limit(32_768, "characters", "API_EvaluateCode")
    template_characters: int = _limit(65_536, "characters", "API_EvaluateMappingTemplate")
    loop_iterations: int = _limit(1_000, "iterations", "quota: #foreach in a mapping template")
    macro_depth: int = _limit(20, "calls", "Velocity: velocimacro.max.depth")
    evaluated_bytes: int = _limit(5_242_880, "B", "quota: evaluated result")
    schema_bytes: int = _limit(1_048_576, "B", "quota: schema document")
    subscription_message_bytes: int = _limit(245_760, "B", "developerguide: 240 KB")
    subscriptions_per_connection: int = _limit(100, "subscriptions", "quota: per connection")
    filter_values: int = _limit(5, "values", "recorded: `in` and `notIn` of a subscription filter")
    filter_contained_values: int = _limit(20, "values", "recorded: `containsAny` of a subscription filter")
    invalidations: int = _limit(5, "invalidations", "developerguide: invalidateSubscriptions in one request")
    connection_timeout_milliseconds: int = _limit(300_000, "ms", "developerguide: connectionTimeoutMs")
    keep_alive_seconds: float = _limit(60.0, "s", "developerguide: ka")
    connection_init_seconds: float = _limit(15.0, "s", "our rule: a socket that never says connection_init")
    refusal_grace_seconds: float = _limit(1.0, "s", "our rule: a refused client may read why for this long")
    connection_lifetime_seconds: float = _limit(86_400.0, "s", "developerguide: 24 hours")
    request_bytes: int = _limit(6_291_456, "B", "our rule: one GraphQL request or start message")
    close_seconds: float = _limit(2.0, "s", "our rule: real time to flush what is unsent when a connection closes")
    unsent_messages: int = _limit(2_000, "messages", "our rule: a subscriber further behind is disconnected")
    unsent_bytes: int = _limit(16_777_216, "B", "our rule: a subscriber further behind is disconnected")
    resolver_milliseconds: int = _limit(2_000, "ms", "our rule: CPU time of one handler evaluation")
    resolver_memory_bytes: int = _limit(67_108_864, "B", "our rule: memory of one code unit")
    document_cache_entries: int = _limit(1_000, "documents", "our rule: parsed documents per API")
    document_tokens: int = _limit(15_000, "tokens", "graphql-java: ParserOptions.MAX_QUERY_TOKENS")
    cached_document_characters: int = _limit(65_536, "characters", "our rule: longer documents are parsed each time")
    selected_fields: int = _limit(20_000, "fields", "our rule: of one operation, fragments expanded")
    inline_milliseconds: int = _limit(
        20, "ms", "our rule: CPU time of a handler before it moves to a thread of its own"
    )
    batch_size: int = _limit(2_000, "items", "API_CreateResolver: maxBatchSize")
    authorizer_seconds: float = _limit(10.0, "s", "developerguide: Lambda authorizer")
    authorizer_ttl_seconds: float = _limit(3_600.0, "s", "API_LambdaAuthorizerConfig: the longest time to live")
    authorizer_context_bytes: int = _limit(5_242_880, "B", "developerguide: resolverContext")
    authorizer_cached_bytes: int = _limit(1_048_576, "B", "developerguide: longer answers are not kept")
    authorizer_cache_entries: int = _limit(10_000, "tokens", "our rule: verdicts kept, the oldest go")
    signature_skew_seconds: float = _limit(300.0, "s", "IAM userguide: a signature is good for 5 minutes")
    token_leeway_seconds: float = _limit(60.0, "s", "our rule: clocks of issuers may be ahead by this")
    key_set_seconds: float = _limit(3_600.0, "s", "our rule: an issuer's keys are asked for again after this")
    key_set_pause_seconds: float = _limit(10.0, "s", "our rule: unknown key ids have the keys asked for this seldom")
    key_set_bytes: int = _limit(1_048_576, "B", "our rule: of an issuer's documents")
    key_set_fetch_seconds: float = _limit(5.0, "s", "our rule: real time an issuer may take to answer")
    bedrock_seconds: float = _limit(10.0, "s", "developerguide: Bedrock runtime data sources")
    database_connections: int = _limit(4, "connections", "our rule: to one database of data sources")
    cache_seconds: float = _limit(3_600.0, "s", "API_ApiCache: ttl, at most")
    caching_keys: int = _limit(25, "keys", "quota: caching keys of one resolver")
    cache_entries: int = _limit(100_000, "entries", "our rule: kept in one API's cache, the oldest go")
    cache_bytes: int = _limit(67_108_864, "B", "our rule: the same, by size; AWS's smallest cache has 1.5 GB")
    turn_seconds: float = _limit(0.02, "s", "our rule: of resolvers, before everybody else has a turn")
    inline_document_characters: int = _limit(4_096, "characters", "our rule: longer ones are read on a thread")
    inline_values: int = _limit(2_000, "values", "our rule: more variables are coerced on a thread")
    added_header_bytes: int = _limit(4_096, "B", "developerguide: response headers that resolvers add")
    request_log_bytes: int = _limit(1_048_576, "B", "our rule: what one request writes to its API's log")
    apis: int = _limit(25, "APIs", "quota: made through the control plane, per Region")
    api_keys: int = _limit(50, "keys", "quota: per API")
    api_key_default_days: int = _limit(7, "days", "API_CreateApiKey: without expires")
    api_key_least_days: int = _limit(1, "days", "API_CreateApiKey: expires")
    api_key_most_days: int = _limit(365, "days", "API_CreateApiKey: expires")
    api_key_kept_days: int = _limit(60, "days", "API_ApiKey: deletes")
    environment_variables: int = _limit(50, "variables", "API_PutGraphqlApiEnvironmentVariables")
    channel_segments: int = _limit(5, "segments", "eventapi: channel namespaces")
    channel_segment_characters: int = _limit(50, "characters", "eventapi: channel namespaces")
    events_per_publish: int = _limit(5, "events", "eventapi: publish events")
    publications_per_connection: int = _limit(100, "publications", "our rule: unanswered at once on one websocket")
    publish_bytes: int = _limit(1_310_720, "B", "our rule: one publication; five events of 240 KB and their quotes")
    cached_operation_bytes: int = _limit(15_728_640, "B", "developerguide: OPERATION_LEVEL_CACHING, 15 MB")


@dataclass(frozen=True, slots=True)
class LogsLimits:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html unless marked."""

    flush_seconds: float = _limit(1.0, "s", "our rule: how long a function's line may wait for the disk")
    buffer_bytes: int = _limit(1_048_576, "B", "our rule: as much is written at once without waiting")
    unwritten_bytes: int = _limit(
        33_554_432, "B", "our rule: lines that come faster than the disk takes them are dropped"
    )
    chunk_bytes: int = _limit(65_536, "B", "our rule: lines kept in one row")
    group_bytes: int = _limit(67_108_864, "B", "our rule: a group's oldest lines go beyond this")
    total_bytes: int = _limit(268_435_456, "B", "our rule: the oldest lines of all groups go beyond this")
    groups: int = _limit(10_000, "groups", "our rule: made through the API; AWS allows 1,000,000")
    streams: int = _limit(10_000, "streams", "our rule: made through the API in one group; AWS has no limit")
    batch_bytes: int = _limit(1_048_576, "B", "API_PutLogEvents: 1 MB, 26 bytes counted for each line")
    batch_seconds: int = _limit(86_400, "s", "API_PutLogEvents: a batch spans 24 hours")
    oldest_seconds: int = _limit(1_209_600, "s", "API_PutLogEvents: 14 days")
    newest_seconds: int = _limit(7_200, "s", "API_PutLogEvents: 2 hours ahead")
    page_events: int = _limit(10_000, "events", "API_FilterLogEvents, API_GetLogEvents")
    page_bytes: int = _limit(1_048_576, "B", "API_GetLogEvents: 1 MB")
    follower_lines: int = _limit(10_000, "lines", "our rule: a follower further behind misses some, and is told")


@dataclass(frozen=True, slots=True)
class MetricsLimits:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html unless marked."""

    minutes: int = _limit(1_440, "minutes", "our rule: kept in memory; AWS keeps minutes for 15 days")
    functions: int = _limit(2_000, "functions", "our rule: versions and aliases too; beyond, only in the sums")
    queries: int = _limit(500, "queries", "API_GetMetricData: per request")
    datapoints: int = _limit(1_440, "datapoints", "API_GetMetricStatistics: per request")
    data_datapoints: int = _limit(100_800, "datapoints", "API_GetMetricData: per request")


@dataclass(frozen=True, slots=True)
class SqsLimits:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html unless marked."""

    message_bytes: int = _limit(1_048_576, "B", "quotas-messages: 1 MiB, attributes included")
    minimum_message_bytes: int = _limit(1_024, "B", "SetQueueAttributes: MaximumMessageSize")
    batch_bytes: int = _limit(1_048_576, "B", "recorded: SendMessageBatch, in all")
    batch_entries: int = _limit(10, "entries", "quotas-messages: one batch request")
    receive_messages: int = _limit(10, "messages", "API_ReceiveMessage: MaxNumberOfMessages")
    wait_seconds: int = _limit(20, "s", "API_ReceiveMessage: WaitTimeSeconds")
    delay_seconds: int = _limit(900, "s", "quotas-messages: 15 minutes")
    visibility_seconds: int = _limit(43_200, "s", "quotas-messages: 12 hours from the receive on")
    minimum_retention_seconds: int = _limit(60, "s", "quotas-messages: message retention")
    retention_seconds: int = _limit(1_209_600, "s", "quotas-messages: 14 days")
    in_flight_messages: int = _limit(120_000, "messages", "quotas-messages: received and not deleted, per queue")
    message_attributes: int = _limit(10, "attributes", "quotas-messages: of one message")
    attribute_name_characters: int = _limit(256, "characters", "SQSDeveloperGuide: message attribute names and types")
    deduplication_seconds: float = _limit(300.0, "s", "SQSDeveloperGuide: FIFO deduplication interval, 5 minutes")
    deduplication_characters: int = _limit(128, "characters", "API_SendMessage: deduplication and group ids")
    maximum_receive_count: int = _limit(1_000, "receives", "SQSDeveloperGuide: RedrivePolicy")
    redrive_sources: int = _limit(10, "queues", "SQSDeveloperGuide: RedriveAllowPolicy, sourceQueueArns")
    purge_seconds: float = _limit(60.0, "s", "API_PurgeQueue: one purge per queue in this time")
    recreation_seconds: float = _limit(60.0, "s", "API_CreateQueue: QueueDeletedRecently")
    queue_name_characters: int = _limit(80, "characters", "quotas-queues: with the suffix .fifo")
    tags: int = _limit(50, "tags", "quotas-queues: of one queue")
    list_results: int = _limit(1_000, "queues", "API_ListQueues: one page")
    permission_statements: int = _limit(20, "statements", "quotas-policies: of one queue's policy")
    move_messages_per_second: int = _limit(500, "messages/s", "API_StartMessageMoveTask")
    listed_move_tasks: int = _limit(10, "tasks", "API_ListMessageMoveTasks: MaxResults")
    move_batch: int = _limit(100, "messages", "our rule: messages that a move task moves in one commit")
    sweep_batch: int = _limit(500, "messages", "our rule: expired or purged messages removed in one commit")
    fifo_window_messages: int = _limit(
        20_000, "messages", "our rule: how far a FIFO queue looks for other groups; AWS: 120,000"
    )
    fifo_window_bytes: int = _limit(67_108_864, "B", "our rule: the same, by size")


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """Ours: what one client may ask of the server."""

    body_bytes: int = _limit(75_497_472, "B", "our rule: 50 MB of zip in base64, and its JSON")
    header_bytes: int = _limit(65_536, "B", "our rule: one request's headers")
    connections: int = _limit(4_000, "connections", "our rule: open at once, web sockets included")
    keep_alive_seconds: int = _limit(75, "s", "our rule: an idle connection; longer than SDKs keep theirs unused")
    shutdown_seconds: int = _limit(5, "s", "our rule: what still runs when the server stops is cut after this")
    websocket_cut_seconds: float = _limit(
        10.0, "s", "our rule: a client may take what was sent when its web socket ended"
    )
    tls_handshake_seconds: float = _limit(10.0, "s", "our rule: real time for a client to finish its TLS handshake")
    certificate_days: int = _limit(825, "days", "support.apple.com/103769: what Safari takes at most")
    websocket_message_bytes: int = _limit(1_048_576, "B", "our rule: one message from a web socket's client")


@dataclass(frozen=True, slots=True)
class ClusterLimits:
    """Ours: how several nodes act as one."""

    beat_seconds: float = _limit(0.5, "s", "our rule: a node says that it lives this often")
    fence_seconds: float = _limit(2.0, "s", "our rule: a node that most others have not heard for so long acts no more")
    silence_seconds: float = _limit(3.0, "s", "our rule: a node that was not heard for so long is left out")
    owner_seconds: float = _limit(10.0, "s", "our rule: a request waits so long for an owner, then it is a 503")
    answer_seconds: float = _limit(920.0, "s", "our rule: another node's answer; longer than any function runs")
    retry_after_seconds: int = _limit(1, "s", "our rule: Retry-After of what the cluster cannot do now")
    refresh_seconds: float = _limit(15.0, "s", "our rule: rows that others changed are read again this often, unasked")
    start_seconds: float = _limit(60.0, "s", "our rule: until a node has joined, or says that it cannot")


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Ours: how the store of several nodes keeps its promises. Seconds are the machine's."""

    beat_seconds: float = _limit(1.0, "s", "our rule: a node writes that it lives this often")
    lapse_seconds: float = _limit(4.0, "s", "our rule: a node leases nothing when its last stored beat is older")
    silence_seconds: float = _limit(5.0, "s", "our rule: a node that was silent for so long has lost its leases")
    answer_seconds: float = _limit(2.0, "s", "our rule: one question to the servers; then it is asked again")
    commit_seconds: float = _limit(15.0, "s", "our rule: a commit that is not stored by then fails")
    start_seconds: float = _limit(20.0, "s", "our rule: until the servers answer at the start")
    preference_seconds: float = _limit(0.1, "s", "our rule: a free item is left so long to the node that hashing names")
    claim_ahead_seconds: float = _limit(5.0, "s", "our rule: free items are taken so long before they are ready")
    claim_items: int = _limit(256, "items", "our rule: ready items of a queue that one of several nodes holds unleased")


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Ours: what is asked of whoever serves the services that we do not."""

    connections: int = _limit(256, "connections", "our rule: to all upstreams, of one kind of call")
    connect_seconds: float = _limit(5.0, "s", "our rule: until an upstream accepts a connection or one becomes free")
    silence_seconds: float = _limit(120.0, "s", "our rule: an upstream that says nothing for so long has failed")
    start_seconds: float = _limit(60.0, "s", "our rule: until the fallback's process is ready")
    answer_bytes: int = _limit(268_435_456, "B", "our rule: an answer that callpark itself reads; 250 MB of code")


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """Ours: what is asked of the models that answer for Amazon Bedrock. Seconds of processes are the machine's."""

    queued: int = _limit(64, "requests", "our rule: waiting for one backend; beyond them ThrottlingException")
    load_seconds: float = _limit(120.0, "s", "our rule: until a local model's process is ready")
    reload_seconds: float = _limit(5.0, "s", "our rule: after a local model could not be loaded, before the next try")
    heartbeat_seconds: float = _limit(2.0, "s", "our rule: how often a working local model is asked whether it lives")
    hung_seconds: float = _limit(20.0, "s", "our rule: a local model's process that does not answer for so long hangs")
    silence_seconds: float = _limit(60.0, "s", "our rule: a model that says nothing for so long has failed")
    connect_seconds: float = _limit(5.0, "s", "our rule: until a model's server accepts a connection")


@dataclass(frozen=True, slots=True)
class ProjectLimits:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html unless marked."""

    template_bytes: int = _limit(1_048_576, "B", "cloudformation-limits: template body in an S3 object, 1 MB")
    template_nodes: int = _limit(250_000, "nodes", "our rule: values of a template, aliases expanded")
    template_depth: int = _limit(100, "levels", "our rule: nesting of a template")


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits, by family."""

    lambda_: LambdaLimits = field(default_factory=LambdaLimits)
    connect: ConnectLimits = field(default_factory=ConnectLimits)
    appsync: AppSyncLimits = field(default_factory=AppSyncLimits)
    sqs: SqsLimits = field(default_factory=SqsLimits)
    logs: LogsLimits = field(default_factory=LogsLimits)
    metrics: MetricsLimits = field(default_factory=MetricsLimits)
    gateway: GatewayLimits = field(default_factory=GatewayLimits)
    cluster: ClusterLimits = field(default_factory=ClusterLimits)
    store: StoreLimits = field(default_factory=StoreLimits)
    upstream: UpstreamLimits = field(default_factory=UpstreamLimits)
    models: ModelLimits = field(default_factory=ModelLimits)
    project: ProjectLimits = field(default_factory=ProjectLimits)

    def override(self, assignments: Iterable[str]) -> "Limits":
        """New limits with `family.name=value` assignments applied. Raises ProjectError for what does not exist."""
        limits = self
        for assignment in assignments:
            name, equals, text = assignment.partition("=")
            family, dot, member = name.strip().partition(".")
            attribute = "lambda_" if family == "lambda" else family
            families = {family.name for family in dataclasses.fields(limits)}
            values = getattr(limits, attribute) if attribute in families else None
            if not equals or not dot or values is None or member not in {f.name for f in dataclasses.fields(values)}:
                raise ProjectError(
                    f"unknown limit: {assignment!r}",
                    "write --limit family.name=value; `callpark limits` lists them all",
                )
            kind = type(getattr(values, member))
            try:
                value = kind(text)
                finite = math.isfinite(value)
            except (ValueError, OverflowError):
                finite = False
            if not finite:
                raise ProjectError(
                    f"limit {name} needs a number, not {text!r}", f"write --limit {name}={getattr(values, member)}"
                )
            if value < 0:
                raise ProjectError(f"limit {name} cannot be negative: {text}", f"write --limit {name}=0 or more")
            limits = dataclasses.replace(limits, **{attribute: dataclasses.replace(values, **{member: value})})
        return limits

    def rows(self) -> list[tuple[str, int | float, str, str]]:
        """(name, value, unit, source) of every limit, for `callpark limits` and the documentation."""
        found: list[tuple[str, int | float, str, str]] = []
        for family in dataclasses.fields(self):
            values = getattr(self, family.name)
            for member in dataclasses.fields(values):
                name = f"{family.name.rstrip('_')}.{member.name}"
                found.append((name, getattr(values, member.name), member.metadata["unit"], member.metadata["source"]))
        return found

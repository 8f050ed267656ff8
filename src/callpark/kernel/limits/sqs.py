"""Amazon SQS: messages, queues and move tasks."""

from dataclasses import dataclass

from callpark.kernel.limits.limit import limit


@dataclass(frozen=True, slots=True)
class SqsLimits:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html unless marked."""

    message_bytes: int = limit(1_048_576, "B", "quotas-messages: 1 MiB, attributes included")
    minimum_message_bytes: int = limit(1_024, "B", "SetQueueAttributes: MaximumMessageSize")
    batch_bytes: int = limit(1_048_576, "B", "recorded: SendMessageBatch, in all")
    batch_entries: int = limit(10, "entries", "quotas-messages: one batch request")
    receive_messages: int = limit(10, "messages", "API_ReceiveMessage: MaxNumberOfMessages")
    wait_seconds: int = limit(20, "s", "API_ReceiveMessage: WaitTimeSeconds")
    delay_seconds: int = limit(900, "s", "quotas-messages: 15 minutes")
    visibility_seconds: int = limit(43_200, "s", "quotas-messages: 12 hours from the receive on")
    minimum_retention_seconds: int = limit(60, "s", "quotas-messages: message retention")
    retention_seconds: int = limit(1_209_600, "s", "quotas-messages: 14 days")
    in_flight_messages: int = limit(120_000, "messages", "quotas-messages: received and not deleted, per queue")
    message_attributes: int = limit(10, "attributes", "quotas-messages: of one message")
    attribute_name_characters: int = limit(256, "characters", "SQSDeveloperGuide: message attribute names and types")
    deduplication_seconds: float = limit(300.0, "s", "SQSDeveloperGuide: FIFO deduplication interval, 5 minutes")
    deduplication_characters: int = limit(128, "characters", "API_SendMessage: deduplication and group ids")
    maximum_receive_count: int = limit(1_000, "receives", "SQSDeveloperGuide: RedrivePolicy")
    redrive_sources: int = limit(10, "queues", "SQSDeveloperGuide: RedriveAllowPolicy, sourceQueueArns")
    purge_seconds: float = limit(60.0, "s", "API_PurgeQueue: one purge per queue in this time")
    recreation_seconds: float = limit(60.0, "s", "API_CreateQueue: QueueDeletedRecently")
    queue_name_characters: int = limit(80, "characters", "quotas-queues: with the suffix .fifo")
    tags: int = limit(50, "tags", "quotas-queues: of one queue")
    list_results: int = limit(1_000, "queues", "API_ListQueues: one page")
    permission_statements: int = limit(20, "statements", "quotas-policies: of one queue's policy")
    move_messages_per_second: int = limit(500, "messages/s", "API_StartMessageMoveTask")
    listed_move_tasks: int = limit(10, "tasks", "API_ListMessageMoveTasks: MaxResults")
    move_batch: int = limit(100, "messages", "our rule: messages that a move task moves in one commit")
    sweep_batch: int = limit(500, "messages", "our rule: expired or purged messages removed in one commit")
    fifo_window_messages: int = limit(
        20_000, "messages", "our rule: how far a FIFO queue looks for other groups; AWS: 120,000"
    )
    fifo_window_bytes: int = limit(67_108_864, "B", "our rule: the same, by size")

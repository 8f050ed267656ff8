"""Amazon CloudWatch: logs and metrics."""

from dataclasses import dataclass

from callpark.kernel.limits.limit import limit


@dataclass(frozen=True, slots=True)
class LogsLimits:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html unless marked."""

    flush_seconds: float = limit(1.0, "s", "our rule: how long a function's line may wait for the disk")
    buffer_bytes: int = limit(1_048_576, "B", "our rule: as much is written at once without waiting")
    unwritten_bytes: int = limit(
        33_554_432, "B", "our rule: lines that come faster than the disk takes them are dropped"
    )
    chunk_bytes: int = limit(65_536, "B", "our rule: lines kept in one row")
    group_bytes: int = limit(67_108_864, "B", "our rule: a group's oldest lines go beyond this")
    total_bytes: int = limit(268_435_456, "B", "our rule: the oldest lines of all groups go beyond this")
    groups: int = limit(10_000, "groups", "our rule: made through the API; AWS allows 1,000,000")
    streams: int = limit(10_000, "streams", "our rule: made through the API in one group; AWS has no limit")
    batch_bytes: int = limit(1_048_576, "B", "API_PutLogEvents: 1 MB, 26 bytes counted for each line")
    batch_seconds: int = limit(86_400, "s", "API_PutLogEvents: a batch spans 24 hours")
    oldest_seconds: int = limit(1_209_600, "s", "API_PutLogEvents: 14 days")
    newest_seconds: int = limit(7_200, "s", "API_PutLogEvents: 2 hours ahead")
    page_events: int = limit(10_000, "events", "API_FilterLogEvents, API_GetLogEvents")
    page_bytes: int = limit(1_048_576, "B", "API_GetLogEvents: 1 MB")
    follower_lines: int = limit(10_000, "lines", "our rule: a follower further behind misses some, and is told")


@dataclass(frozen=True, slots=True)
class MetricsLimits:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html unless marked."""

    minutes: int = limit(1_440, "minutes", "our rule: kept in memory; AWS keeps minutes for 15 days")
    functions: int = limit(2_000, "functions", "our rule: versions and aliases too; beyond, only in the sums")
    queries: int = limit(500, "queries", "API_GetMetricData: per request")
    datapoints: int = limit(1_440, "datapoints", "API_GetMetricStatistics: per request")
    data_datapoints: int = limit(100_800, "datapoints", "API_GetMetricData: per request")

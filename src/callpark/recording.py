"""What is written down of all that happens: lines of logs, and the metrics of each of CloudWatch's namespaces. Made by
`app.py`; what becomes a line or a count is said in `recorder.py` and `channel_metrics.py`.
"""

from collections.abc import Callable

from callpark.channel_metrics import ChannelMetrics
from callpark.kernel.clock import Clock
from callpark.kernel.limits import MetricsLimits
from callpark.kernel.trace import Trace
from callpark.metrics.model import APPSYNC, BEDROCK, EVENT_APIS
from callpark.metrics.service import Metrics
from callpark.recorder import LogSink, Recorder


class Recording:
    """`alias` is the Connect instance's, which a reload may change."""

    def __init__(
        self, clock: Clock, limits: MetricsLimits, trace: Trace, logs: LogSink, alias: Callable[[], str]
    ) -> None:
        self.functions = Metrics(clock, limits)
        self.apis = Metrics(clock, limits, APPSYNC)
        self.event_apis = Metrics(clock, limits, EVENT_APIS)
        self.models = Metrics(clock, limits, BEDROCK)
        trace.hear(ChannelMetrics(self.event_apis).readers)
        trace.hear(Recorder(logs, self.functions, self.apis, self.models, alias).readers)

    @property
    def metrics(self) -> tuple[Metrics, ...]:
        """Of all namespaces."""
        return self.functions, self.apis, self.event_apis, self.models

"""What an Event API with a LogConfig writes of one publication or subscription: lines for CloudWatch Logs.

Made by `service.py` for each, filled by `handlers.py`, told to the trace when it is answered. Request lines are written
at every level, handlers' at ALL; at ERROR, INFO and DEBUG only those of what was refused or has failed events. AWS says
what is logged, not how: the lines are a GraphQL API's (our rule).
https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-monitoring-cw-logs.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callpark.graphql.channels.messages import Asker
from callpark.graphql.log_lines import LogLines, instant, json_text, nanoseconds, shown_headers
from callpark.graphql.model import LogDefinition
from callpark.kernel.clock import Clock

_SHOWN = ("identity", "events", "prev", "stash", "result", "error", "outErrors")


@dataclass(slots=True)
class ChannelLog:
    """Of one request: `operation` is PUBLISH or SUBSCRIBE, `channel` its path."""

    definition: LogDefinition
    api_id: str
    operation: str
    channel: str
    asker: Asker
    clock: Clock
    written: LogLines
    failed: bool = False
    """Whether some of its events have."""
    _handlers: list[str] = field(default_factory=list)
    _began: float = 0.0

    def begin(self) -> None:
        self._began = self.clock.now()
        self.written.add("Begin Request")
        self.written.add(f"Request Headers: {json_text({'headers': shown_headers(self.asker.headers)})}")

    def evaluated(self, handler: str, context: Mapping[str, object], value: object, error: str | None) -> None:
        """A handler ran: what it saw and what it gave, or how it ended the request."""
        if self.definition.level == "NONE":
            return
        entry: dict[str, object] = {
            "logType": "HandlerEvaluation",
            "handler": handler,
            "requestId": self.asker.request_id,
            "channel": self.channel,
            "context": {name: context[name] for name in _SHOWN if context.get(name) is not None},
            "inError": error is not None,
        }
        entry |= {"evaluationResult": value} if error is None else {"errors": [error]}
        self._handlers.append(json_text({**entry, "eventAPIId": self.api_id}))

    def end(self, status: int) -> tuple[str, ...]:
        """All lines."""
        if self.failed or status >= 400 or self.definition.level == "ALL":
            for line in self._handlers:
                self.written.add(line)
        now = self.clock.now()
        common = {"requestId": self.asker.request_id, "eventAPIId": self.api_id}
        summary = {
            "logType": "ExecutionSummary",
            **common,
            "operation": self.operation,
            "channel": self.channel,
            "duration": nanoseconds(now - self._began),
            "startTime": instant(self._began),
            "endTime": instant(now),
            "version": 1,
        }
        self.written.add(json_text(summary))
        latency = nanoseconds(now - self._began)
        self.written.add(json_text({"logType": "RequestSummary", **common, "statusCode": status, "latency": latency}))
        self.written.add("Tokens Consumed: 1")
        self.written.add("End Request")
        return tuple(self.written.lines)

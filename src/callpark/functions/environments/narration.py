"""What one environment has to tell: INIT_START to REPORT in its log, its runs in the trace, all of it in telemetry.

`environment.py` says what happens, this says how it reads.
"""

from datetime import UTC, datetime
from typing import Literal

from callpark.functions.environments import log_levels
from callpark.functions.environments.extensions.telemetry import Telemetry
from callpark.functions.environments.failures import platform_error_type
from callpark.functions.environments.happenings import AttemptEnded, AttemptStarted, AttemptStatus
from callpark.functions.environments.logs import EnvironmentLog
from callpark.functions.environments.platform_lines import JsonLines, Report, TextLines, record_of
from callpark.functions.environments.ports import Attempt, Deployment
from callpark.functions.environments.runs import Init, InitFailed, InitTimedOut, Platform


def log_stream(day: str, deployment: Deployment, name: str) -> str:
    """The log stream of an environment; in a log group of one's own it names the function.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html"""
    if deployment.configuration.log_group is None:
        return f"{day}/[{deployment.version}]{name}"
    return f"{day}/{deployment.configuration.name}[{deployment.version}][{name}]"


class Narration:
    """`telemetry` is that of the present generation of processes."""

    def __init__(self, deployment: Deployment, stream: str, platform: Platform) -> None:
        configuration = deployment.configuration
        self.telemetry: Telemetry | None = None
        self.log = EnvironmentLog(
            configuration.name, configuration.log_group or "", stream, platform.trace, platform.limits
        )
        self._deployment = deployment
        self._name = configuration.name
        self._stream = stream
        self._platform = platform
        structured = configuration.log_format == "JSON"
        self._lines = JsonLines(log_levels.rank(configuration.system_log_level)) if structured else TextLines()
        self._least = log_levels.rank(configuration.application_log_level) if structured else None

    def now_text(self) -> str:
        now = datetime.fromtimestamp(self._platform.clock.now(), UTC)
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"

    # The init phase.

    def init_started(self, request_id: str) -> None:
        deployment, configuration = self._deployment, self._deployment.configuration
        self.log.attribute(request_id)
        self._say(
            self._lines.init_start(configuration.runtime, deployment.version, deployment.initialization, self.now_text)
        )
        self._publish(
            "platform.initStart",
            {
                "initializationType": deployment.initialization,
                "phase": "init",
                "runtimeVersion": configuration.runtime,
                "functionName": configuration.name,
                "functionVersion": deployment.version,
                "instanceId": self._stream,
                "instanceMaxMemory": configuration.memory_megabytes * 1024 * 1024,
            },
        )

    def init_ended(self, init: Init, seconds: float) -> None:
        status: AttemptStatus = "success"
        kind = init.error_type if isinstance(init, InitFailed) else None
        if isinstance(init, InitFailed | InitTimedOut):
            status = "timeout" if isinstance(init, InitTimedOut) else "error"
        initialization = self._deployment.initialization
        self._say(self._lines.init_runtime_done(status, kind, initialization, self.now_text))
        self._say(self._lines.init_report(seconds, status, kind, initialization, self.now_text))
        if self._wanted:
            record: dict[str, object] = {
                "initializationType": self._deployment.initialization,
                "phase": "init",
                "status": status,
            }
            if kind:
                record["errorType"] = kind
            self._publish("platform.initRuntimeDone", record)
            self._publish("platform.initReport", {**record, "metrics": {"durationMs": round(seconds * 1000, 3)}})

    def extension_is(self, name: str, state: str, events: frozenset[str], error_type: str | None = None) -> None:
        shown = sorted(events)
        self._say(self._lines.extension(name, state, shown, error_type, self.now_text))
        record: dict[str, object] = {"name": name, "state": state, "events": shown}
        self._publish("platform.extension", {**record, "errorType": error_type} if error_type else record)

    # A run.

    def started(self, attempt: Attempt, *, cold: bool) -> None:
        request_id = attempt.request_id
        self.log.open(request_id, attempt.log_tail)
        resource = self._resource(attempt.invoked_arn)
        self._platform.trace.emit(AttemptStarted(self._name, request_id, self._stream, cold, resource))
        self._say(self._lines.start(request_id, self._deployment.version, self.now_text))
        if self._wanted:
            record: dict[str, object] = {"requestId": request_id, "version": self._deployment.version}
            if attempt.trace_header:
                record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": attempt.trace_header}
            self._publish("platform.start", record)

    def runtime_done(
        self, request_id: str, status: AttemptStatus, error_type: str | None, seconds: float, produced: int
    ) -> None:
        """The handler has answered; extensions may still be at work. For telemetry and for JSON logs."""
        if not (self._wanted or self._lines.tells_runtime_done(status)):
            return
        metrics = {"durationMs": round(seconds * 1000, 3), "producedBytes": produced}
        record: dict[str, object] = {"requestId": request_id, "status": status, "metrics": metrics}
        if error_type:
            record["errorType"] = platform_error_type(error_type)
        self._say(self._lines.runtime_done(record, status, self.now_text))
        self._publish("platform.runtimeDone", record)

    def ended(self, report: Report) -> None:
        """END and REPORT."""
        self._say(self._lines.end(report.request_id, self.now_text))
        self._say(self._lines.report(report, self.now_text))
        self._platform.trace.emit(
            AttemptEnded(
                self._name,
                report.request_id,
                self._stream,
                report.status,
                report.error_type,
                report.duration_seconds,
                report.init_seconds,
                report.peak_megabytes,
            )
        )
        if self._wanted:
            self._publish("platform.end", {"requestId": report.request_id})
            self._publish("platform.report", report.record())

    def timed_out(self, request_id: str, text: str) -> None:
        self.log.say(f"{self.now_text()} {request_id} {text}\n\n")

    def failed(self, request_id: str, error_type: str, text: str) -> None:
        self.log.say(f"RequestId: {request_id} Error: {text}\n{error_type}\n")

    # What processes write.

    def handler_wrote(self, events: list[str]) -> None:
        self.log.written(self._kept(events))
        self._publish_lines("function", events)

    def extension_wrote(self, events: list[str]) -> None:
        self.log.written(events)
        self._publish_lines("extension", events)

    def _resource(self, invoked_arn: str) -> str:
        qualifier = invoked_arn[len(self._deployment.arn) + 1 :]
        version = self._deployment.version
        if not qualifier or qualifier == version:
            return f"{self._name}:{qualifier}" if qualifier else ""
        return f"{self._name}:{qualifier}:{version}"

    def _kept(self, events: list[str]) -> list[str]:
        least = self._least
        return events if least is None else [event for event in events if log_levels.passes(event, least)]

    def _say(self, line: str | None) -> None:
        if line is not None:
            self.log.say(line)

    @property
    def _wanted(self) -> bool:
        return self.telemetry is not None and self.telemetry.wanted

    def _publish(self, event_type: str, record: object) -> None:
        if self.telemetry is not None:
            self.telemetry.publish("platform", event_type, record)

    def _publish_lines(self, kind: Literal["function", "extension"], events: list[str]) -> None:
        if self.telemetry is not None and self.telemetry.wanted:
            for event in events:
                self.telemetry.publish(kind, kind, record_of(event))

"""The platform's own log lines: INIT_START, START, END, REPORT and their JSON forms. Pure.

Called by `environment.py`; formats as recorded (lambda.md §15.1); for `LogFormat: JSON`, the Telemetry API's records.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import TypeAlias

import msgspec
import orjson

from callpark.functions.environments.happenings import AttemptStatus
from callpark.functions.environments.log_levels import system_rank

#: Gives the time stamp of a line, ISO 8601. Text lines have none, so it is asked for only when it is needed.
Instant: TypeAlias = Callable[[], str]


class Report(msgspec.Struct, frozen=True):
    """What REPORT says. Seconds and megabytes; `init_seconds` on the first run of a process."""

    request_id: str
    status: AttemptStatus
    error_type: str | None
    duration_seconds: float
    memory_megabytes: int
    peak_megabytes: int
    init_seconds: float | None

    def record(self) -> dict[str, object]:
        """As a record of the Telemetry API."""
        milliseconds = self.duration_seconds * 1000
        metrics: dict[str, object] = {
            "durationMs": round(milliseconds, 3),
            "billedDurationMs": ceil(milliseconds),
            "memorySizeMB": self.memory_megabytes,
            "maxMemoryUsedMB": self.peak_megabytes,
        }
        if self.init_seconds is not None:
            metrics["initDurationMs"] = round(self.init_seconds * 1000, 3)
        record: dict[str, object] = {"requestId": self.request_id, "status": self.status, "metrics": metrics}
        if self.error_type and self.status == "error":
            record["errorType"] = self.error_type
        return record


class TextLines:
    """`LogFormat: Text`. Of an init phase only a failed one is reported; when the runtime is done is not said."""

    def init_start(self, runtime: str, version: str, kind: str, at: Instant) -> str | None:
        name, number = _split_runtime(runtime)
        return f"INIT_START Runtime Version: {name}:{number}.callpark\tRuntime Version ARN: \n"

    def init_runtime_done(self, status: AttemptStatus, error_type: str | None, kind: str, at: Instant) -> str | None:
        return None

    def init_report(
        self, seconds: float, status: AttemptStatus, error_type: str | None, kind: str, at: Instant
    ) -> str | None:
        if status == "success":
            return None
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"INIT_REPORT Init Duration: {seconds * 1000:.2f} ms\tPhase: init\tStatus: {status}{error}\t\n"

    def start(self, request_id: str, version: str, at: Instant) -> str | None:
        return f"START RequestId: {request_id} Version: {version}\n"

    def tells_runtime_done(self, status: AttemptStatus) -> bool:
        return False

    def runtime_done(self, record: Mapping[str, object], status: AttemptStatus, at: Instant) -> str | None:
        return None

    def end(self, request_id: str, at: Instant) -> str | None:
        return f"END RequestId: {request_id}\n"

    def report(self, report: Report, at: Instant) -> str | None:
        milliseconds = report.duration_seconds * 1000
        line = (
            f"REPORT RequestId: {report.request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Billed Duration: {ceil(milliseconds)} ms\tMemory Size: {report.memory_megabytes} MB\t"
            f"Max Memory Used: {report.peak_megabytes} MB\t"
        )
        if report.init_seconds is not None:
            line += f"Init Duration: {report.init_seconds * 1000:.2f} ms\t"
        if report.status == "timeout":
            line += "Status: timeout"
        elif report.status == "error" and report.error_type and report.error_type.startswith("Runtime."):
            line += f"Status: error\tError Type: {report.error_type}"
        return line + "\n"

    def extension(self, name: str, state: str, events: list[str], error_type: str | None, at: Instant) -> str | None:
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]{error}\n"


class JsonLines:
    """`LogFormat: JSON`: one platform record per line, of those whose level is at least `least`."""

    def __init__(self, least: int) -> None:
        self._least = least

    def init_start(self, runtime: str, version: str, kind: str, at: Instant) -> str | None:
        record = {"initializationType": kind, "phase": "init", "runtimeVersion": runtime, "functionVersion": version}
        return self._line(at, "platform.initStart", record)

    def init_runtime_done(self, status: AttemptStatus, error_type: str | None, kind: str, at: Instant) -> str | None:
        record: dict[str, object] = {"initializationType": kind, "phase": "init", "status": status}
        if error_type:
            record["errorType"] = error_type
        return self._line(at, "platform.initRuntimeDone", record, status)

    def init_report(
        self, seconds: float, status: AttemptStatus, error_type: str | None, kind: str, at: Instant
    ) -> str | None:
        record: dict[str, object] = {"initializationType": kind, "phase": "init", "status": status}
        if error_type:
            record["errorType"] = error_type
        record["metrics"] = {"durationMs": round(seconds * 1000, 3)}
        return self._line(at, "platform.initReport", record, status, kind)

    def start(self, request_id: str, version: str, at: Instant) -> str | None:
        return self._line(at, "platform.start", {"requestId": request_id, "version": version})

    def tells_runtime_done(self, status: AttemptStatus) -> bool:
        return system_rank("platform.runtimeDone", status) >= self._least

    def runtime_done(self, record: Mapping[str, object], status: AttemptStatus, at: Instant) -> str | None:
        return self._line(at, "platform.runtimeDone", record, status)

    def end(self, request_id: str, at: Instant) -> str | None:
        return None

    def report(self, report: Report, at: Instant) -> str | None:
        return self._line(at, "platform.report", report.record(), report.status)

    def extension(self, name: str, state: str, events: list[str], error_type: str | None, at: Instant) -> str | None:
        record: dict[str, object] = {"name": name, "state": state, "events": events}
        if error_type:
            record["errorType"] = error_type
        return self._line(at, "platform.extension", record, "error" if error_type else "success")

    def _line(
        self, at: Instant, kind: str, record: Mapping[str, object], status: str = "success", initialization: str = ""
    ) -> str | None:
        if system_rank(kind, status, initialization) < self._least:
            return None
        return orjson.dumps({"time": at(), "type": kind, "record": record}).decode() + "\n"


def record_of(event: str) -> object:
    """A log event as the Telemetry API's record: its JSON object where it is one, else its text."""
    if event.startswith("{"):
        try:
            return orjson.loads(event)
        except orjson.JSONDecodeError:
            return event
    return event


def _split_runtime(runtime: str) -> tuple[str, str]:
    digits = next((index for index, character in enumerate(runtime) if character.isdigit()), len(runtime))
    return runtime[:digits].rstrip("."), runtime[digits:].removesuffix(".x") or "al2"

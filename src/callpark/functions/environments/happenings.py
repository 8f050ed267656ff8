"""What environments tell the trace: log events and the runs' beginnings and ends. Frozen values; read by function logs,
timelines and the CLI. The subject is the request id of the run they belong to."""

from typing import Literal, TypeAlias

import msgspec

AttemptStatus: TypeAlias = Literal["success", "error", "timeout"]


class FunctionLog(msgspec.Struct, frozen=True):
    """One log event of a function, as CloudWatch would hold it. `stream` is the environment's log stream, `group` the
    log group, "" for the function's own. Events of the init phase carry the request id that caused the start, or ""
    when none did."""

    function: str
    request_id: str
    stream: str
    text: str
    group: str = ""

    @property
    def subject(self) -> str:
        return self.request_id


class AttemptStarted(msgspec.Struct, frozen=True):
    """A handler has been given its event. `cold` says that the environment was started for it. `resource` is the
    function with the qualifier that was invoked, and behind an alias the version it chose, all with colons; "" when it
    was invoked without one."""

    function: str
    request_id: str
    stream: str
    cold: bool
    resource: str = ""

    @property
    def subject(self) -> str:
        return self.request_id


class AttemptEnded(msgspec.Struct, frozen=True):
    """A run is over. Real seconds; `init_seconds` on the first run of a process; `peak_megabytes` of its process."""

    function: str
    request_id: str
    stream: str
    status: AttemptStatus
    error_type: str | None
    duration_seconds: float
    init_seconds: float | None
    peak_megabytes: int

    @property
    def subject(self) -> str:
        return self.request_id

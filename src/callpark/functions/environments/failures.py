"""Error payloads that the platform itself makes, and how paths in the runtime's own ones are presented. Pure.

Called by `environment.py`; texts and key order as recorded from AWS (lambda.md §15.4).
"""

import json
import os
import re
import signal as signals
import sysconfig
from collections.abc import Sequence

import orjson

from callpark.functions.environments.ports import Deployment

TIMEOUT = "Sandbox.Timedout"
EXIT = "Runtime.ExitError"
TOO_LARGE = "Function.ResponseSizeTooLarge"
INVALID_ENTRYPOINT = "Runtime.InvalidEntrypoint"

_PLATFORM_TYPE = re.compile(r"(Runtime|Function|Sandbox|Extension)\.[A-Z][a-zA-Z]+")

#: How the operating system's signals read in AWS's texts (they are Go's).
_SIGNAL_TEXTS = {
    signals.SIGKILL: "killed",
    signals.SIGTERM: "terminated",
    signals.SIGSEGV: "segmentation fault",
    signals.SIGABRT: "aborted",
    signals.SIGINT: "interrupt",
    signals.SIGBUS: "bus error",
    signals.SIGFPE: "floating point exception",
    signals.SIGILL: "illegal instruction",
    signals.SIGHUP: "hangup",
}


def timeout_text(seconds: float) -> str:
    return f"Task timed out after {seconds:.2f} seconds"


def exit_text(status: int) -> str:
    """`status` as `subprocess` gives it: the exit status, or minus the signal."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    try:
        number = signals.Signals(-status)
    except ValueError:
        return f"Runtime exited with error: signal {-status}"
    return f"Runtime exited with error: signal: {_SIGNAL_TEXTS.get(number, f'signal {-status}')}"


def platform_error(error_type: str, request_id: str, text: str) -> bytes:
    return orjson.dumps({"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {text}"})


def too_large(limit: int) -> bytes:
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return orjson.dumps({"errorMessage": message, "errorType": TOO_LARGE})


def error_type_of(payload: bytes) -> str:
    """`errorType` of a runtime's error object; "Runtime.Unknown" when it has none."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return "Runtime.Unknown"
    found = value.get("errorType") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else "Runtime.Unknown"


def platform_error_type(given: str) -> str:
    """How the platform names an error in metrics and telemetry, whatever the runtime calls it (lambda.md §11.3)."""
    if _PLATFORM_TYPE.fullmatch(given):
        return given
    return "Function.Unknown" if given.startswith("Function.") else "Runtime.Unknown"


def presented_places(deployment: Deployment) -> tuple[tuple[str, str], ...]:
    """Directories here and what they are called in AWS's error objects."""
    root = str(deployment.code_root)
    real = os.path.realpath(root)
    library = sysconfig.get_path("stdlib")
    shown = f"/var/lang/lib/{deployment.configuration.runtime}"
    roots = ((root, "/var/task"),) if real == root else ((root, "/var/task"), (real, "/var/task"))
    return (*roots, (library, shown)) if deployment.configuration.runtime.startswith("python") else roots


def present_paths(payload: bytes, places: Sequence[tuple[str, str]]) -> bytes:
    """The error object with AWS's paths in its `stackTrace` or `trace`.

    Handlers run from wherever their code lies; people and recorded tests expect frames of `/var/task/`. Only the frames
    are rewritten (`places`: directory here → directory on AWS); messages, and what a handler returns, stay as they are.
    """
    if not any(here.encode() in payload for here, _ in places):
        return payload
    try:
        value = json.loads(payload)
    except ValueError:
        return payload
    if not isinstance(value, dict):
        return payload
    for member in ("stackTrace", "trace"):
        frames = value.get(member)
        if isinstance(frames, list):
            value[member] = [_present(frame, places) if isinstance(frame, str) else frame for frame in frames]
    return json.dumps(value, ensure_ascii=payload.isascii()).encode()


def _present(frame: str, places: Sequence[tuple[str, str]]) -> str:
    for here, there in places:
        frame = frame.replace(here + "/", there + "/")
    return frame

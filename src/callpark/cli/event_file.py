"""The event that a command sends, from a file or standard input. Used by `invoke` and `events replay`."""

import sys
from pathlib import Path

import orjson

from callpark.kernel.errors import ProjectError


def read_event(path: str) -> bytes:
    """One JSON value as it is written; `-` is standard input. Raises ProjectError."""
    try:
        payload = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise ProjectError(f"cannot read the event file {path}: {error.strerror}", "name a JSON file, or -") from error
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise ProjectError(f"the event is not JSON: {error}", "an event is one JSON value") from error
    return payload

"""What the logs of GraphQL and of Event APIs have in common: so many bytes for each request, JSON, times, headers.

Used by `request_log.py`, here and in `channels`.
https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

_CUT = "… the rest of this request's log is left out"


@dataclass(slots=True)
class LogLines:
    """Lines of one request, at most `most_bytes` of them."""

    most_bytes: int
    lines: list[str] = field(default_factory=list)
    _bytes: int = 0

    def add(self, line: str) -> None:
        if self._bytes > self.most_bytes:
            return
        self._bytes += len(line)
        self.lines.append(_CUT if self._bytes > self.most_bytes else line)


def shown_headers(headers: Mapping[str, object]) -> dict[str, object]:
    """Credentials are not written down."""
    secret = ("authorization", "x-api-key", "cookie", "x-amz-security-token")
    return {name: "***" if name in secret else value for name, value in headers.items()}


def json_text(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return '"(nested too deeply to be written)"'


def nanoseconds(seconds: float) -> int:
    return max(0, round(seconds * 1e9))


def instant(at: float) -> str:
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

"""Instants on the wire: epoch seconds inside, three spellings outside (smithy: timestampFormat)."""

import math
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

from callpark.gateway.protocols.refusals import unreadable

#: The years 1 to 9999, all that a calendar date can say.
_EARLIEST, _LATEST = -62_135_596_800.0, 253_402_300_799.0


def read_timestamp(value: object) -> float:
    """Epoch seconds from a number, ISO 8601 or RFC 822. Raises CallerError (SerializationException)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        instant = float(value)
    elif isinstance(value, str):
        instant = _read_text(value)
    else:
        raise unreadable("Expected a timestamp")
    if not math.isfinite(instant) or not _EARLIEST <= instant <= _LATEST:
        raise unreadable(f"Timestamp out of range: {value!r}")
    return instant


def write_timestamp(instant: float, form: str) -> int | float | str:
    """Epoch seconds as `unixTimestamp` (milliseconds kept), `iso8601` or `rfc822`."""
    if form == "unixTimestamp":
        rounded = round(instant, 3)
        return int(rounded) if rounded == int(rounded) else rounded
    if form == "rfc822":
        return formatdate(instant, usegmt=True)
    moment = datetime.fromtimestamp(instant, UTC)
    spec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def _read_text(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
    raise unreadable(f"Unable to parse timestamp: {text!r}")

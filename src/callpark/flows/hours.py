"""Hours of operation: whether an instance's office is open at an instant. Pure.

Called by `actions/hours.py`; read from declarations by `resources.py`. Days and dates are those of the hours' time
zone, so summer time is followed. An override replaces the week on its dates.

https://docs.aws.amazon.com/connect/latest/adminguide/set-hours-operation.html
https://docs.aws.amazon.com/connect/latest/adminguide/hours-of-operation-overrides.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of a day, from the first to before the last. `until` past 1440 reaches into the next day."""

    start: int
    until: int


@dataclass(frozen=True, slots=True)
class Override:
    """Other hours on some dates, both included; no span: closed."""

    first: date
    last: date
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """`week` by English day names; a day that is not there is closed. Of two overrides the first decides."""

    zone: ZoneInfo
    week: Mapping[str, tuple[Span, ...]]
    overrides: tuple[Override, ...] = ()


def is_open(hours: OpeningHours, at: float) -> bool:
    """Whether the office is open at an instant (epoch seconds)."""
    local = datetime.fromtimestamp(at, hours.zone)
    minute = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    return any(span.start <= minute < span.until for span in _spans(hours, today)) or any(
        minute < span.until - _MINUTES_A_DAY for span in _spans(hours, yesterday)
    )


def _spans(hours: OpeningHours, day: date) -> tuple[Span, ...]:
    for override in hours.overrides:
        if override.first <= day <= override.last:
            return override.spans
    return hours.week.get(DAYS[day.weekday()], ())


def read_spans(texts: Sequence[str]) -> tuple[Span, ...]:
    """`09:00-17:30` each. An end at 00:00 is midnight, one before its start the next day (our rule). Raises
    ValueError."""
    return tuple(_span(text) for text in texts)


def read_zone(name: str) -> ZoneInfo:
    """Raises ValueError for what is no time zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write one like Europe/London") from None


def _span(text: str) -> Span:
    start, dash, end = text.partition("-")
    first, last = _minute(start), _minute(end)
    if not dash or first is None or last is None:
        raise ValueError(f"{text!r} are no hours; write them like 09:00-17:30")
    return Span(first, last if last > first else last + _MINUTES_A_DAY)


def _minute(text: str) -> int | None:
    hour, colon, minute = text.strip().partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal() and len(minute) == 2 and int(minute) < 60):
        return None
    value = int(hour) * 60 + int(minute)
    return value if value <= _MINUTES_A_DAY else None

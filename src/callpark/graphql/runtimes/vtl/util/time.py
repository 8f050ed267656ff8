"""`$util.time`: the clock's now, instants as text.

https://docs.aws.amazon.com/appsync/latest/devguide/time-helpers-in-util-time.html
"""

from datetime import UTC, datetime, timedelta

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util import date_patterns
from callpark.graphql.runtimes.vtl.util.function import Family, functions, text, whole

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = "$util.time"


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _at(value: object, name: str) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=whole(value, f"{_NAME}.{name}"))
    except OverflowError:
        raise TemplateFailure(f"{_NAME}.{name}: the instant is out of range") from None


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z".rjust(24, "0")


def _formatted(at: datetime, pattern: object, zone: object) -> str:
    parts = date_patterns.read(text(pattern, _NAME))
    try:
        local = at.astimezone(date_patterns.zone("UTC" if zone is None else text(zone, _NAME)))
    except OverflowError:
        raise TemplateFailure(f"{_NAME}: the instant is out of range") from None
    return date_patterns.write(parts, local)


def _now(run: Run) -> int:
    return int(run.now * 1000)


def _parse_formatted(run: Run, value: object, pattern: object, zone: object = None) -> int:
    where = date_patterns.zone("UTC" if zone is None else text(zone, _NAME))
    return _milliseconds(date_patterns.parse(text(pattern, _NAME), text(value, _NAME), where))


def _parse_iso(run: Run, value: object) -> int:
    source = text(value, f"{_NAME}.parseISO8601ToEpochMilliSeconds")
    try:
        at = datetime.fromisoformat(source)
        return _milliseconds(at.replace(tzinfo=UTC) if at.tzinfo is None else at)
    except ValueError:
        raise TemplateFailure(f"{_NAME}: '{source[:100]}' is not an ISO 8601 instant") from None


TIME = Family(
    functions(
        _NAME,
        {
            "nowISO8601": (lambda run: _iso(_at(_now(run), "nowISO8601")), 0, 0),
            "nowEpochSeconds": (lambda run: _now(run) // 1000, 0, 0),
            "nowEpochMilliSeconds": (_now, 0, 0),
            "nowFormatted": (
                lambda run, pattern, zone=None: _formatted(_at(_now(run), "nowFormatted"), pattern, zone),
                1,
                2,
            ),
            "parseFormattedToEpochMilliSeconds": (_parse_formatted, 2, 3),
            "parseISO8601ToEpochMilliSeconds": (_parse_iso, 1, 1),
            "epochMilliSecondsToSeconds": (
                lambda run, value: whole(value, f"{_NAME}.epochMilliSecondsToSeconds") // 1000,
                1,
                1,
            ),
            "epochMilliSecondsToISO8601": (
                lambda run, value: _iso(_at(value, "epochMilliSecondsToISO8601")),
                1,
                1,
            ),
            "epochMilliSecondsToFormatted": (
                lambda run, value, pattern, zone=None: _formatted(
                    _at(value, "epochMilliSecondsToFormatted"), pattern, zone
                ),
                2,
                3,
            ),
        },
    )
)

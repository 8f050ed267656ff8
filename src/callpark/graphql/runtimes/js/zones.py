"""The offsets of a named time zone over two centuries, for `util.time`. The machine's zone data, read once per zone.

Called by `host.py` when a handler names a zone; returns what `source/48_zones.js` looks up.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import orjson

_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_WEEK = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def zone_json(name: str) -> str:
    """`{"since": [ms], "seconds": […], "names": […]}`, the first period without a beginning, or `{"missing": true}`."""
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a name that is none, a folder of the zone data
        return '{"missing":true}'
    since: list[int] = []
    periods = [_period(zone, _FIRST)]
    for change in _changes(zone):
        since.append(int((change - _EPOCH).total_seconds() * 1000))
        periods.append(_period(zone, change))
    members = {"since": since, "seconds": [seconds for seconds, _ in periods], "names": [name for _, name in periods]}
    return orjson.dumps(members).decode()


def _changes(zone: ZoneInfo) -> Iterator[datetime]:
    """The instants at which the zone's offset or its name changes, to the second. Week by week, then halving."""
    at = _FIRST
    here = _period(zone, at)
    while at < _LAST:
        after = at + _WEEK
        there = _period(zone, after)
        if there != here:
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                if _period(zone, middle) == here:
                    low = middle
                else:
                    high = middle
            yield high
        at, here = after, there


def _period(zone: ZoneInfo, at: datetime) -> tuple[int, str]:
    local = at.astimezone(zone)
    offset = local.utcoffset()
    return 0 if offset is None else int(offset.total_seconds()), local.tzname() or ""

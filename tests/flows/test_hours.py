"""Opening hours over time zones, summer time, midnight and overrides."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.declared import Declared, Hours, Queue
from callpark.flows.hours import DAYS, OpeningHours, Override, is_open, read_spans, read_zone
from callpark.flows.resources import build_resources
from callpark.kernel.errors import ProjectError

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
OFFICE = OpeningHours(
    LONDON,
    {
        "Monday": read_spans(["09:00-12:30", "13:00-17:00"]),
        "Friday": read_spans(["22:00-02:00"]),
        "Sunday": read_spans(["00:00-00:00"]),
    },
    (
        Override(date(2026, 12, 21), date(2026, 12, 22), ()),
        Override(date(2026, 12, 28), date(2026, 12, 28), read_spans(["10:00-11:00"])),
    ),
)


@pytest.mark.parametrize(
    ("local", "opened"),
    [
        ("2026-11-23 08:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 12:29", True),
        ("2026-11-23 12:30", False),
        ("2026-11-23 13:00", True),
        ("2026-11-23 17:00", False),
        ("2026-11-24 10:00", False),
        ("2026-11-27 21:59", False),
        ("2026-11-27 23:00", True),
        ("2026-11-28 01:59", True),
        ("2026-11-28 02:00", False),
        ("2026-11-29 00:00", True),
        ("2026-11-29 23:59", True),
        ("2026-11-30 00:00", False),
        ("2026-12-21 10:00", False),
        ("2026-12-28 09:30", False),
        ("2026-12-28 10:30", True),
        ("2026-06-01 09:00", True),
        ("2026-06-01 08:59", False),
    ],
)
def test_is_open(local: str, opened: bool) -> None:
    assert is_open(OFFICE, datetime.fromisoformat(local).replace(tzinfo=LONDON).timestamp()) is opened


def test_summer_time_moves_the_instant() -> None:
    winter = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo("UTC")).timestamp()
    summer = datetime(2026, 6, 1, 8, tzinfo=ZoneInfo("UTC")).timestamp()
    assert is_open(OFFICE, winter)
    assert is_open(OFFICE, summer)
    assert not is_open(OFFICE, winter - 3600)
    assert not is_open(OFFICE, summer - 3600)


@given(st.floats(0, 4e9), st.sampled_from(["UTC", "Europe/London", "Asia/Kolkata", "Pacific/Apia"]))
def test_around_the_clock_is_always_open_and_never_is_never(at: float, zone: str) -> None:
    always = OpeningHours(ZoneInfo(zone), dict.fromkeys(DAYS, read_spans(["00:00-00:00"])))
    assert is_open(always, at)
    assert not is_open(OpeningHours(ZoneInfo(zone), {}), at)


@pytest.mark.parametrize("text", ["9-17", "09:00", "25:00-26:00", "09:60-10:00", "a:b-c:d", "09:00-24:01", ""])
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match="are no hours"):
        read_spans([text])


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd"])
def test_what_is_no_time_zone(zone: str) -> None:
    with pytest.raises(ValueError, match="is no time zone"):
        read_zone(zone)


@pytest.mark.parametrize(
    ("declared", "cause"),
    [
        (Declared(hours=(Hours(name="O", days={"Mon": ()}),)), "hours O: 'Mon' is no day"),
        (Declared(hours=(Hours(name="O", days={}, time_zone="X"),)), "hours O: 'X' is no time zone"),
        (Declared(hours=(Hours(name="O", days={"Monday": ("9",)}),)), "hours O: '9' are no hours"),
        (Declared(queues=(Queue(name="Q", hours="O"),)), "queue Q: there are no hours 'O'"),
        (Declared(queues=(Queue(name="Q", agents=("a",)),)), "queue Q: there is no agent 'a'"),
        (Declared(queues=(Queue(name="Q", capacity=-1),)), "queue Q: capacity -1"),
    ],
)
def test_declarations_that_do_not_fit(declared: Declared, cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        build_resources(declared)
    assert caught.value.cause.startswith(cause)

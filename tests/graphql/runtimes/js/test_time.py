"""Pattern letters of java.time.format.DateTimeFormatter, both ways, and zones with their changes of offset."""
# ruff: noqa: E501 - tables read better unbroken

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.js.zones import zone_json
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits
from tests.graphql.runtimes.js.test_hostile import run, unchecked
from tests.graphql.runtimes.js.test_util_table import call

pytestmark = pytest.mark.unit

WHEN = 1517943695758  # 2018-02-06T19:01:35.758Z, a Tuesday
BEFORE_OUR_ERA = -63_000_000_000_000
FORMATS = [
    ("y yy yyyy u", None, "2018 18 2018 2018"),
    ("M MM MMM MMMM MMMMM", None, "2 02 Feb February F"),
    ("L LL LLL", None, "2 02 Feb"),
    ("d dd D DDD", None, "6 06 37 037"),
    ("E EEE EEEE EEEEE", None, "Tue Tue Tuesday T"),
    ("e ee eee c", None, "3 03 Tue 3"),
    ("Q QQ QQQ QQQQ q", None, "1 01 Q1 1st quarter 1"),
    ("Y YYYY w ww W", None, "2018 2018 6 06 2"),
    ("a h hh K k kk H HH", None, "PM 7 07 7 19 19 19 19"),
    ("m mm s ss", None, "1 01 35 35"),
    ("S SS SSS SSSSSS", None, "7 75 758 758000"),
    ("A n N", None, "68495758 758000000 68495758000000"),
    ("X XX XXX XXXX XXXXX", "+05:30", "+0530 +0530 +05:30 +0530 +05:30"),
    ("X XXX x xxx Z ZZZZ ZZZZZ O OOOO", None, "Z Z +00 +00:00 +0000 GMT Z GMT GMT"),
    ("x xx Z ZZZZ ZZZZZ O OOOO", "-08:00", "-08 -0800 -0800 GMT-08:00 -08:00 GMT-8 GMT-08:00"),
    ("VV z", "America/New_York", "America/New_York EST"),
    ("VV z", "UTC", "UTC UTC"),
    ("G GGGG GGGGG", None, "AD Anno Domini A"),
    ("yyyy-MM-dd'T'HH:mm[:ss][.SSS]XXX", "Asia/Kathmandu", "2018-02-07T00:46:35.758+05:45"),
    ("''yyyy''", None, "'2018'"),
    ("HH 'o''clock'", None, "19 o'clock"),
    ("HH:mm", "UTC+3", "22:01"),
    ("HH:mm", "GMT-02:30", "16:31"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "zone", "expected"), FORMATS, ids=[pattern for pattern, _, _ in FORMATS])
async def test_formats(host: JavaScriptHost, pattern: str, zone: str | None, expected: str) -> None:
    arguments = (WHEN, pattern) if zone is None else (WHEN, pattern, zone)
    evaluation = await run(unchecked(host, call("time.epochMilliSecondsToFormatted", arguments)))
    assert evaluation.halt is None
    assert evaluation.value == expected


OTHER_TIMES = [
    (BEFORE_OUR_ERA, "yyyy G uuuu", "0028 BC -0027"),
    (-1, "yyyy-MM-dd HH:mm:ss.SSS", "1969-12-31 23:59:59.999"),
    (0, "k K", "24 0"),
    (1735603200000, "YYYY-MM-dd w", "2025-12-31 1"),  # the famous mistake: 31 December 2024
    (253402300800000, "yyyy", "10000"),
]


@pytest.mark.parametrize(("when", "pattern", "expected"), OTHER_TIMES)
async def test_formats_at_other_times(host: JavaScriptHost, when: int, pattern: str, expected: str) -> None:
    done = await run(unchecked(host, call("time.epochMilliSecondsToFormatted", (when, pattern))))
    assert done.value == expected


PARSED = [
    ("2018-02-06 19:01:35.758", "yyyy-MM-dd HH:mm:ss.SSS", None, WHEN),
    ("20180206190135", "yyyyMMddHHmmss", None, WHEN - 758),
    ("Tue, 06 Feb 2018 07:01:35 pm", "EEE, dd MMM yyyy hh:mm:ss a", None, WHEN - 758),
    ("February 6, 2018", "MMMM d, yyyy", None, 1517875200000),
    ("06/02/18", "dd/MM/yy", None, 1517875200000),
    ("2018-037", "yyyy-DDD", None, 1517875200000),
    ("2018-02-06T19:01:35", "yyyy-MM-dd'T'HH:mm[:ss][.SSS]", None, WHEN - 758),
    ("2018-02-06T19:01Z", "yyyy-MM-dd'T'HH:mm[:ss]XXX", None, 1517943660000),
    ("2018-02-06 19:01 +05:30", "yyyy-MM-dd HH:mm XXX", None, 1517923860000),
    ("2018-02-06 19:01 GMT+5", "yyyy-MM-dd HH:mm O", None, 1517925660000),
    ("2018-02-06 19:01 Asia/Kolkata", "yyyy-MM-dd HH:mm VV", None, 1517923860000),
    ("2018-02-06 24", "yyyy-MM-dd kk", None, 1517875200000),
    ("2018-02-30", "yyyy-MM-dd", None, 1519776000000),  # the last of February, as Java's smart resolver has it
    ("2024-02-30", "yyyy-MM-dd", None, 1709164800000),
    ("2018-03-25 01:30", "yyyy-MM-dd HH:mm", "Europe/London", 1521941400000),  # skipped that night
    ("2018-10-28 01:30", "yyyy-MM-dd HH:mm", "Europe/London", 1540686600000),  # twice that night
    ("2018-07-01 12:00", "yyyy-MM-dd HH:mm", "Europe/London", 1530442800000),
    ("0001-01-01", "yyyy-MM-dd", None, -62135596800000),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pattern", "zone", "expected"), PARSED, ids=[text for text, *_ in PARSED])
async def test_parsing(host: JavaScriptHost, text: str, pattern: str, zone: str | None, expected: int) -> None:
    arguments = (text, pattern) if zone is None else (text, pattern, zone)
    evaluation = await run(unchecked(host, call("time.parseFormattedToEpochMilliSeconds", arguments)))
    assert evaluation.halt is None
    assert evaluation.value == expected


ISO = [
    ("2018-02-06T19:01:35.758Z", WHEN), ("2018-02-06T19:01:35.758123456Z", WHEN), ("2018-02-06T19:01:35,758Z", WHEN),
    ("2018-02-06T20:01:35.758+01", WHEN), ("2018-02-06T20:01:35.758+0100", WHEN), ("2018-02-06T19:01:35.758", WHEN),
    ("2018-02-06", 1517875200000), ("2018-02-06T19:01Z", 1517943660000),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ISO)
async def test_iso_8601(host: JavaScriptHost, text: str, expected: int) -> None:
    done = await run(unchecked(host, call("time.parseISO8601ToEpochMilliSeconds", (text,))))
    assert done.value == expected


REFUSED = [
    ("nowFormatted", ("bb",), "Unknown pattern letter: b"), ("nowFormatted", ("zzzz",), "not supported by callpark"),
    ("nowFormatted", ("'open",), "incomplete string literal"), ("nowFormatted", ("a]",), "] without previous ["),
    ("nowFormatted", ("{",), "reserved character"), ("nowFormatted", ("HH", "+19:00"), "Zone offset not in valid range"),
    ("nowFormatted", ("HH", 5), "expects a string"), ("nowFormatted", (5,), "expects a string"),
    ("epochMilliSecondsToISO8601", ("x",), "expects a number"), ("epochMilliSecondsToISO8601", (9e15,), "within the years"),
    ("parseFormattedToEpochMilliSeconds", ("2018-13-01", "yyyy-MM-dd"), "Invalid value for M: 13"),
    ("parseFormattedToEpochMilliSeconds", ("2018-01-01 25", "yyyy-MM-dd HH"), "Invalid value for H: 25"),
    ("parseFormattedToEpochMilliSeconds", ("2018x", "yyyy"), "unparsed text found at index 4"),
    ("parseISO8601ToEpochMilliSeconds", ("6 Feb 2018",), "is not an ISO 8601 instant"),
    ("parseISO8601ToEpochMilliSeconds", ("2018-02-06T99:00Z",), "is not an ISO 8601 instant"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "why"), REFUSED)
async def test_misuse(host: JavaScriptHost, name: str, arguments: tuple[object, ...], why: str) -> None:
    halt = (await run(unchecked(host, call(f"time.{name}", arguments)))).halt
    assert halt is not None
    assert why in str(halt["message"])


HOST = JavaScriptHost(VirtualClock(), SeededIds(1), AppSyncLimits())
THERE_AND_BACK = unchecked(
    HOST,
    "const { at, pattern, zone } = ctx.args; const written = util.time.epochMilliSecondsToFormatted(at, pattern, zone);"
    " return util.time.parseFormattedToEpochMilliSeconds(written, pattern, zone);",
)


@given(
    st.integers(-2_000_000_000_000, 4_000_000_000_000),
    st.sampled_from(
        ["yyyy-MM-dd'T'HH:mm:ss.SSSXXXXX", "EEEE d MMMM uuuu hh:mm:ss.SSS a xxxxx", "yyyyDDDHHmmssSSSZZZZZ"]
    ),
    st.sampled_from(["UTC", "+05:45", "-11:00", "Europe/London", "America/St_Johns", "Australia/Lord_Howe"]),
)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back(at: int, pattern: str, zone: str) -> None:
    done = THERE_AND_BACK.evaluate("request", {"arguments": {"at": at, "pattern": pattern, "zone": zone}}, "")
    assert done.value == at  # type: ignore[union-attr]


def test_a_zone_that_does_not_exist() -> None:
    assert [zone_json(name) for name in ("Nowhere/Land", "../../etc/passwd", "", "Europe")] == ['{"missing":true}'] * 4

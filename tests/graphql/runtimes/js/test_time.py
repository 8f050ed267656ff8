"""What times and zones are beyond the tables of both runtimes: written and read back, zones that do not exist."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.js.zones import zone_json
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits
from tests.graphql.runtimes.js.test_hostile import unchecked

pytestmark = pytest.mark.unit

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

"""docs/flow-check.md says what the code says."""

from pathlib import Path

import pytest

from callpark.flows.checking.table import RULES

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[3] / "docs" / "flow-check.md"


def test_the_table_of_codes_is_the_table_in_the_code() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| CP")]
    written = [f"| {r.code} | {r.severity} | {r.title} | {r.why} | {r.remedy} |" for r in RULES]
    assert rows == written

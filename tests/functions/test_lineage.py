"""Hops in the trace header (lambda.md §9): SDKs pass it on, percent-encoding what HTTP would allow."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions import lineage

pytestmark = pytest.mark.unit

F, G = "arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:g"
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"


def sent_by_an_sdk(header: str) -> str:
    """As botocore's `add_recursion_detection_header_` sends it on (recorded)."""
    return quote(header, safe="-=;:+&[]{}\"',")


def test_each_function_is_counted_by_itself() -> None:
    header, count = lineage.step(None, F, ROOT)
    assert (header.startswith(f"{ROOT};Lineage="), count) == (True, 1)
    for expected in (1, 2, 3):
        header, count = lineage.step(sent_by_an_sdk(header), G, "unused")
        assert count == expected
    header, count = lineage.step(sent_by_an_sdk(header), F, "unused")
    assert count == 2
    assert (lineage.count(header, F), lineage.count(header, G)) == (2, 3)
    assert header.startswith(f"{ROOT};Lineage=")


def test_the_root_of_the_caller_is_kept() -> None:
    assert lineage.step("Root=1-2-3;Sampled=1", F, "unused")[0].startswith("Root=1-2-3;Sampled=1;Lineage=")
    assert lineage.count("Root=1-2-3", F) == 0
    assert lineage.count(None, F) == 0


@given(st.text(max_size=200) | st.from_regex(r"(Root=.*;)?Lineage=[a-f0-9|:%]*", fullmatch=True))
def test_any_header_can_be_read(header: str) -> None:
    onwards, count = lineage.step(header, F, ROOT)
    assert count >= 1
    assert lineage.count(onwards, F) in (count, 0)


def test_a_chain_through_many_functions_stays_short() -> None:
    header: str | None = None
    for number in range(200):
        header, _ = lineage.step(header, f"{F}{number}", ROOT)
    assert header is not None
    assert len(header) < 1_000

"""What a qualifier means, and how versions and aliases come and go (lambda.md §3; aliases are resolved per attempt)."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions import versions
from callpark.functions.model import (
    Alias,
    CodeIdentity,
    DatedEventInvokeConfig,
    Directory,
    EventInvokeConfig,
    Function,
    FunctionConfiguration,
)
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def function(*published: str, aliases: Mapping[str, tuple[str, Mapping[str, float]]] | None = None) -> Function:
    """A function with a version per description, numbered from 1."""
    made = Function(
        FunctionConfiguration("f", "python3.12", "app.handler"),
        Directory(Path("/nowhere")),
        CodeIdentity("sha", 1),
        "r",
        0.0,
    )
    for description in published:
        made, _ = versions.with_version(made, made.code, description, "r", 0.0)
    for name, (number, weights) in (aliases or {}).items():
        made = versions.with_alias(made, Alias(name, number, "", "r", weights))
    return made


@pytest.mark.parametrize(
    ("qualifier", "fraction", "number"),
    [
        (None, 0.0, "$LATEST"),
        ("$LATEST", 0.0, "$LATEST"),
        ("1", 0.0, "1"),
        ("3", 0.0, None),
        ("gone", 0.0, None),
        ("live", 0.9, "1"),
        ("split", 0.0, "2"),
        ("split", 0.2499, "2"),
        ("split", 0.25, "1"),
        ("split", 0.999, "1"),
        ("newest", 0.5, "$LATEST"),
    ],
)
def test_what_a_qualifier_runs(qualifier: str | None, fraction: float, number: str | None) -> None:
    made = function("a", "b", aliases={"live": ("1", {}), "split": ("1", {"2": 0.25}), "newest": ("$LATEST", {})})
    assert versions.number_for(made, qualifier, fraction) == number
    assert versions.knows(made, qualifier) is (number is not None)


@given(st.floats(0, 1), st.floats(0, 1, exclude_max=True))
def test_an_alias_runs_one_of_its_versions(weight: float, fraction: float) -> None:
    made = function("a", "b", aliases={"live": ("1", {"2": weight})})
    assert versions.number_for(made, "live", fraction) == ("2" if fraction < weight else "1")


def test_publishing_again_is_new_only_after_a_change() -> None:
    made = function("a")
    newest = versions.published_already(made)
    assert newest is not None
    assert newest.configuration.description == "a"
    with_other_code = Function(
        made.configuration, made.code, CodeIdentity("other", 1), "r", 0.0, versions=made.versions
    )
    assert versions.published_already(with_other_code) is None
    assert versions.published_already(function()) is None


def test_numbers_are_never_used_again() -> None:
    made = versions.without_version(function("a", "b"), "2")
    made, version = versions.with_version(made, made.code, "c", "r", 0.0)
    assert (version.number, sorted(made.versions)) == ("3", ["1", "3"])


def test_a_version_that_an_alias_needs_stays() -> None:
    made = function("a", "b", aliases={"live": ("1", {"2": 0.1})})
    for number in ("1", "2"):
        with pytest.raises(CallerError) as refusal:
            versions.without_version(made, number)
        assert refusal.value.status == 409
        assert "following aliases reference it: [live]" in refusal.value.message


def test_what_is_configured_for_an_alias_goes_with_it() -> None:
    made = function("a", aliases={"live": ("1", {})})
    config = DatedEventInvokeConfig(EventInvokeConfig(0), 0.0)
    made = Function(made.configuration, made.code, made.identity, "r", 0.0, aliases=made.aliases,
                    versions=made.versions, event_invoke_configs={"live": config, "$LATEST": config})  # fmt: skip
    after = versions.without_alias(made, "live")
    assert (dict(after.aliases), list(after.event_invoke_configs)) == ({}, ["$LATEST"])


@pytest.mark.parametrize(
    ("version", "weights", "text"),
    [
        ("9", {}, f"Function not found: {ARN}:9"),
        ("live", {}, f"Function not found: {ARN}:live"),
        ("1", {"9": 0.5}, f"Function not found: {ARN}:9"),
        ("1", {"2": 0.1, "$LATEST": 0.1}, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        (
            "1",
            {"1": 0.5},
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
        ),
        ("$LATEST", {"1": 0.5}, "$LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"2": 1.5}, "Map value must satisfy constraint: [Member must have value less than or equal to 1.0"),
        ("1", {"live": 0.5}, "Map keys must satisfy constraint"),
    ],
)
def test_aliases_that_cannot_be(version: str, weights: dict[str, float], text: str) -> None:
    made = function("a", "b", aliases={"live": ("1", {})})
    with pytest.raises(CallerError) as refusal:
        versions.check_routing(made, ARN, version, weights)
    assert text in refusal.value.message


@pytest.mark.parametrize(("version", "weights"), [("1", {}), ("$LATEST", {}), ("1", {"2": 0.0}), ("1", {"2": 1.0})])
def test_aliases_that_can_be(version: str, weights: dict[str, float]) -> None:
    versions.check_routing(function("a", "b"), ARN, version, weights)
